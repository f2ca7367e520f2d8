import Foundation
import GRDB
import RESP
import TestSupport
import Testing

/// A disk without room, played by a limit on the size of files.
@Suite("a full disk", .serialized, .ownThread)
struct DiskFullTests {
    @Test("checkpoints fail with a word, learning and look-ups go on, and with room again nothing is lost")
    func stateCannotGrow() throws {
        let host = try KafkaHost()
        let place = try DaemonPlace()
        let settings = host.settings + ["engine.factors=64", "checkpoint.every-seconds=1"]
        let stream = Streams.ratings(users: 300, items: 20)
        try host.produce(stream)
        let daemon = try place.start(settings, fileBytesMax: 256 * 1_024)
        try daemon.waitUntilApplied(stream.count)
        try daemon.waitUntil("a checkpoint fails") {
            $0["checkpoint.failed"] > 0 && !$0.text("checkpoint.last-error").isEmpty
        }
        #expect(try daemon.call("CHECKPOINT").isError)
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        #expect(daemon.errors.contains("checkpoint failed"))
        #expect(daemon.errors.contains(place.stateFile), "\(daemon.errors)")
        // It cannot keep the promise of a durable state, and says so.
        #expect(try daemon.stop() == .exit(73), "\(daemon.errors)")

        let again = try place.start(settings)
        try again.waitUntil("the stream is learned") { $0.positions == [0: stream.count] }
        #expect(try again.status()["events.applied"] == stream.count)
        #expect(try again.stop() == .exit(0))
    }

    @Test("dead letters that find no room hold back the checkpoint, not the stream")
    func deadLettersCannotGrow() throws {
        let place = try DaemonPlace()
        let stream = (0..<3_000).map {
            TestRecord("u1", "{broken \(String(repeating: "x", count: 150)) \($0)")
        }
        try place.fillLog(stream)
        let daemon = try place.start(["checkpoint.every-seconds=1"], fileBytesMax: 128 * 1_024)
        try daemon.waitUntil("the stream is taken") { $0["events.dead-letters"] == stream.count }
        try daemon.waitUntil("a checkpoint fails") { $0["checkpoint.failed"] > 0 }
        #expect(try daemon.status().text("checkpoint.last-error").contains("dead letters"))
        #expect(try daemon.call("CHECKPOINT").isError)
        #expect(try daemon.stop() == .exit(73), "\(daemon.errors)")

        let again = try place.start()
        try again.waitUntil("the stream is taken") { $0.positions == [0: stream.count] }
        #expect(try again.call("CHECKPOINT").isError == false)
        #expect(try again.status()["events.dead-letters"] == stream.count)
        #expect(try again.stop() == .exit(0))
        let log = try DatabaseQueue(path: place.logFile)
        #expect(
            try log.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM dead_letters") } == stream.count)
        try log.close()
    }

    @Test("a log that cannot grow refuses events with a clear error, and look-ups go on")
    func logCannotGrow() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=86400"], fileBytesMax: 512 * 1_024)
        let client = try daemon.client
        var acknowledged = 0
        var refusal: RESPValue?
        while refusal == nil, acknowledged < 100_000 {
            for number in 0..<50 { try client.send(["RATE", "u\(number)", "i\(number % 7)", "4"]) }
            for _ in 0..<50 {
                let answer = try client.receive()
                if answer.string != nil { acknowledged += 1 } else { refusal = answer }
            }
        }
        guard case .error(let words)? = refusal else {
            throw TestFailure("the log took \(acknowledged) events")
        }
        #expect(words.contains(place.logFile), "\(words)")
        #expect(acknowledged > 0)
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        #expect(try daemon.status().flag("log.reachable") == false)
        try daemon.kill()

        let again = try place.start()
        try again.waitUntil("the log is learned") { $0["lag.total"] == 0 }
        #expect(try again.status()["events.applied"] >= acknowledged)
        #expect(try again.call("RATE", "u1", "i1", "5").isError == false)
    }
}
