import Access
import Commands
import Logging
import NIOCore
import RESP
import Synchronization

extension ConnectionHandler {
    func send() {
        guard let context else { return }
        let held =
            replies.heldBytes + input.readableBytes + decoder.heldBytes + execution.bytes
            + (session.transaction?.bytes ?? 0)
        switch output.send(on: context, beside: held) {
        case .fits: break
        case .passesClient: cutOff(.client)
        case .passesTotal: environment.registry.evictLargest()
        }
    }

    /// Closes a connection for which more is held than may be, and says so to whoever runs the daemon.
    func cutOff(_ reason: CutOff) {
        guard context != nil, !isCutOff else { return }
        isCutOff = true
        phase = .lingering
        environment.commands.counters.cutOff.add(1, ordering: .relaxed)
        let bytes = output.memory.bytes
        logger.warning(
            "\(reason.message)",
            metadata: [
                "client": "\(session.logName)", "process": "\(session.peer.process)", "bytes": "\(bytes)",
                "limit": "\(reason.limit(environment.options, total: environment.registry.total))",
            ])
        closeSoon()
    }

    /// Closes once the client has taken the last answers. A client that has been refused and still sends is let send,
    /// for a while: were its socket closed now, it would fail to send before it reads why.
    func linger(_ context: ChannelHandlerContext) {
        phase = .lingering
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            guard let context = self.context else { return }
            guard self.throwsInputAway, !self.isInputClosed else { return self.closeSoon() }
            context.close(mode: .output, promise: nil)
            self.requestTimer?.cancel()
            self.requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: self.requestTimeout) {
                self.context?.close(promise: nil)
            }
        }
    }

    /// Once what is under way on the event loop has ended: NIO takes it for a fault of its own when a channel that reads its
    /// client's end is closed by those it tells so (an assertion of its debug builds).
    private func closeSoon() {
        context?.eventLoop.assumeIsolated().execute { self.context?.close(promise: nil) }
    }

    private var requestTimeout: TimeAmount { TimeAmount(environment.options.requestTimeout) }

    /// Who has not shown yet who it is gets little room and little time: it would keep a place from others.
    func seeToGuest() {
        let isGuest = session.identity == nil
        decoder.limits = isGuest ? environment.options.guestLimits : environment.options.limits
        guard isGuest else {
            guestTimer?.cancel()
            guestTimer = nil
            return
        }
        guard guestTimer == nil, let context else { return }
        guestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: requestTimeout) {
            self.refuse("NOAUTH no AUTH within \(self.environment.options.requestTimeout)")
            self.serve()
        }
    }

    /// A request that has begun must end in time, counted from when the rest was first missed: a client that sends a
    /// byte now and then gains nothing.
    func armRequestTimer(waitsForClient: Bool) {
        guard waitsForClient, decoder.isMidRequest(input) else {
            requestTimer?.cancel()
            requestTimer = nil
            return
        }
        guard requestTimer == nil, let context else { return }
        requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: requestTimeout) {
            self.refuse(
                RESPProtocolError("request not complete after \(self.environment.options.requestTimeout)"))
            self.serve()
        }
    }
}

extension Peer {
    /// The id of the process that connected, where the system tells.
    fileprivate var process: String {
        if case .process(let id, _, _) = self { String(id) } else { "unknown" }
    }
}
