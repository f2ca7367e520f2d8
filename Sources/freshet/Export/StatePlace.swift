import ArgumentParser
import Checkpoints
import Foundation
import RESP
import Reporting

/// Where commands find what is learned: in a file, or in that of the running daemon, just made new.
struct StatePlace: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Option(
        help: ArgumentHelp(
            "A state.sqlite, or a copy of one; else the running daemon's, after a checkpoint.",
            valueName: "file"))
    var input: String?
    @Option(help: "A model that has rows; else the first that ranks, else any.") var model: String?

    /// The file to read.
    func file() throws -> String {
        if let input {
            try Self.check(input)
            return input
        }
        var path: String?
        try client.withClient { client in
            _ = try client.ask(["CHECKPOINT"])
            path = try client.ask(["STATUS"])["state.path"]?.string
        }
        guard let path else {
            throw CommandError("the daemon does not say where its state is; name it by --input").report()
        }
        return path
    }

    /// Says in words what is no state at all, before SQLite says it in its own.
    private static func check(_ path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandError("--input: there is no file '\(path)'", code: .data).report()
        }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw CommandError("--input: '\(path)' may not be read by this user", code: .cannotRead).report()
        }
        let start = isFolder.boolValue ? nil : FileHandle(forReadingAtPath: path)?.readData(ofLength: 16)
        guard start == Data("SQLite format 3\0".utf8) else {
            throw CommandError("--input: '\(path)' is no state of freshet", code: .data).report()
        }
    }

    /// The model named, or the one that most people mean.
    func model(of file: String) throws(CommandError) -> String {
        let summary: StateVerification
        do {
            summary = try StateFile.summary(path: file)
        } catch {
            throw CommandError(looking: error)
        }
        let learners = summary.identity.models
        let withRows = learners.filter { ["sgd", "bpr", "warp", "als", "mlp"].contains($0.value) }.keys
            .sorted()
        if let model {
            guard withRows.contains(model) else {
                throw CommandError(
                    "model '\(model)' has no rows here; those that have are \(withRows.joined(separator: ", "))"
                )
            }
            return model
        }
        guard let first = withRows.first(where: { !["sgd", "mlp"].contains(learners[$0]) }) ?? withRows.first
        else {
            throw CommandError("no model of '\(file)' has rows")
        }
        return first
    }
}
