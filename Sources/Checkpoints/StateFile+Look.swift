internal import Foundation
internal import GRDB
internal import SQLiteFiles

// A file that is only looked at, by somebody who may have no right to write.
extension StateFile {
    /// Opens a file to look at it: nothing is written, and no file is left beside it.
    static func openToLook(path: String) throws -> DatabaseQueue {
        var isFolder = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw StateError(.notAState, "'\(path)' does not exist; name the state.sqlite of a state.folder")
        }
        guard !isFolder.boolValue else {
            throw StateError(.notAState, "'\(path)' is a folder; name the state.sqlite in it")
        }
        return try Onlooker.open(path: path)
    }

    /// `explain` for those who only look, and were not going to write.
    static func explainLook(_ error: any Error, path: String) -> StateError {
        let failure = DatabaseFailure(error)
        guard [.readOnly, .cannotOpen, .disk].contains(failure) else { return explain(error, path: path) }
        let remedy = failure.remedyForReader(path: path) ?? ""
        return StateError(
            .unreadable, "'\(path)' cannot be read (\(DatabaseFailure.words(of: error))); \(remedy)")
    }
}

// What to do about one that is damaged.
extension StateFile {
    /// The folder beside a state's file that has earlier copies of it.
    public static let copiesFolder = "generations"

    /// What to do about an earlier copy of a state that is damaged; `nil` where the file is none, by where it lies.
    public static func remedy(ofCopy path: String) -> String? {
        let absolute = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        let parts = absolute.split(separator: "/").filter { $0 != "." }
        guard path.hasSuffix(".sqlite"), parts.count > 1, parts[parts.count - 2] == copiesFolder else {
            return nil
        }
        let folder = "/" + parts.dropLast(2).joined(separator: "/")
        return "remove it, or take another one: freshet checkpoint list --folder '\(folder)'"
    }

    /// Goes on after the words that say what is wrong.
    static func wayOut(of path: String) -> String {
        if let remedy = remedy(ofCopy: path) { return "; \(remedy)" }
        return
            ". Put back a copy of it, or move it away with its -wal and -shm files and start again: the state is then "
            + "learned anew from the log"
    }
}
