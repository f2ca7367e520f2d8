internal import Foundation
internal import GRDB
internal import Locking
internal import SQLiteFiles

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension StateFile {
    /// Moves the file to another path of its folder, over what stands there, and goes on with it there. Whoever reads beside
    /// it finds it there, too. One caller, who writes nothing meanwhile; what stood there must be open nowhere.
    ///
    /// - Throws: `.unwritable` where it cannot be moved.
    public func move(to target: String) throws(StateError) {
        let source = path
        do {
            try connectionNumber.withLock { number in
                // All into the file itself; a reader's connection may keep the empty log from being removed.
                _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
                try queue.close()
                // Left behind by a process that was killed: they are the other file's.
                for suffix in ["-wal", "-shm"] { unlink(target + suffix) }
                guard rename(source, target) == 0 else {
                    throw StateError(
                        .unwritable,
                        "'\(source)' cannot take the place of '\(target)' (\(String(cString: strerror(errno))))"
                    )
                }
                for suffix in ["-wal", "-shm"] { unlink(source + suffix) }
                let wal = WriteAheadLog(database: target, bytesMax: WriteAheadLog.bytesMax)
                let queue = try Self.open(path: target, readOnly: false)
                try Self.prepare(queue, wal)
                place.withLock { $0 = (target, wal) }
                connection.withLock { $0 = queue }
                number += 1
                files.withLock { $0 = OpenedFiles(path: target) }
            }
        } catch {
            throw Self.explain(error, path: source)
        }
    }
}
