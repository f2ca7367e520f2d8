import Commands
import Locking
import NIOCore
import RESP

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Takes connections as they become quiet.
final class HandingBasket: Sendable {
    private let taken = Lock<[HandedServer.Connection]>([])

    func put(_ connection: HandedServer.Connection) { taken.withLock { $0.append(connection) } }
    var connections: [HandedServer.Connection] { taken.withLock { $0 } }
}

extension ConnectionHandler {
    /// Fired down the pipeline as another server takes over: begin no further command, and go once all are answered.
    struct HandOver: Sendable {
        let basket: HandingBasket
    }

    /// Something has begun that only this process can end: half a request is read, or a transaction is open. It is read on,
    /// and served.
    var isUnfinished: Bool {
        !decoder.isBetweenRequests || session.transaction != nil || !execution.requests.isEmpty
    }

    func beginHandingOver(to basket: HandingBasket) {
        guard phase == .open else { return }
        phase = .handingOver
        self.basket = basket
        scheduleTurn()
    }

    /// Gives the descriptor away where nothing is under way: every command begun is answered, and every answer is in the
    /// socket. What the client sends meanwhile waits in the socket, too, and whoever has the descriptor then reads it. One
    /// with TLS ends instead: its client has to connect anew.
    func handOverIfQuiet(_ context: ChannelHandlerContext) {
        guard phase == .handingOver, let basket, !isUnfinished, replies.isEmpty, output.readableBytes == 0
        else {
            return
        }
        let copy =
            isSecure
            ? nil
            : try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { fcntl($0, F_DUPFD_CLOEXEC, 0) }
        phase = .lingering
        if let copy, copy >= 0 {
            let client = HandedClient(session: session.record, input: Array(input.readableBytesView))
            basket.put(HandedServer.Connection(descriptor: copy, record: client.bytes))
        }
        input = ByteBuffer()
        // Closes this descriptor; the connection lives on through the copy.
        context.eventLoop.assumeIsolated().execute { self.context?.close(promise: nil) }
    }
}
