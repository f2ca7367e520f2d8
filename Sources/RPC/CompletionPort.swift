import Locking
import NIOCore
import Synchronization

/// The way back from other threads to a connection's event loop.
///
/// What is delivered waits in a list, and one task of the event loop takes all of it. The list is bounded by the
/// connection's commands in flight, each of which delivers once.
///
/// The engine may answer long after the client has gone, and after the event loops have stopped. Once closed, the
/// port swallows what comes; it is closed on the event loop, when the connection ends, before the loop can stop.
final class CompletionPort: Sendable {
    typealias Delivery = @Sendable (ConnectionHandler) -> Void

    private struct State {
        /// `nil` once closed.
        var handler: NIOLoopBound<ConnectionHandler>?
        /// In the order in which they came; a task to take them is on its way while there are any.
        var waiting: [Delivery] = []
        /// That task does not wait.
        var isUrgent = false
    }

    /// How long a patient delivery waits for others.
    private static let patience = TimeAmount.microseconds(200)

    private let state: Lock<State>
    /// Beside the lock, which the event loop would have to take for each delivery while others deliver more. Relaxed:
    /// used by the event loop alone.
    private let isClosed = Atomic(false)

    init(_ handler: ConnectionHandler, on eventLoop: any EventLoop) {
        state = Lock(State(handler: NIOLoopBound(handler, eventLoop: eventLoop)))
    }

    /// Runs `body` on the event loop later, never at once; not at all if the connection has ended by then.
    ///
    /// - Parameter isPatient: it may wait a moment for others to come. A log completes hundreds of appends one after the
    ///   other, and to wake the event loop for each costs more than all the rest of it.
    func deliver(isPatient: Bool = false, _ body: @escaping Delivery) {
        state.withLock { state in
            guard let handler = state.handler else { return }
            state.waiting.append(body)
            // Under the lock, because the event loop stands only as long as the port is open.
            if !isPatient, !state.isUrgent {
                state.isUrgent = true
                handler.eventLoop.execute { self.takeAll() }
            } else if isPatient, state.waiting.count == 1 {
                handler.eventLoop.scheduleTask(in: Self.patience) { self.takeAll() }
            }
        }
    }

    func close() {
        isClosed.store(true, ordering: .relaxed)
        state.withLock { state in
            state.handler = nil
            state.waiting = []
        }
    }

    /// On the event loop. What is delivered meanwhile has a task of its own, so that other connections come between.
    private func takeAll() {
        let (handler, deliveries) = state.withLock { state in
            defer { (state.waiting, state.isUrgent) = ([], false) }
            return (state.handler, state.waiting)
        }
        guard let handler else { return }
        for delivery in deliveries {
            // Asked each time: a delivery may end the connection.
            guard !isClosed.load(ordering: .relaxed) else { return }
            delivery(handler.value)
        }
    }
}
