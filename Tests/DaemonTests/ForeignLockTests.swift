import Foundation
import RESP
import RPC
import TestSupport
import Testing

/// Other programs at the daemon's files: a shell with an open transaction, a backup that hangs. This process is one.
@Suite("another program at the daemon's files", .serialized, .ownThread)
struct ForeignLockTests {
    @Test(
        "a write lock on the state: checkpoints fail, name who holds it and are tried again; all else goes on"
    )
    func stateLocked() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=1"])
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(50)
        #expect(try daemon.call("CHECKPOINT").isError == false)
        let lock = try OtherTransaction(place.stateFile, "BEGIN IMMEDIATE", reading: "items")
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "j\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(100)
        try daemon.waitUntil("a checkpoint fails") { $0["checkpoint.failed"] > 0 }
        #expect(try daemon.status().text("checkpoint.last-error").contains("process \(getpid())"))
        #expect(daemon.errors.contains("process \(getpid())"))
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        try lock.end()
        try daemon.waitUntil("a checkpoint is written") {
            $0.text("checkpoint.last-error").isEmpty && $0["checkpoint.written"] > 1
        }
        try daemon.kill()
        let again = try place.start()
        try again.waitUntil("all is learned") { $0.positions == [0: 100] }
        #expect(try again.status()["events.applied"] == 100)
    }

    @Test("a write lock that ends while the daemon stops costs nothing: the last checkpoint waits for it")
    func lockedWhileStopping() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=86400"])
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(50)
        let lock = try OtherTransaction(place.stateFile, "BEGIN IMMEDIATE", reading: "items")
        daemon.child.send(SIGTERM)
        try eventually("the last checkpoint has failed once") { daemon.errors.contains("checkpoint failed") }
        try lock.end()
        #expect(try daemon.child.wait() == .exit(0), "\(daemon.errors)")
    }

    @Test("a write lock on the log: events are refused with UNAVAILABLE in bounded time, look-ups go on")
    func logLocked() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(50)
        let lock = try OtherTransaction(place.logFile, "BEGIN IMMEDIATE", reading: "events")
        let refused = try daemon.call("RATE", "u1", "i1", "5")
        #expect(refused.isError("UNAVAILABLE"), "\(refused)")
        guard case .error(let words) = refused else { throw TestFailure("\(refused)") }
        #expect(words.contains("process \(getpid())"), "\(words)")
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        try lock.end()
        let token = try daemon.token("RATE", "u1", "i1", "5")
        #expect(token == "0:50")
        try daemon.waitUntilApplied(51)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test(
        "a long reader of state and log is named in STATUS and in the log, and without it the -wal files shrink"
    )
    func longReader() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=1", "engine.factors=128"])
        let client = try daemon.client
        func rate(_ count: Int) throws {
            let title = String(repeating: "t", count: 1_000)
            for start in stride(from: 0, to: count, by: 100) {
                for number in start..<min(start + 100, count) {
                    try client.send(["ITEM.SET", "i\(number)", "TITLE", title])
                }
                for _ in start..<min(start + 100, count) {
                    let answer = try client.receive()
                    #expect(answer.string != nil, "\(answer)")
                }
            }
        }
        try rate(100)
        try daemon.waitUntilApplied(100)
        #expect(try daemon.call("CHECKPOINT").isError == false)
        let onState = try OtherTransaction(place.stateFile, "BEGIN", reading: "items")
        let onLog = try OtherTransaction(place.logFile, "BEGIN", reading: "events")
        try rate(14_000)
        try daemon.waitUntilApplied(14_100)
        #expect(try daemon.call("CHECKPOINT").isError == false)
        let me = "process \(getpid())"
        try daemon.waitUntil("both readers are named") {
            $0.text("state.wal-held-by-reader").contains(me) && $0.text("log.wal-held-by-reader").contains(me)
        }
        let held = try daemon.status()
        #expect(held["state.wal-bytes"] > 16 << 20 && held["log.wal-bytes"] > 16 << 20)
        for words in ["the state's -wal file grows", "the log's -wal file grows", me] {
            // The state's is told with its next look at the file.
            try eventually("the log says: \(words)") { daemon.errors.contains(words) }
        }
        try onState.end()
        try onLog.end()
        try daemon.waitUntil("both are within their bounds again") {
            $0["state.wal-bytes"] <= 16 << 20 && $0["log.wal-bytes"] <= 16 << 20
                && $0.text("state.wal-held-by-reader").isEmpty && $0.text("log.wal-held-by-reader").isEmpty
        }
        try daemon.kill()
        let again = try place.start(["engine.factors=128"])
        try again.waitUntil("all is learned") { $0.positions == [0: 14_100] }
        #expect(try again.status()["items.count"] == 14_000)
    }
}
