/// A blocking client of the Unix-socket RPC, for the command line. One connection; not Sendable.
public final class RPCClient {
    /// - Throws: `RPCClientError` naming the path and what to do (daemon not running, no permission, path too long).
    public init(socketPath: String, timeout: Duration = .seconds(30)) throws(RPCClientError) {
        throw RPCClientError("not built yet")
    }

    /// Buffers one command; `flush` or `receive` puts it on the wire.
    public func send(_ arguments: [String]) throws(RPCClientError) {}
    public func flush() throws(RPCClientError) {}
    /// The next answer, in the order of the commands sent.
    public func receive() throws(RPCClientError) -> RESPValue { .null }
    public func call(_ arguments: [String]) throws(RPCClientError) -> RESPValue {
        try send(arguments)
        return try receive()
    }
    public func close() {}
}

public struct RPCClientError: Error, Sendable, CustomStringConvertible {
    public let message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}
