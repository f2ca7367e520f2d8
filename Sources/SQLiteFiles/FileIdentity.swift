internal import Foundation
internal import Locking

/// What tells a file from another one that has come to stand at its path.
struct FileIdentity: Equatable, Sendable {
    var device: UInt64
    var inode: UInt64

    /// `nil` where there is no file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}

/// The files of a database that is open: itself and its write-ahead log, as they were opened.
///
/// What is written to a file that has been deleted, or moved away and replaced, succeeds and is gone with the process.
/// SQLite does not look; so whoever promises that something is durable asks here first.
public final class OpenedFiles: Sendable {
    /// What has happened to them.
    public enum Loss: Sendable, Equatable {
        /// The database is no longer at its path: deleted or moved away.
        case gone
        /// Another file stands at its path.
        case replaced
        /// The database is there, its write-ahead log is not, or is another file.
        case walGone
    }

    public let path: String
    private let database: FileIdentity?
    /// `nil` until there is one.
    private let wal: Lock<FileIdentity?>

    /// - Parameter path: of a database just opened.
    public init(path: String) {
        self.path = path
        database = FileIdentity(path: path)
        wal = Lock(FileIdentity(path: path + "-wal"))
    }

    /// What has happened to the files; `nil` while they are as they were opened.
    public var loss: Loss? {
        let found = FileIdentity(path: path)
        guard found == database else { return found == nil ? .gone : .replaced }
        let foundWAL = FileIdentity(path: path + "-wal")
        return wal.withLock { wal in
            guard let known = wal else {
                wal = foundWAL
                return nil
            }
            return foundWAL == known ? nil : .walGone
        }
    }

    /// Removes the write-ahead log that a lost database leaves behind. Once its connection is closed only: SQLite would
    /// else take it for that of the next database at this path.
    public func removeLeftovers() {
        guard FileIdentity(path: path) != database else { return }
        let known = wal.withLock { $0 }
        guard let known, FileIdentity(path: path + "-wal") == known else { return }
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    }
}
