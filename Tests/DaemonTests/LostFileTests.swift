import Foundation
import RPC
import TestSupport
import Testing

@Suite("files taken from under the daemon", .serialized, .ownThread)
struct LostFileTests {
    private let place: DaemonPlace
    private let daemon: DaemonProcess

    init() throws {
        place = try DaemonPlace()
        daemon = try place.start(["checkpoint.every-seconds=1"])
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(50)
        _ = try daemon.call("CHECKPOINT")
    }

    private func move(_ from: String, _ to: String) throws {
        guard rename(from, to) == 0 else { throw TestFailure("cannot move \(from)") }
    }

    @Test("the state file moved away: it says so at once, writes nothing, and goes on once it is moved back")
    func stateMoved() throws {
        let elsewhere = place.folder.path("elsewhere")
        try move(place.stateFile, elsewhere)
        try daemon.waitUntil("it is noticed") {
            $0.text("state.file-error").contains("deleted or moved away")
        }
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "j\($0 % 7)", "4"] })
        try daemon.waitUntil("a checkpoint fails") { $0["checkpoint.failed"] > 0 }
        #expect(try daemon.call("CHECKPOINT").isError)
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        try move(elsewhere, place.stateFile)
        try daemon.waitUntil("it goes on") {
            $0.text("state.file-error").isEmpty && $0.text("checkpoint.last-error").isEmpty
        }
        #expect(try daemon.call("CHECKPOINT").isError == false)
        try daemon.kill()
        let again = try place.start()
        #expect(try again.status().positions == [0: 100])
    }

    @Test(
        "the state file deleted: the stop says that it is not durable, and the next start learns it all again"
    )
    func stateDeleted() throws {
        for suffix in ["", "-wal", "-shm"] { unlink(place.stateFile + suffix) }
        try daemon.waitUntil("it is noticed") { $0.text("state.file-error").contains("deleted") }
        #expect(try daemon.stop() == .exit(73), "\(daemon.errors)")
        #expect(daemon.errors.contains(place.stateFile))
        let again = try place.start()
        try again.waitUntil("all is learned again") { $0.positions == [0: 50] }
        #expect(try again.status()["events.applied"] == 50)
    }

    @Test("the log moved away: events are refused with the reason; moved back, no token names two events")
    func logMoved() throws {
        let elsewhere = place.folder.path("elsewhere")
        try move(place.logFile, elsewhere)
        let refused = try daemon.call("RATE", "u1", "i1", "5")
        #expect(refused.isError("UNAVAILABLE"), "\(refused)")
        try daemon.waitUntil("it is noticed") { $0.flag("log.reachable") == false }
        #expect(try daemon.status().text("log.last-error").contains("deleted or moved away"))
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        try move(elsewhere, place.logFile)
        #expect(try daemon.token("RATE", "u1", "i1", "5") == "0:50")
        try daemon.waitUntilApplied(51)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("the whole folder deleted: it says so, answers still, and ends with 73")
    func folderDeleted() throws {
        try FileManager.default.removeItem(atPath: place.stateFolder)
        try daemon.waitUntil("it is noticed") {
            $0.text("state.file-error").contains("deleted") && $0.flag("log.reachable") == false
        }
        #expect(try daemon.call("RATE", "u1", "i1", "5").isError("UNAVAILABLE"))
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        #expect(try daemon.stop() == .exit(73), "\(daemon.errors)")
    }
}
