// SQLiteFiles: what the state's file and the embedded log's file have in common as files of SQLite.
//
// Here live what a failure of SQLite means to a person, who else holds a lock on a file, how long its write-ahead log may
// become, and whether the file that was opened still stands at its path. What comes in is a path and a connection. What
// never comes in: tables, events, or words about what Freshet was doing; the rooms that own the files say those.

internal import GRDB

/// What a failure of SQLite's means: who has to do what.
public enum DatabaseFailure: Sendable, Equatable {
    /// The file is damaged, or is no database.
    case damaged
    /// The disk, a quota or a limit on sizes.
    case full
    /// The file, its folder or its file system may only be read.
    case readOnly
    /// The file cannot be opened: no folder, no right, no descriptor left.
    case cannotOpen
    /// The disk, or a file system that went away or may only be read from now on.
    case disk
    /// Another program holds a lock.
    case locked
    /// This connection is closed.
    case closed
    case other

    public init(_ error: any Error) {
        switch (error as? DatabaseError)?.resultCode {
        case .some(.SQLITE_CORRUPT), .some(.SQLITE_NOTADB): self = .damaged
        case .some(.SQLITE_FULL): self = .full
        case .some(.SQLITE_READONLY), .some(.SQLITE_PERM), .some(.SQLITE_AUTH): self = .readOnly
        case .some(.SQLITE_CANTOPEN): self = .cannotOpen
        case .some(.SQLITE_IOERR): self = .disk
        case .some(.SQLITE_BUSY), .some(.SQLITE_LOCKED): self = .locked
        case .some(.SQLITE_MISUSE): self = .closed
        default: self = .other
        }
    }

    /// SQLite's own words, with the code that tells which call failed.
    public static func words(of error: any Error) -> String {
        guard let error = error as? DatabaseError else { return String(describing: error) }
        let words = error.message ?? "no message"
        let (code, extended) = (error.resultCode.rawValue, error.extendedResultCode.rawValue)
        return "\(words), SQLite code \(extended == code ? "\(code)" : "\(code), extended \(extended)")"
    }

    /// What a person does about it, for messages; `nil` where that depends on whose file it is.
    ///
    /// - Parameter path: of the database.
    public func remedy(path: String) -> String? {
        switch self {
        case .full: "free space on its disk, or raise the limit on the size of files"
        case .readOnly:
            "make the file and its folder writable for this user; where the file system was mounted read-only, "
                + "mount it writable again"
        case .cannotOpen: "its folder must exist, and it and the file be writable for this user"
        case .disk: "look at the disk (dmesg), and whether its file system was mounted read-only or is gone"
        case .locked:
            "\(LockHolders.describe(LockHolders.all(of: path))) holds its lock; end that transaction"
        case .damaged, .closed, .other: nil
        }
    }

    /// The same for somebody who only reads.
    ///
    /// - Parameter path: of the database.
    public func remedyForReader(path: String) -> String? {
        switch self {
        case .readOnly, .cannotOpen:
            "make it readable for this user, with the -wal and -shm files beside it where there are any; or copy it, "
                + "with its -wal, to a folder that this user may write, and name the copy"
        case .full, .disk, .locked, .damaged, .closed, .other: remedy(path: path)
        }
    }
}
