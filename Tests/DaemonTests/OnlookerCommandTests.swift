import Foundation
import TestSupport
import Testing

/// Commands that only look at files, by the program itself. Root may write anywhere: so that nothing was made is looked for,
/// too.
@Suite("freshet checkpoint and export at files that may only be read", .serialized, .ownThread)
struct OnlookerCommandTests {
    /// Names, lengths and times of the files. A -shm that was there already, as the log's after a stop, holds the locks of those
    /// who read, and may be touched.
    private func files(_ folder: String) throws -> [String: String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(into: [:]) { files, name in
            let found = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            let time = name.hasSuffix("-shm") ? nil : found[.modificationDate]
            files[name] = String(describing: (found[.size], time))
        }
    }

    /// Runs commands while the folder may only be read: each has to end well, and to leave all as it is.
    private func run(_ commands: [[String]], at folder: String, in own: TestFolder) throws {
        let before = try files(folder)
        #expect(chmod(folder, 0o555) == 0)
        defer { #expect(chmod(folder, 0o755) == 0) }
        for command in commands {
            let (ending, output, errors) = try FreshetBinary.run(command, in: own)
            #expect(ending == .exit(0), "\(command): \(output)\(errors)")
            #expect(try files(folder) == before, "\(command)")
        }
    }

    @Test(
        "verify, list, diff and export write nothing beside a state at rest, nor beside a copy of a running one's"
    )
    func looking() throws {
        let place = try DaemonPlace()
        let copy = place.folder.path("copy")
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        let daemon = try place.start(["checkpoint.keep-every-seconds=1", "checkpoint.every-seconds=1"])
        _ = try daemon.tokens((0..<200).map { ["RATE", "u\($0 % 10)", "i\($0 % 40)", "\($0 % 5 + 1)"] })
        try daemon.waitUntilApplied(200)
        try daemon.waitUntil("a generation is there") { $0["generations.count"] > 0 }
        // What is learned of this may stand in the log alone.
        _ = try daemon.token("RATE", "u1", "new", "5")
        try daemon.waitUntilApplied(201)
        #expect(try daemon.call("CHECKPOINT").isError == false)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: place.stateFile + suffix, toPath: "\(copy)/state.sqlite\(suffix)")
        }
        #expect(try daemon.stop() == .exit(0))
        let out = place.folder.path("out.csv")
        let folder = ["--folder", place.stateFolder]
        try run(
            [
                ["checkpoint", "verify"] + folder, ["checkpoint", "verify", "--all"] + folder,
                ["checkpoint", "list"] + folder, ["checkpoint", "diff", "current"] + folder,
                ["export", "--input", place.stateFile, "--format", "csv", "--output", out],
            ], at: place.stateFolder, in: place.folder)
        let file = copy + "/state.sqlite"
        try run(
            [
                ["checkpoint", "verify", file], ["checkpoint", "diff", file, file],
                ["export", "--input", file, "--format", "csv", "--output", out],
            ], at: copy, in: place.folder)
        #expect(try FreshetBinary.text(of: out).contains("\nnew,"), "the last item is seen")
    }

    @Test("a folder that is not there, and one that holds no generations yet, are told apart")
    func missingFolder() throws {
        let place = try DaemonPlace()
        let typo = ["checkpoint", "list", "--folder", place.stateFolder]
        let refused = try FreshetBinary.run(typo, in: place.folder)
        #expect(refused.ending == .exit(65))
        #expect(refused.errors.contains("there is no folder '\(place.stateFolder)'"), "\(refused.errors)")
        try FileManager.default.createDirectory(atPath: place.stateFolder, withIntermediateDirectories: true)
        let empty = try FreshetBinary.run(typo, in: place.folder)
        #expect(empty.ending == .exit(0) && empty.output.contains("has no generations"), "\(empty.errors)")
    }

    @Test("a damaged generation is told to be removed, and not what is done about a state")
    func damagedGeneration() throws {
        let place = try DaemonPlace()
        let generations = place.stateFolder + "/generations"
        try FileManager.default.createDirectory(atPath: generations, withIntermediateDirectories: true)
        let file = generations + "/2026-11-26T105000Z-300.sqlite"
        try Data("no database, and it never was one in all the time that it lay here".utf8)
            .write(to: URL(filePath: file))
        for name in [file, "newest"] {
            let command = ["checkpoint", "verify", name, "--folder", place.stateFolder]
            let (ending, _, errors) = try FreshetBinary.run(command, in: place.folder)
            #expect(ending == .exit(65))
            #expect(errors.contains("freshet checkpoint list --folder '\(place.stateFolder)'"), "\(errors)")
            #expect(!errors.contains("learned anew"), "\(errors)")
        }
    }
}
