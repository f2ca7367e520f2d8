import Locking
import NIOCore

/// All open connections of a server: bounds their number, lists them, and says when the last has gone.
final class ConnectionRegistry: Sendable {
    private struct Connection {
        let channel: any Channel
        var session: Session
    }

    private struct State {
        var connectionsMax: Int
        var connections: [UInt64: Connection] = [:]
        var lastID: UInt64 = 0
        var accepted: Int64 = 0
        var rejected: Int64 = 0
        var isDraining = false
        var emptied: CheckedContinuation<Void, Never>?
    }

    struct Counts: Sendable {
        var open: Int64
        var accepted: Int64
        var rejected: Int64
    }

    private let state: Lock<State>

    init(connectionsMax: Int) {
        state = Lock(State(connectionsMax: connectionsMax))
    }

    /// Those open past it stay.
    func limit(to connectionsMax: Int) {
        state.withLock { $0.connectionsMax = connectionsMax }
    }

    var connectionsMax: Int { state.withLock { $0.connectionsMax } }

    /// Enters a new connection; `nil` when there are too many, or the server is shutting down.
    func admit(_ channel: any Channel, isAuthenticated: Bool) -> Session? {
        state.withLock { state in
            guard state.connections.count < state.connectionsMax, !state.isDraining else {
                state.rejected += 1
                return nil
            }
            state.lastID += 1
            state.accepted += 1
            let session = Session(id: state.lastID, isAuthenticated: isAuthenticated)
            state.connections[session.id] = Connection(channel: channel, session: session)
            return session
        }
    }

    /// Keeps what others see of a connection up to date.
    func update(_ session: Session) {
        state.withLock { $0.connections[session.id]?.session = session }
    }

    func remove(_ id: UInt64) {
        let emptied = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.connections[id] = nil
            guard state.connections.isEmpty else { return nil }
            return state.emptied.take()
        }
        emptied?.resume()
    }

    var sessions: [Session] {
        state.withLock { $0.connections.values.map(\.session) }.sorted { $0.id < $1.id }
    }

    var counts: Counts {
        state.withLock { state in
            Counts(
                open: Int64(state.connections.count), accepted: state.accepted, rejected: state.rejected)
        }
    }

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
