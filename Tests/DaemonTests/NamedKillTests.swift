import Foundation
import GRDB
import TestSupport
import Testing

/// The real program killed between any two steps that belong together: it ends in the state of a run with no kill.
@Suite("SIGKILL at named places", .serialized, .ownThread)
struct NamedKillTests {
    private static let settings = [
        "engine.deterministic=true", "engine.batch-events-max=64", "checkpoint.every-events=150",
        "checkpoint.every-seconds=1",
        "checkpoint.keep=2", "checkpoint.keep-every-seconds=1",
    ]
    private static let forgotten = "somebody-who-wants-to-be-forgotten"

    private func stream() -> [TestRecord] {
        var draws = Draws(seed: 41)
        var stream = Streams.ratings(users: 25, items: 40).shuffled(using: &draws)
        for item in 0..<10 { stream.insert(.rating(Self.forgotten, "i\(item)", 4), at: item * 40) }
        return stream
    }

    private func killed(_ daemon: DaemonProcess) throws {
        let ending = try daemon.child.wait()
        #expect(ending == .signal(SIGKILL), "\(daemon.errors)")
        #expect(daemon.errors.contains("ends itself"), "it says what is set")
    }

    private func learned(_ daemon: DaemonProcess, _ total: Int) throws -> [String: String] {
        try daemon.waitUntil("the stream is learned") { $0.positions == [0: total] }
        return Status(try daemon.call("STATUS", "DIGEST")).learned
    }

    private func isSound(_ place: DaemonPlace) throws {
        let (ending, output, errors) = try FreshetBinary.run(
            ["checkpoint", "verify", "--all", "--folder", place.stateFolder], in: place.folder)
        #expect(ending == .exit(0), "\(output) \(errors)")
    }

    private func undisturbed(_ stream: [TestRecord]) throws -> [String: String] {
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let daemon = try place.start(Self.settings)
        defer { _ = try? daemon.stop() }
        return try learned(daemon, stream.count)
    }

    @Test("within a checkpoint, before the log is told, and in a generation's copy, by either log")
    func whileLearning() throws {
        let stream = stream()
        let expected = try undisturbed(stream)
        let host = try KafkaHost()
        try host.produce(stream)
        // Those in copies last: they come, too, where all is learned.
        let points = [
            ["checkpoint-mid:1", "checkpoint-committed:1", "generation-mid:1"],
            ["checkpoint-committed:1", "checkpoint-mid:1", "generation-whole:1", "generation-named:1"],
        ]
        for (number, points) in points.enumerated() {
            let place = try DaemonPlace()
            let settings = Self.settings + (number == 0 ? host.settings : [])
            if number == 1 { try place.fillLog(stream) }
            for point in points {
                try killed(place.launch(settings, variables: ["FRESHET_TEST_KILL_AT=\(point)"]))
            }
            let daemon = try place.start(settings)
            #expect(try learned(daemon, stream.count) == expected)
            #expect(try daemon.stop() == .exit(0))
            try isSound(place)
        }
    }

    @Test("in a migration, and in a restore")
    func whileChangingFiles() throws {
        let stream = stream()
        let expected = try undisturbed(stream)
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let first = try place.start(Self.settings)
        try first.waitUntil("there is a generation") { $0["generations.count"] > 0 }
        #expect(try learned(first, stream.count) == expected)
        #expect(try first.stop() == .exit(0))

        let file = try DatabaseQueue(path: place.stateFile)
        try file.write { try $0.execute(sql: beforeChecksums) }
        try file.close()
        try killed(place.launch(Self.settings, variables: ["FRESHET_TEST_KILL_AT=migration-mid"]))
        let migrated = try place.start(Self.settings)
        #expect(try learned(migrated, stream.count) == expected)
        #expect(try migrated.stop() == .exit(0))

        for point in ["restore-copied", "restore-mid"] {
            let restore = try ChildProcess(
                [
                    "/usr/bin/env", "FRESHET_TEST_KILL_AT=\(point)", try FreshetBinary.path(), "checkpoint",
                    "restore", "newest", "--folder", place.stateFolder,
                ], output: place.folder.path("restore"))
            #expect(try restore.wait() == .signal(SIGKILL))
            try isSound(place)
        }
        let restored = try place.start(Self.settings)
        #expect(try learned(restored, stream.count) == expected)
        #expect(try restored.stop() == .exit(0))
    }

    @Test("while a forgotten user is erased from generations: nothing of the user is left in the end")
    func whileErasing() throws {
        let stream = stream()
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let first = try place.start(Self.settings)
        try first.waitUntil("there is a generation") { $0["generations.count"] > 0 }
        _ = try learned(first, stream.count)
        #expect(try !files(place).isEmpty)
        try first.kill()
        let variables = ["FRESHET_TEST_KILL_AT=erasure-mid"]
        let second = try place.start(Self.settings, variables: variables)
        _ = try second.token("FORGET", Self.forgotten)
        try killed(second)
        try killed(place.launch(Self.settings, variables: ["FRESHET_TEST_KILL_AT=erasure-done"]))
        let last = try place.start(Self.settings)
        try last.waitUntil("the user is erased everywhere") { _ in try files(place).isEmpty }
        #expect(try last.stop() == .exit(0))
        try isSound(place)
    }

    /// Files of the folder, save the log, in which the forgotten user stands.
    private func files(_ place: DaemonPlace) throws -> [String] {
        let all =
            FileManager.default.enumerator(atPath: place.stateFolder)?.compactMap { $0 as? String } ?? []
        return all.filter { file in
            guard !file.hasPrefix("log.sqlite"),
                let bytes = try? Data(contentsOf: URL(filePath: "\(place.stateFolder)/\(file)"))
            else { return false }
            return bytes.range(of: Data(Self.forgotten.utf8)) != nil
        }
    }
}
