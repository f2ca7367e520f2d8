internal import CSQLiteCalls
internal import Foundation
public import GRDB
internal import Locking

/// Keeps the write-ahead log of a database within a bound, and says who prevents it.
///
/// SQLite folds the log into the file by itself, but leaves it as long as it ever was, and a transaction that reads keeps
/// all that was written after it began. Whoever forgot such a transaction (a backup that hangs, a shell) fills the disk.
public final class WriteAheadLog: Sendable {
    /// Four times what SQLite lets it grow to by itself.
    public static let bytesMax: Int64 = 16 << 20

    /// What became of the log, for whoever keeps a journal of it.
    public enum Notice: Sendable, Equatable {
        /// It has passed its bound and cannot be folded in, because of this reader.
        case grows(heldBy: String, bytes: Int64)
        /// It is within its bound again.
        case shrank(bytes: Int64)
    }

    private struct State {
        /// Frames folded in when some could not be, at the last try.
        var stuckAt: Int?
        var readers: String?
        var since: ContinuousClock.Instant?
        var isTold = false
        /// This process itself makes a copy, for as long as that takes.
        var copies = 0
    }

    public let path: String
    private let bytesMax: Int64
    private let state = Lock(State())

    /// - Parameter path: of the database.
    public init(database path: String, bytesMax: Int64 = WriteAheadLog.bytesMax) {
        self.path = path
        self.bytesMax = bytesMax
    }

    /// Its length on disk.
    public var bytes: Int64 {
        var status = stat()
        return stat(path + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Who keeps it from being folded in, and for how long already, in words; empty where nobody does.
    public var heldBy: String {
        state.withLock { state in
            guard let readers = state.readers, let since = state.since else { return "" }
            return "\(readers) has been reading for \(since.duration(to: .now).components.seconds) s"
        }
    }

    /// Whether it is time for `keep`, by the log's length.
    public var wantsKeeping: Bool { bytes > bytesMax || state.withLock { $0.readers != nil } }

    /// Lets SQLite cut the log to the bound whenever it begins anew. On the connection that writes.
    public func bound(_ db: Database) throws {
        try db.execute(sql: "PRAGMA journal_size_limit = \(bytesMax)")
    }

    /// Whether closing the connection leaves the log as it is instead of folding it in: before it is known whether the log
    /// is sound, and this file's.
    public static func keepAtClose(_ keeps: Bool, _ db: Database) {
        guard let connection = db.sqliteConnection else { return }
        // Fails for what SQLite was built without alone; then it folds, as ever.
        _ = sqlite_keep_log_at_close(connection, keeps ? 1 : 0)
    }

    /// Folds in what can be, without waiting for anybody, and cuts the log where it is too long. On the connection that
    /// writes, outside of a transaction.
    ///
    /// - Returns: what changed since the last time.
    public func keep(_ db: Database) throws -> Notice? {
        do {
            let (frames, folded) = try db.checkpoint(.passive)
            if folded < frames { return noteHeld(at: folded) }
            // Readers of the newest state keep the log from beginning anew; nothing of it has to be waited for.
            if bytes > bytesMax, try !truncate(db) { return noteHeld(at: folded) }
        } catch let error where DatabaseFailure(error) == .locked {
            return nil
        }
        return noteFree()
    }

    private func truncate(_ db: Database) throws -> Bool {
        let patience = try Int.fetchOne(db, sql: "PRAGMA busy_timeout") ?? 0
        try db.execute(sql: "PRAGMA busy_timeout = 0")
        defer { try? db.execute(sql: "PRAGMA busy_timeout = \(patience)") }
        do {
            try db.checkpoint(.truncate)
            return true
        } catch let error where DatabaseFailure(error) == .locked {
            return false
        }
    }

    /// What `body` reads keeps the log from being folded in; nobody has to be told.
    public func whileCopying<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.copies += 1 }
        defer { state.withLock { $0.copies -= 1 } }
        return try body()
    }

    /// This process reads too, for moments: only who is of another, or stays where it was, is a long reader.
    private func noteHeld(at folded: Int) -> Notice? {
        let others = LockHolders.readers(of: path)
        let bytes = bytes
        return state.withLock { state in
            defer { state.stuckAt = folded }
            guard !others.isEmpty || state.stuckAt == folded && state.copies == 0 else { return nil }
            let readers = LockHolders.describe(others)
            state.readers = readers
            state.since = state.since ?? .now
            guard bytes > bytesMax, !state.isTold else { return nil }
            state.isTold = true
            return .grows(heldBy: readers, bytes: bytes)
        }
    }

    private func noteFree() -> Notice? {
        let bytes = bytes
        return state.withLock { state in
            defer { state = State(copies: state.copies) }
            return state.isTold ? .shrank(bytes: bytes) : nil
        }
    }
}
