internal import Foundation
internal import GRDB

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension StateFile {
    /// Writes a whole state to a new file at `path`.
    ///
    /// It is made under another name in the same folder and renamed once it is durable, so that a kill leaves what was
    /// there before: nothing, or the older state that this one replaces. No daemon may use `path` meanwhile.
    public static func create(path: String, identity: StateIdentity, delta: StateDelta) throws(StateError) {
        let temporary = "\(path).part-\(getpid())"
        remove(temporary)
        do {
            do {
                let file = try StateFile(path: temporary, identity: identity)
                try file.write(delta)
                // Folds the write-ahead log in: what is renamed is all there is.
                try file.close()
            }
            try sync(temporary)
            settle(path)
            guard rename(temporary, path) == 0 else {
                throw StateError(
                    .unwritable, "'\(path)' cannot be written (\(String(cString: strerror(errno))))")
            }
            try sync((path as NSString).deletingLastPathComponent)
        } catch {
            remove(temporary)
            throw explain(error, path: path)
        }
    }

    /// Folds the write-ahead log of an older state into its file. Left behind, the log would be taken for the new
    /// state's; removed alone, a kill before the renaming would cost the old state its last transactions.
    static func settle(_ path: String) {
        guard FileManager.default.fileExists(atPath: path + "-wal") else { return }
        if let queue = try? open(path: path, readOnly: false) {
            _ = try? queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try? queue.close()
        }
        // Still there where the file was damaged: there is nothing left in it to lose.
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    }

    private static func sync(_ path: String) throws(StateError) {
        let path = path.isEmpty ? "." : path
        guard syncToDisk(path) else {
            throw StateError(
                .unwritable, "'\(path)' cannot be made durable (\(String(cString: strerror(errno))))")
        }
    }
}

/// Out here, where `open` is the system's.
func syncToDisk(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return fsync(descriptor) == 0
}

extension StateFile {
    /// Whether the file at `path` bears the marks of a state of Freshet, whole or damaged; false where there is none.
    public static func isState(path: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: path), let header = try? file.read(upToCount: 72) else {
            return false
        }
        // SQLite keeps the application's number here, big-endian.
        return header.count == 72
            && header.suffix(4).reduce(0) { $0 << 8 | Int32($1) } == Schema.applicationID
    }
}

extension StateFile {
    /// Below this the system reads ahead far enough by itself.
    private static let prefetchedBytesMin: off_t = 16 << 20

    /// Asks the system for the whole file: B-trees are read here and there, each page of a cold file after a wait of its
    /// own. Before SQLite opens it, because closing a descriptor takes away all locks that the process has on the file.
    static func prefetch(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size >= prefetchedBytesMin else { return }
        adviseWillNeed(path)
    }
}

/// Out here, where `open` is the system's.
private func adviseWillNeed(_ path: String) {
    #if os(Linux)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED)
        close(descriptor)
    #endif
}
