internal import Foundation
internal import GRDB
internal import KillPoints
internal import Locking
internal import SQLiteFiles

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

// Copies to go back to, of a file that is being written.
extension StateFile {
    /// Of a copy's 4 KiB pages, after so many it looks whether it is still wanted.
    private static let pagesPerStep: Int32 = 256
    /// After so many it waits until they are on the disk, so that it never has so much under way that others, who have to
    /// wait for theirs, wait for it.
    private static let pagesPerSync = 4096

    /// Copies what the last checkpoint left to a new file, as one file, durable once this returns; checkpoints go on
    /// meanwhile. A file of this name that is there is replaced. From any thread.
    ///
    /// - Parameter isWanted: asked again and again; where it says no, there is no copy.
    /// - Returns: whether there is one.
    public func copy(to target: String, while isWanted: () -> Bool) throws(StateError) -> Bool {
        let path = self.path
        do {
            return try connectionNumber.read { _ in
                if let lossError { throw lossError }
                return try wal.whileCopying { try Self.makeCopy(of: path, target, while: isWanted) }
            }
        } catch {
            Self.remove(target)
            throw Self.explain(error, path: target)
        }
    }

    /// The same of a file that nobody here has open.
    public static func durableCopy(of path: String, to target: String) throws(StateError) {
        do {
            _ = try makeCopy(of: path, target, while: { true })
        } catch {
            remove(target)
            throw explain(error, path: target)
        }
    }

    private static func makeCopy(of path: String, _ target: String, while isWanted: () -> Bool) throws -> Bool
    {
        remove(target)
        let from = try open(path: path, readOnly: true)
        let to = try open(path: target, readOnly: false)
        do {
            try to.writeWithoutTransaction { to in
                // What is left of a copy that ends midway is removed; the whole one is synced below.
                try to.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                try from.read { from in
                    // Begins to read: what is copied is of this moment.
                    _ = try Int.fetchOne(from, sql: "SELECT count(*) FROM positions")
                    var synced = 0
                    try OnlineCopy.run(from: from, to: to, pagesPerStep: pagesPerStep) { pages in
                        guard isWanted() else { throw NoLongerWanted() }
                        guard pages - synced >= pagesPerSync else { return }
                        synced = pages
                        try syncDurably(target)
                    }
                }
            }
            KillPoint.generationMid.reach()
            try to.close()
            try from.close()
            try makeOneFile(target)
            try syncDurably(target)
            return true
        } catch is NoLongerWanted {
            try? to.close()
            remove(target)
            return false
        }
    }

    /// The header of what was copied says that there is a write-ahead log, for which SQLite would make files beside it whenever
    /// somebody reads.
    private static func makeOneFile(_ path: String) throws {
        let queue = try open(path: path, readOnly: false)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        try queue.close()
    }

    struct NoLongerWanted: Error {}

    /// Removes a file that nobody has open, with what lies beside it.
    public static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    private static func syncDurably(_ path: String) throws {
        guard syncToDisk(path) else {
            throw StateError(
                .unwritable, "'\(path)' cannot be made durable (\(String(cString: strerror(errno))))")
        }
    }
}

extension StateFile {
    /// Gives a file another name in its folder, so that it is found there after a power cut.
    public static func renameDurably(_ path: String, to target: String) throws(StateError) {
        let folder = (target as NSString).deletingLastPathComponent
        guard rename(path, target) == 0, syncToDisk(folder.isEmpty ? "." : folder) else {
            throw StateError(
                .unwritable, "'\(target)' cannot be made (\(String(cString: strerror(errno))))")
        }
    }
}
