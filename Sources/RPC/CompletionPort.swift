import Locking
import NIOCore

/// The way back from other threads to a connection's event loop.
///
/// The engine may answer long after the client has gone, and after the event loops have stopped. Once closed, the
/// port swallows what comes; it is closed on the event loop, when the connection ends, before the loop can stop.
final class CompletionPort: Sendable {
    private let handler: Lock<NIOLoopBound<ConnectionHandler>?>

    init(_ handler: ConnectionHandler, on eventLoop: any EventLoop) {
        self.handler = Lock(NIOLoopBound(handler, eventLoop: eventLoop))
    }

    /// Runs `body` on the event loop later, never at once; not at all if the connection has ended by then.
    func deliver(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
        handler.withLock { handler in
            guard let handler else { return }
            handler.eventLoop.execute { body(handler.value) }
        }
    }

    func close() {
        handler.withLock { $0 = nil }
    }
}
