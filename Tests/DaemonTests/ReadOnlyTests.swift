import Foundation
import RPC
import TestSupport
import Testing

/// A file system that turns read-only under the daemon, played by files made immutable: writing to them fails, though they
/// are open. Takes root and a file system that knows it; said on standard output where there is none.
@Suite("files that may only be read from now on", .serialized, .ownThread)
struct ReadOnlyTests {
    /// Makes a daemon's files immutable until `end`, at the latest with this object.
    private final class Immutable {
        private let files: [String]
        private let folder: TestFolder

        init?(_ files: [String], in folder: TestFolder) throws {
            (self.files, self.folder) = (files, folder)
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/chattr"), try change("+i") else {
                print("skipped: chattr +i does not work here")
                _ = try? change("-i")
                return nil
            }
        }

        deinit { end() }

        func end() { _ = try? change("-i") }

        private func change(_ flag: String) throws -> Bool {
            try ChildProcess(["/usr/bin/chattr", flag] + files, output: folder.path("chattr.out")).wait()
                == .exit(0)
        }
    }

    @Test(
        "events are refused, checkpoints fail with the reason, look-ups go on; writable again, so does all else"
    )
    func immutable() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=1"])
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        try daemon.waitUntilApplied(50)
        #expect(try daemon.call("CHECKPOINT").isError == false)

        let state = [place.stateFile, place.stateFile + "-wal"]
        guard let readOnlyState = try Immutable(state, in: place.folder) else { return }
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "j\($0 % 7)", "4"] })
        try daemon.waitUntil("a checkpoint fails") { $0["checkpoint.failed"] > 0 }
        #expect(try daemon.status().text("checkpoint.last-error").contains("mounted read-only"))
        readOnlyState.end()
        try daemon.waitUntil("a checkpoint is written") { $0.text("checkpoint.last-error").isEmpty }

        let log = [place.logFile, place.logFile + "-wal"]
        let readOnlyLog = try #require(try Immutable(log, in: place.folder))
        let refused = try daemon.call("RATE", "u1", "i1", "5")
        #expect(refused.isError("UNAVAILABLE"), "\(refused)")
        #expect("\(refused)".contains("mounted read-only"), "\(refused)")
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)
        readOnlyLog.end()
        #expect(try daemon.token("RATE", "u1", "i1", "5") == "0:100")
        try daemon.waitUntilApplied(101)
        #expect(try daemon.status().flag("log.reachable") == true)
        try daemon.kill()
        let again = try place.start()
        try again.waitUntil("all is learned") { $0.positions == [0: 101] }
        #expect(try again.status()["events.applied"] == 101)
    }
}
