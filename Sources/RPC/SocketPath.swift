import RESP

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A Unix socket's place in the file system: taken so that no two daemons ever hold it, and given back.
///
/// A lock on `PATH.lock` guards taking and giving back; the system drops it when the process dies. Without it two
/// daemons that start at once could both find a stale socket, and the second would remove the first one's new one.
package struct SocketPath: Sendable {
    let path: String
    /// `nil` where somebody else made the socket, who keeps it.
    let lock: CInt?
    private let identity: FileIdentity

    private init(path: String, lock: CInt?, identity: FileIdentity) {
        (self.path, self.lock, self.identity) = (path, lock, identity)
    }

    /// A place that another process took, and its lock, which is the same lock as long as anybody holds it.
    init(adopting lock: CInt?, at path: String) throws(RPCServerError) {
        guard let identity = FileIdentity(path: path) else {
            throw RPCServerError(.notWritable, "socket '\(path)' vanished as it was taken over; start again")
        }
        self.init(path: path, lock: lock, identity: identity)
    }

    /// Binds a listening socket of mode 0660 at `path`.
    ///
    /// - Returns: the place, and a descriptor that is now the caller's: not blocking, closed on exec, listening.
    package static func claim(_ path: String) throws(RPCServerError) -> (place: SocketPath, descriptor: CInt)
    {
        guard var address = UnixSocket.address(of: path) else { throw RPCServerError.invalid(path) }
        let lock = try takeLock(for: path)
        do throws(RPCServerError) {
            try removeStale(path, &address)
            let descriptor = try makeListener(path, &address)
            guard let identity = FileIdentity(path: path) else {
                close(descriptor)
                throw RPCServerError(.notWritable, "socket '\(path)' vanished as it was made; start again")
            }
            return (SocketPath(path: path, lock: lock, identity: identity), descriptor)
        } catch {
            unlink(path + ".lock")
            close(lock)
            throw error
        }
    }

    /// Removes the socket file, if it is still the one that was made here, and lets the lock go.
    package func release() {
        guard let lock else { return }
        if FileIdentity(path: path) == identity { unlink(path) }
        unlink(path + ".lock")
        close(lock)
    }

    // MARK: Steps of taking a place

    private static func takeLock(for path: String) throws(RPCServerError) -> CInt {
        let lockPath = path + ".lock"
        while true {
            let lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard lock >= 0 else { throw RPCServerError.opening(path, code: errno) }
            guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
                close(lock)
                throw RPCServerError.taken(path, how: "holds '\(lockPath)'")
            }
            // The last holder may have removed the file between our open and our lock; then it guards nothing.
            if FileIdentity(descriptor: lock) == FileIdentity(path: lockPath) { return lock }
            close(lock)
        }
    }

    private static func removeStale(_ path: String, _ address: inout sockaddr_un) throws(RPCServerError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw RPCServerError.opening(path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw RPCServerError(
                .taken, "'\(path)' exists and is no socket: remove it, or choose another socket path")
        }
        let probe = try makeSocket(path)
        defer { close(probe) }
        // Not blocking: EAGAIN says that somebody listens, with a full queue.
        let answer = UnixSocket.withAddress(&address) { connect(probe, $0, $1) }
        if answer == 0 || errno == EAGAIN || errno == EINPROGRESS {
            throw RPCServerError.taken(path, how: "answers")
        }
        guard errno == ECONNREFUSED else { throw RPCServerError.opening(path, code: errno) }
        guard unlink(path) == 0 || errno == ENOENT else { throw RPCServerError.opening(path, code: errno) }
    }

    private static func makeListener(
        _ path: String, _ address: inout sockaddr_un
    ) throws(RPCServerError) -> CInt {
        let descriptor = try makeSocket(path)
        // On Linux the file takes the descriptor's mode less the umask, so it is never wider than 0660; the chmod
        // after widens what a strict umask took away. Darwin refuses the first, but nobody can connect before listen.
        fchmod(descriptor, 0o660)
        guard UnixSocket.withAddress(&address, { bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw RPCServerError.opening(path, code: code)
        }
        guard chmod(path, 0o660) == 0, listen(descriptor, 512) == 0 else {
            let code = errno
            close(descriptor)
            unlink(path)
            throw RPCServerError.opening(path, code: code)
        }
        return descriptor
    }

    private static func makeSocket(_ path: String) throws(RPCServerError) -> CInt {
        let descriptor = UnixSocket.open()
        guard descriptor >= 0 else { throw RPCServerError.opening(path, code: errno) }
        return descriptor
    }
}

/// Which file this is, whatever it is called.
private struct FileIdentity: Equatable, Sendable {
    let device: dev_t
    let inode: ino_t

    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
    }

    init?(descriptor: CInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
    }
}
