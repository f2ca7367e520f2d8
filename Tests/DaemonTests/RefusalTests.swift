import Foundation
import GRDB
import RESP
import TestSupport
import Testing

/// What stops a daemon before it starts: each with its exit code and the way out.
@Suite("a start that is refused", .serialized, .ownThread)
struct RefusalTests {
    @Test("a second daemon on one state folder ends with 75 and harms neither state nor socket")
    func folderTaken() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let (ending, errors) = try place.refusal(["rpc.socket=\(place.folder.path("other"))"])
        #expect(ending == .exit(75))
        #expect(
            errors.contains(place.stateFolder) && errors.contains("in use by another freshet"), "\(errors)")
        #expect(try daemon.call("PING") == .simple("PONG"))
    }

    @Test("a socket that a live daemon answers on is left to it")
    func socketTaken() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let (ending, errors) = try place.refusal(["state.folder=\(place.folder.path("second"))"])
        #expect(ending == .exit(73))
        #expect(errors.contains(place.socket) && errors.contains("choose another socket path"), "\(errors)")
        #expect(try daemon.call("PING") == .simple("PONG"))
        #expect(FileManager.default.fileExists(atPath: place.socket))
    }

    @Test("of several that learn together none answers as of the past, and none takes over from another")
    func cluster() throws {
        let place = try DaemonPlace()
        for flag in [["--as-of", "0:1"], ["--take-over"]] {
            let settings = ["state.folder=\(place.stateFolder)", "source.kind=kafka", "cluster.enabled=true"]
            let outcome = try FreshetBinary.run(
                ["serve"] + flag + settings.flatMap { ["--set", $0] }, in: place.folder)
            #expect(outcome.ending == .exit(78), "\(outcome)")
            #expect(
                outcome.errors.contains("\(flag[0]) and cluster.enabled: true do not go together"),
                "\(outcome)")
            #expect(!FileManager.default.fileExists(atPath: place.stateFolder))
        }
    }

    @Test("a socket left behind by a killed daemon stands in nobody's way")
    func staleSocket() throws {
        let place = try DaemonPlace()
        try place.start().kill()
        #expect(FileManager.default.fileExists(atPath: place.socket))
        #expect(try place.start().call("PING") == .simple("PONG"))
    }

    @Test("a socket path that is too long is refused with its length and the limit")
    func socketPathTooLong() throws {
        let place = try DaemonPlace()
        let long = "/tmp/" + String(repeating: "s", count: 115)
        let (ending, errors) = try place.refusal(["rpc.socket=\(long)"])
        #expect(ending == .exit(78))
        #expect(errors.contains("rpc.socket") && errors.contains("107"), "\(errors)")

        // The default lies in the state folder, so that a deep folder makes it too long.
        let deep = place.folder.path(String(repeating: "d", count: 110))
        let (second, words) = try place.refusal(["state.folder=\(deep)", "rpc.socket="])
        #expect(second == .exit(73) || second == .exit(78))
        #expect(words.contains("107") && words.contains("socket"), "\(words)")
    }

    @Test("a state folder that cannot be made ends with 73 and is named")
    func folderNotWritable() throws {
        let place = try DaemonPlace()
        // Below a file no folder can be, not even for root.
        let (ending, errors) = try place.refusal(["state.folder=/dev/null/x"])
        #expect(ending == .exit(73))
        #expect(errors.contains("state.folder '/dev/null/x'"), "\(errors)")
    }

    @Test("a socket in a folder that is none ends with 73 and is named")
    func socketFolderMissing() throws {
        let place = try DaemonPlace()
        let (ending, errors) = try place.refusal(["rpc.socket=/dev/null/x/s"])
        #expect(ending == .exit(73))
        #expect(errors.contains("/dev/null/x"), "\(errors)")
    }

    @Test("a damaged state is refused with 65 and the way out", arguments: ["header", "pages"])
    func damaged(what: String) throws {
        let place = try DaemonPlace()
        try learnSomething(place)
        // What a killed daemon leaves beside the file would heal it.
        #expect(!FileManager.default.fileExists(atPath: place.stateFile + "-wal"))
        let file = try FileHandle(forUpdating: URL(filePath: place.stateFile))
        let size = try file.seekToEnd()
        try file.seek(toOffset: what == "header" ? 0 : 4_096)
        try file.write(
            contentsOf: Data(repeating: 0xA5, count: what == "header" ? 100 : Int(size) - 4_096))
        try file.close()
        let (ending, errors) = try place.refusal()
        #expect(ending == .exit(65))
        #expect(errors.contains(place.stateFile) && errors.contains("move it away"), "\(errors)")
    }

    @Test("a SQLite file that is no state is refused with 65, and left as it is")
    func notAState() throws {
        let place = try DaemonPlace()
        try FileManager.default.createDirectory(atPath: place.stateFolder, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: place.stateFile)
        try queue.write { try $0.execute(sql: "CREATE TABLE notes(text); INSERT INTO notes VALUES ('mine')") }
        try queue.close()
        let before = try Data(contentsOf: URL(filePath: place.stateFile))
        let (ending, errors) = try place.refusal()
        #expect(ending == .exit(65))
        #expect(errors.contains("not a state of Freshet"), "\(errors)")
        // Not even its journal mode, which stands in the header.
        #expect(try Data(contentsOf: URL(filePath: place.stateFile)) == before)
    }

    @Test(
        "a state of other factors, models or another log is refused with 65, saying what was found and wanted",
        arguments: [
            (["engine.factors=8"], ["engine.factors", "16", "8"]),
            (
                ["models.stars.learner=sgd", "models.hearts.learner=bpr", "default-model=stars"],
                ["models", "likes", "hearts"]
            ),
            (
                ["source.kind=kafka", "source.kafka.brokers=127.0.0.1:1", "source.kafka.topic=t"],
                ["the log", "embedded", "kafka:t"]
            ),
        ])
    func otherIdentity(settings: [String], words: [String]) throws {
        let place = try DaemonPlace()
        try learnSomething(place)
        let (ending, errors) = try place.refusal(settings)
        #expect(ending == .exit(65), "\(errors)")
        for word in words + [place.stateFile, "another state.folder"] {
            #expect(errors.contains(word), "\(errors)")
        }
        let daemon = try place.start()
        #expect(try daemon.status()["events.applied"] == 50)
    }

    @Test(
        "an unknown key, a wrong type or an impossible value ends with 78 before anything is made",
        arguments: [
            ("engine.factorz=8", "engine.factors"), ("engine.factors=seven", "multiple of 8"),
            ("engine.shards=-1", "0"), ("source.on-gap=perhaps", "skip"),
        ])
    func configuration(setting: String, words: String) throws {
        let place = try DaemonPlace()
        let (ending, errors) = try place.refusal([setting])
        #expect(ending == .exit(78))
        let key = try setting.split(separator: "=").first.orThrow("no key")
        #expect(errors.contains(key) && errors.contains(words), "\(errors)")
        #expect(!FileManager.default.fileExists(atPath: place.stateFolder))
    }

    private func learnSomething(_ place: DaemonPlace) throws {
        let daemon = try place.start()
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 10)", "i\($0 % 7)", "3"] })
        try daemon.waitUntilApplied(50)
        guard try daemon.stop() == .exit(0) else { throw TestFailure(daemon.errors) }
    }
}
