import ArgumentParser
import Checkpoints
import EmbeddedEventLog
import Foundation
import Generations
import Reporting
import Settings

/// Which state's folder a command means, whether a daemon runs there or not.
struct GenerationPlace: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The state's folder; else FRESHET_STATE_FOLDER, else freshet-state.", valueName: "path"))
    var folder: String?

    @Flag(help: "Print JSON rather than a table.") var json = false

    var stateFolder: String {
        if let folder { return folder }
        let said = ProcessInfo.processInfo.environment["FRESHET_STATE_FOLDER"] ?? ""
        return said.isEmpty ? Configuration().state.folder : said
    }

    var statePath: String { stateFolder + "/state.sqlite" }
    var logPath: String { stateFolder + "/log.sqlite" }
    var generations: GenerationFolder { GenerationFolder(of: statePath) }

    /// Refuses a folder that is misspelt, or of others: one without generations is something else.
    func requireFolder() throws(CommandError) {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: stateFolder, isDirectory: &isFolder), isFolder.boolValue else {
            throw CommandError("there is no folder '\(stateFolder)'; name it by --folder", code: .data)
        }
        let path = generations.path
        guard !files.fileExists(atPath: path) || files.isReadableFile(atPath: path) else {
            throw CommandError("'\(path)' may not be read by this user", code: .cannotRead)
        }
    }

    /// A generation by its name.
    func generation(_ name: String) throws(CommandError) -> Generation {
        if let found = generations.generation(named: name) { return found }
        try requireFolder()
        let all = generations.all.map(\.name)
        throw CommandError(
            "'\(generations.path)' has no generation '\(name)'; "
                + (all.isEmpty ? "it has none at all" : "there are \(all.joined(separator: ", "))"),
            code: .data)
    }

    /// The file that is meant: of the state itself (`current`), of a generation by its name, or any by its path.
    func file(_ name: String) throws(CommandError) -> String {
        if name == "current" { return statePath }
        if generations.generation(named: name) == nil, FileManager.default.fileExists(atPath: name) {
            return name
        }
        return try generation(name).path
    }

    /// What the folder's embedded log no longer holds of what comes after these positions; `nil` where it holds all of it, or
    /// where there is none.
    func missingEvents(after positions: [Int32: Int64]) -> Int64? {
        let log = logPath
        guard let position = positions[0], FileManager.default.fileExists(atPath: log),
            let earliest = try? EmbeddedInspection(path: log).earliest, earliest > position
        else { return nil }
        return earliest - position
    }

    /// `0:1234 1:99`, ascending.
    static func text(_ positions: [Int32: Int64]) -> String {
        positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
    }

    static func integer(_ name: String, _ found: StateVerification) -> Int64 {
        guard case .integer(let value)? = found.scalars[name] else { return 0 }
        return value
    }
}

/// JSON of what a command found, keys in order.
enum GenerationJSON {
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
