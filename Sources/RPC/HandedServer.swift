internal import Commands
internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A socket and the connections on it, on their way from one server to another, be it of another process: descriptors,
/// and what each client has sent and nobody answered yet.
///
/// Whoever holds it owns the descriptors.
public struct HandedServer: Sendable {
    /// One client's.
    public struct Connection: Sendable {
        public var descriptor: CInt
        /// For `RPCServer` alone: who it is, and bytes read from it that no command has begun of.
        public var record: [UInt8]

        public init(descriptor: CInt, record: [UInt8]) {
            (self.descriptor, self.record) = (descriptor, record)
        }
    }

    /// Listens at the socket's path.
    public var listener: CInt
    /// Holds the lock beside the socket; `nil` where somebody else made the socket, who keeps it.
    public var lock: CInt?
    public var connections: [Connection] = []

    public init(listener: CInt, lock: CInt?, connections: [Connection] = []) {
        (self.listener, self.lock, self.connections) = (listener, lock, connections)
    }

    /// Closes the clients' alone.
    func closeConnections() { for connection in connections { _ = closeDescriptor(connection.descriptor) } }

    /// Closes all: they have been sent to whoever answers now, or nobody will.
    public func close() {
        for descriptor in [listener, lock ?? -1] + connections.map(\.descriptor) where descriptor >= 0 {
            _ = closeDescriptor(descriptor)
        }
    }
}

private func closeDescriptor(_ descriptor: CInt) -> CInt { close(descriptor) }

/// What is known of a connection beside its descriptor.
struct HandedClient: Codable {
    var session: SessionRecord
    var input: [UInt8]

    var bytes: [UInt8] { (try? JSONEncoder().encode(self)).map(Array.init) ?? [] }

    init(session: SessionRecord, input: [UInt8]) { (self.session, self.input) = (session, input) }

    init?(_ bytes: [UInt8]) {
        guard let client = try? JSONDecoder().decode(HandedClient.self, from: Data(bytes)) else { return nil }
        self = client
    }
}
