import Access
import Commands
import Locking
import NIOCore

/// All open connections of a server: bounds their number, lists them, and says when the last has gone.
final class ConnectionRegistry: Sendable {
    private struct Connection {
        let channel: any Channel
        let memory: ClientMemory
        var session: Session
    }

    private struct State {
        var connectionsMax: Int
        var connections: [UInt64: Connection] = [:]
        var lastID: UInt64 = 0
        var accepted: Int64 = 0
        var rejected: Int64 = 0
        var isDraining = false
        /// The connection that has been told to close, so that the others hold less.
        var evicted: UInt64?
        var emptied: CheckedContinuation<Void, Never>?
    }

    /// Held for all connections together.
    let total: MemoryTotal
    private let state: Lock<State>

    init(connectionsMax: Int, total: MemoryTotal) {
        state = Lock(State(connectionsMax: connectionsMax))
        self.total = total
    }

    /// Enters a new connection; `nil` when there are too many, or the server is shutting down.
    func admit(
        _ channel: any Channel, from peer: Peer, _ access: AccessControl
    ) -> (Session, ClientMemory)? {
        state.withLock { state in
            guard state.connections.count < state.connectionsMax, !state.isDraining else {
                state.rejected += 1
                return nil
            }
            state.lastID += 1
            state.accepted += 1
            let session = Session(id: state.lastID, peer: peer, access)
            let memory = ClientMemory(of: total)
            state.connections[session.id] = Connection(channel: channel, memory: memory, session: session)
            return (session, memory)
        }
    }

    /// Lowers the bound to what the system allows.
    func limit(to connectionsMax: Int) { state.withLock { $0.connectionsMax = connectionsMax } }

    func remove(_ id: UInt64) {
        let emptied = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.connections[id] = nil
            if state.evicted == id { state.evicted = nil }
            guard state.connections.isEmpty else { return nil }
            return state.emptied.take()
        }
        emptied?.resume()
    }

    /// Tells the connection that holds most to close; one at a time.
    func evictLargest() {
        let channel = state.withLock { state -> (any Channel)? in
            guard state.evicted == nil else { return nil }
            let largest = state.connections.max { $0.value.memory.bytes < $1.value.memory.bytes }
            state.evicted = largest?.key
            return largest?.value.channel
        }
        channel?.pipeline.fireUserInboundEventTriggered(ConnectionHandler.Evict())
    }

    /// The connection told to close stays: enough has been freed meanwhile.
    func evictionSpared() { state.withLock { $0.evicted = nil } }

    /// Of the connections open now.
    var channels: [any Channel] { state.withLock { $0.connections.values.map(\.channel) } }
    var isEmpty: Bool { state.withLock { $0.connections.isEmpty } }

    /// Admits nobody from here on, and returns the connections still open.
    func beginDraining() -> [any Channel] {
        state.withLock { state in
            state.isDraining = true
            return state.connections.values.map(\.channel)
        }
    }

    /// Returns once no connection is open. One caller at a time.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.connections.isEmpty { state.emptied = continuation }
                return state.connections.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }
}

// MARK: What commands see of it

extension ConnectionRegistry: ConnectedClients {
    var all: [(session: Session, heldBytes: Int)] {
        state.withLock { $0.connections.values.map { ($0.session, $0.memory.bytes) } }
            .sorted { $0.0.id < $1.0.id }
    }

    var counts: ConnectionCounts {
        state.withLock { state in
            ConnectionCounts(
                open: Int64(state.connections.count), max: Int64(state.connectionsMax),
                accepted: state.accepted, rejected: state.rejected)
        }
    }

    var heldBytes: Int { total.bytes }
    var heldBytesMax: Int { total.bytesMax }

    func update(_ session: Session) {
        state.withLock { $0.connections[session.id]?.session = session }
    }

    func close(where isWanted: (Session) -> Bool) -> [UInt64] {
        let found = state.withLock { state in state.connections.values.filter { isWanted($0.session) } }
        for connection in found { connection.channel.close(promise: nil) }
        return found.map(\.session.id)
    }
}
