public import Checkpoints
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// What to do about a state that is damaged, in words.
public enum WayBack {
    /// Which generation to go back to, and how; `nil` where none is whole.
    ///
    /// - Parameter statePath: of the damaged file. Reads its generations, the newest first, until one is whole.
    public static func text(from statePath: String) -> String? {
        guard let whole = GenerationFolder(of: statePath).newestWhole else { return nil }
        let positions = (try? StateFile.summary(path: whole.path))?.positions ?? [:]
        let at = positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
        let parent = (statePath as NSString).deletingLastPathComponent
        return
            "The newest generation that is whole is \(whole.name), at \(at); to go back to it: freshet checkpoint restore "
            + "\(whole.name) --folder '\(parent.isEmpty ? "." : parent)'. What came after is learned again from the log"
    }

    /// A refusal of a state file, with the generation to go back to where the file is damaged.
    public static func said(_ error: StateError, of statePath: String) -> StateError {
        guard error.code == .damaged else { return error }
        let texts = [withoutLog(statePath), text(from: statePath)].compactMap(\.self)
        return texts.isEmpty
            ? error : StateError(error.code, ([error.message] + texts).joined(separator: ". "))
    }

    /// Whether the file alone is whole, where it has a write-ahead log: one that is damaged, or another file's, as a copy has that
    /// was put beside an older log.
    private static func withoutLog(_ statePath: String) -> String? {
        var status = stat()
        guard stat(statePath + "-wal", &status) == 0, status.st_size > 0 else { return nil }
        let folder = "\(statePath).alone-\(getpid())"
        let alone = folder + "/state.sqlite"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The same file under a name that has no log beside it.
        guard mkdir(folder, 0o700) == 0, link(statePath, alone) == 0,
            let found = try? StateFile.verify(path: alone), found.problems.isEmpty
        else { return nil }
        let at = found.positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
        return
            "Without its -wal file it is whole, at \(at.joined(separator: " ")): that log is damaged, or another file's; "
            + "move '\(statePath)-wal' and -shm away and start again, and what came after is learned again from the log"
    }
}
