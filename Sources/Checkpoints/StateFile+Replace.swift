internal import Foundation
internal import GRDB
internal import KillPoints
internal import SQLiteFiles

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension StateFile {
    /// Puts a copy in the place of the file at `path`. No daemon may use it. A kill at any moment leaves the older file, or the
    /// copy: whole ones are never without what belongs to them.
    ///
    /// Who has still to be erased from copies according to the older file, is so according to the new one.
    ///
    /// - Parameter aside: where the older file goes with its write-ahead log, if wanted; it is removed otherwise.
    public static func replace(
        _ path: String, by copy: String, keepingOldAs aside: String?
    ) throws(StateError) {
        let part = "\(path).part-\(getpid())"
        do {
            try durableCopy(of: copy, to: part)
            try inheritErasures(from: path, to: part)
            removeLeftovers(part)
            KillPoint.restoreCopied.reach()
            if let aside {
                remove(aside)
                // Another name of the same file: the place is never empty, where a daemon would begin with nothing.
                guard link(path, aside) == 0 || errno == ENOENT else { throw failure(aside) }
                guard rename(path + "-wal", aside + "-wal") == 0 || errno == ENOENT else {
                    throw failure(aside)
                }
            } else {
                settle(path)
            }
            // Left behind, a log would be taken for the copy's.
            removeLeftovers(path)
            KillPoint.restoreMid.reach()
            try renameDurably(part, to: path)
        } catch {
            remove(part)
            throw explain(error, path: path)
        }
    }

    private static func removeLeftovers(_ path: String) {
        for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    private static func failure(_ path: String) -> StateError {
        StateError(.unwritable, "'\(path)' cannot be made (\(String(cString: strerror(errno))))")
    }

    private static func inheritErasures(from old: String, to new: String) throws {
        guard FileManager.default.fileExists(atPath: old),
            let erasures = try? open(path: old, readOnly: true).read({ try pendingErasures($0) }),
            !erasures.isEmpty
        else { return }
        let queue = try open(path: new, readOnly: false)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        try queue.write { db in
            // Of an earlier schema: its file is changed before it is used, and the log tells of them again.
            guard try !Schema.isOlder(db) else { return }
            try write(erasures: Array(erasures), db)
        }
        try queue.close()
    }
}
