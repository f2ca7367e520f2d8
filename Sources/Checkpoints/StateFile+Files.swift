internal import GRDB
internal import Locking
public import SQLiteFiles

// The file as something that others can read, lock, move and delete.
extension StateFile {
    /// Its files, as they are now.
    public var storage: DatabaseStorage { DatabaseStorage(of: wal) }

    /// Folds the write-ahead log into the file as far as readers allow, and cuts it to its bound. One caller at a time,
    /// who writes, too.
    ///
    /// - Parameter always: also where the log is not too long.
    /// - Returns: what changed since the last time.
    /// - Throws: `.unwritable` when the file is no longer at its path, or what SQLite says.
    public func keepWithinBounds(always: Bool) throws(StateError) -> WriteAheadLog.Notice? {
        if let lossError { throw lossError }
        guard always || wal.wantsKeeping else { return nil }
        do {
            return try queue.writeWithoutTransaction { try wal.keep($0) }
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// What would be written now would be gone with the process.
    var lossError: StateError? {
        switch files.withLock({ $0 }).loss {
        case nil, .walGone: nil
        case .gone:
            StateError(.unwritable, "'\(path)' was deleted or moved away while freshet runs. \(Self.wayBack)")
        case .replaced:
            StateError(
                .unwritable, "'\(path)' was replaced by another file while freshet runs. \(Self.wayBack)")
        }
    }

    private static let wayBack =
        "Nothing more is written to it, for it would be lost. Move the file that was there back, and checkpoints go on; or "
        + "stop freshet, put a copy there, and start again: what it lacks is learned again from the log"

    /// Makes sure that what is written now is found again after a restart.
    func requireFiles() throws {
        if let lossError { throw lossError }
        guard files.withLock({ $0 }).loss == .walGone else { return }
        try connectionNumber.withLock { number in
            // Folds what was written so far into the file, which is still there; a new connection makes a new log. Closing
            // would do so too, but not while another connection of this process reads beside it.
            _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try queue.close()
            let queue = try Self.open(path: path, readOnly: false)
            try Self.prepare(queue, wal)
            connection.withLock { $0 = queue }
            number += 1
            files.withLock { $0 = OpenedFiles(path: path) }
        }
    }
}
