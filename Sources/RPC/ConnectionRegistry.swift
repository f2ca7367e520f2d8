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
        /// Of each peer, as long as it has any.
        var ofPeers: [String: Int] = [:]
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

    /// Why a connection is not entered, as its client is told.
    struct Refusal: Error, Equatable {
        let description: String

        /// Redis's words, which clients test, and then which bound it is.
        static func full(_ bound: String) -> Refusal {
            Refusal(description: "ERR max number of clients reached: \(bound)")
        }
    }

    /// Enters a new connection.
    ///
    /// - Throws: when there are too many, of all or of its peer, or the server is shutting down.
    func admit(
        _ channel: any Channel, from peer: Peer, _ access: AccessControl
    ) throws(Refusal) -> (Session, ClientMemory) {
        let connectionsPerPeer = access.rules.connectionsPerPeer
        let result = state.withLock { state -> Result<(Session, ClientMemory), Refusal> in
            guard !state.isDraining, state.connections.count < state.connectionsMax else {
                state.rejected += 1
                return .failure(
                    state.isDraining
                        ? Refusal(description: "ERR the server is shutting down")
                        : .full("rpc.connections-max is \(state.connectionsMax)"))
            }
            guard connectionsPerPeer == 0 || state.ofPeers[peer.limitName, default: 0] < connectionsPerPeer
            else {
                state.rejected += 1
                return .failure(
                    .full(
                        "access.connections-per-peer is \(connectionsPerPeer), and \(peer.limitName) has them"
                    ))
            }
            state.ofPeers[peer.limitName, default: 0] += 1
            state.lastID += 1
            state.accepted += 1
            let session = Session(id: state.lastID, peer: peer, access)
            let memory = ClientMemory(of: total)
            state.connections[session.id] = Connection(channel: channel, memory: memory, session: session)
            return .success((session, memory))
        }
        return try result.get()
    }

    /// Lowers the bound to what the system allows.
    func limit(to connectionsMax: Int) { state.withLock { $0.connectionsMax = connectionsMax } }

    func remove(_ id: UInt64) {
        let emptied = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let peer = state.connections.removeValue(forKey: id)?.session.peer.limitName {
                let left = state.ofPeers[peer, default: 1] - 1
                state.ofPeers[peer] = left > 0 ? left : nil
            }
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
