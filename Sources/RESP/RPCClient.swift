#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A blocking client of the Unix-socket RPC, for the command line. One connection; not Sendable.
///
/// Speaks RESP 3. Commands can be sent ahead of their answers; answers that come meanwhile are taken in, so that
/// neither side waits for the other with full buffers.
public final class RPCClient {
    private static let readBytes = 1 << 16
    /// Commands are put on the wire by themselves once this many bytes wait.
    private static let flushBytes = 1 << 16

    private let socketPath: String
    private let timeout: Duration
    private var descriptor: CInt
    private var unsent: [UInt8] = []
    private var reader = RESPReplyReader()
    private var hasEnded = false

    /// - Parameters:
    ///   - socketPath: of a Unix socket; or `tcp://host:port`; or, over TLS, `tls://host:port`.
    ///   - timeout: the longest that one flush or one answer may take.
    ///   - user: whose password it is.
    ///   - password: where the daemon asks for one.
    ///   - secureWay: where the address is one of TLS.
    /// - Throws: `RPCClientError` naming the path and what to do (daemon not running, no permission, path too long).
    public init(
        socketPath: String, timeout: Duration = .seconds(30), user: String = "default",
        password: String? = nil, secureWay: (any ClientWay)? = nil
    ) throws(RPCClientError) {
        self.socketPath = socketPath
        self.timeout = timeout
        descriptor = try Self.connect(to: socketPath, timeout, secureWay)
        let hello = ["HELLO", "3"] + (password.map { ["AUTH", user, $0] } ?? [])
        guard case .error(let message) = try call(hello) else { return }
        close()
        throw RPCClientError("daemon at '\(socketPath)' refused the connection: \(message)")
    }

    deinit { close() }

    /// Buffers one command; `flush` or `receive` puts it on the wire.
    public func send(_ arguments: [String]) throws(RPCClientError) {
        unsent.append(contentsOf: "*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            unsent.append(contentsOf: "$\(argument.utf8.count)\r\n".utf8)
            unsent.append(contentsOf: argument.utf8)
            unsent.append(contentsOf: "\r\n".utf8)
        }
        if unsent.count >= Self.flushBytes { try flush() }
    }

    public func flush() throws(RPCClientError) {
        let deadline = ContinuousClock.now + timeout
        var sent = 0
        defer { unsent.removeFirst(sent) }
        while sent < unsent.count {
            let events = try wait(for: Int16(POLLIN) | Int16(POLLOUT), until: deadline)
            if events & Int16(POLLIN) != 0 { try read() }
            guard events & Int16(POLLOUT) != 0 else { continue }
            let count = unsent.withUnsafeBytes { bytes in
                systemSend(descriptor, UnsafeRawBufferPointer(rebasing: bytes.dropFirst(sent)))
            }
            if count >= 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                // What the daemon said before it closed explains more than the broken pipe.
                let code = errno
                sent = unsent.count
                try? read()
                if hasEnded { return }
                throw failure("cannot send: \(UnixSocket.message(code))")
            }
        }
    }

    /// The next answer, in the order of the commands sent. An error of the daemon's comes back as `.error`.
    public func receive() throws(RPCClientError) -> RESPValue {
        try flush()
        let deadline = ContinuousClock.now + timeout
        var reader = RESPReplyReader()
        swap(&reader, &self.reader)
        defer { swap(&reader, &self.reader) }
        return try reader.next { reader throws(RPCClientError) in
            if hasEnded { throw failure("the daemon closed the connection") }
            _ = try wait(for: Int16(POLLIN), until: deadline)
            if let bytes = try readSome() { reader.append(bytes) }
        }
    }

    public func call(_ arguments: [String]) throws(RPCClientError) -> RESPValue {
        try send(arguments)
        return try receive()
    }

    public func close() {
        guard descriptor >= 0 else { return }
        closeDescriptor(descriptor)
        descriptor = -1
        hasEnded = true
    }
}

// MARK: The socket

extension RPCClient {
    private static func connect(
        to path: String, _ timeout: Duration, _ secureWay: (any ClientWay)?
    ) throws(RPCClientError) -> CInt {
        if let address = ClientAddress(path) {
            guard address.isSecure else { return try TCPSocket.connect(to: address) }
            guard let secureWay else { throw RPCClientError("'\(path)': TLS is not spoken here") }
            return try secureWay.connect(to: address.host, port: address.port, timeout: timeout)
        }
        guard !path.contains("://") else {
            throw RPCClientError("'\(path)' is no address; allowed is \(ClientAddress.allowed)")
        }
        guard var address = UnixSocket.address(of: path) else {
            throw RPCClientError(
                "socket path '\(path)' has \(path.utf8.count) bytes; 1 to \(UnixSocket.pathBytesMax) are allowed: "
                    + "name the socket of the running daemon by --socket")
        }
        let descriptor = UnixSocket.open()
        guard descriptor >= 0 else {
            throw RPCClientError("cannot make a socket: \(UnixSocket.message(errno))")
        }
        guard UnixSocket.withAddress(&address, { connectDescriptor(descriptor, $0, $1) }) == 0 else {
            let code = errno
            closeDescriptor(descriptor)
            throw refused(path, code)
        }
        return descriptor
    }

    private static func refused(_ path: String, _ code: CInt) -> RPCClientError {
        switch code {
        case ENOENT, ENOTDIR, ECONNREFUSED:
            RPCClientError(
                "no daemon answers at socket '\(path)' (\(UnixSocket.message(code))): start it with `freshet serve`, "
                    + "or name its socket by --socket or FRESHET_RPC_SOCKET")
        case EACCES, EPERM:
            RPCClientError(
                "no permission to open socket '\(path)': join the socket's group, or run as the daemon's user"
            )
        case EAGAIN:
            RPCClientError("daemon at socket '\(path)' accepts no connection just now: try again")
        default: RPCClientError("cannot connect to socket '\(path)': \(UnixSocket.message(code))")
        }
    }

    /// Waits until one of `events`, an end or an error is there.
    private func wait(
        for events: Int16, until deadline: ContinuousClock.Instant
    ) throws(RPCClientError) -> Int16 {
        guard descriptor >= 0 else { throw failure("the connection is closed") }
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds >= 0 else {
                throw failure(
                    "no answer within \(timeout): is the daemon busy or stopped? See `freshet status`")
            }
            // Rounded up, so that it never spins through the last millisecond.
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let count = poll(&entry, 1, CInt(clamping: milliseconds + 1))
            if count > 0 {
                let hasFailed = entry.revents & ~(Int16(POLLIN) | Int16(POLLOUT)) != 0
                return hasFailed ? entry.revents | events : entry.revents
            }
            if count < 0, errno != EINTR { throw failure("cannot wait: \(UnixSocket.message(errno))") }
        }
    }

    private func read() throws(RPCClientError) {
        if let bytes = try readSome() { reader.append(bytes) }
    }

    /// Bytes that are there; `nil` when there are none.
    private func readSome() throws(RPCClientError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Self.readBytes)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count > 0 { return Array(bytes.prefix(count)) }
        if count == 0 || errno == ECONNRESET { hasEnded = true }
        if count < 0, ![EAGAIN, EINTR, ECONNRESET].contains(errno) {
            throw failure("cannot read: \(UnixSocket.message(errno))")
        }
        return nil
    }

    private func failure(_ reason: String) -> RPCClientError {
        RPCClientError("daemon at '\(socketPath)': \(reason)")
    }
}

/// `close` and `connect` under names that the class's own methods do not hide.
private func closeDescriptor(_ descriptor: CInt) {
    close(descriptor)
}

private func connectDescriptor(
    _ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> CInt {
    connect(descriptor, address, length)
}

/// Sends without the signal that would end the process where the daemon has gone.
private func systemSend(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
        send(descriptor, bytes.baseAddress, bytes.count, 0)
    #else
        send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
    #endif
}

public struct RPCClientError: Error, Sendable, CustomStringConvertible {
    public let message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}
