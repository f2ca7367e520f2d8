import Engine
import Logging
import LookUps
import NIOCore
import NIOPosix
import Synchronization

/// One client: takes its commands in order, and sends the answers in the same order.
///
/// Confined to its channel's event loop. What it holds for a client is bounded: it stops reading while the client
/// does not take its answers, and while too many commands are under way.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fired down the pipeline as the server shuts down: answer what has come, then close.
    struct Drain: Sendable {}

    private enum Phase {
        case open
        /// Nothing more will be read; what has been read is still served.
        case draining
        /// Nothing more is started; what was started is still answered.
        case closing
        /// The last answers are on their way out.
        case lingering
    }

    /// Commands started before other connections of the event loop have their turn.
    private static let commandsPerTurnMax = 32

    private let environment: CommandEnvironment
    private let lookupThreads: NIOThreadPool
    private let logger: Logger
    private var session: Session

    private var phase = Phase.open
    private var context: ChannelHandlerContext?
    private var port: CompletionPort?
    private var decoder: RESPDecoder
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var replies = ReplyQueue()
    private var isServing = false
    private var isTurnScheduled = false
    /// The channel asked to read while the connection was paused.
    private var isReadHeldBack = false
    private var requestTimer: Scheduled<Void>?

    init(session: Session, environment: CommandEnvironment, lookupThreads: NIOThreadPool, logger: Logger) {
        self.session = session
        self.environment = environment
        self.lookupThreads = lookupThreads
        self.logger = logger
        decoder = RESPDecoder(limits: environment.options.limits)
    }
}

// MARK: The channel's events

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        port = CompletionPort(self, on: context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        port?.close()
        requestTimer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .lingering
        port?.close()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        serve()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isPaused {
            isReadHeldBack = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { scheduleTurn() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is Drain || event as? ChannelEvent == .inputClosed, phase == .open {
            phase = .draining
            scheduleTurn()
        } else if event is IdleStateHandler.IdleStateEvent, replies.isEmpty {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["connection": "\(session.id)", "error": "\(error)"])
        context.close(promise: nil)
    }
}

// MARK: Serving

extension ConnectionHandler {
    /// Whether one more command may start now.
    private var canStart: Bool {
        guard let context, phase == .open || phase == .draining else { return false }
        let options = environment.options
        return replies.count < options.commandsInFlightMax && context.channel.isWritable
            && output.readableBytes + replies.heldBytes < options.outputHighWaterBytes
    }

    private var isPaused: Bool { isTurnScheduled || phase != .open || !canStart }

    /// One turn: starts what can start, sends what is ready, and sees to what comes next.
    private func serve() {
        guard let context, !isServing else { return scheduleTurn() }
        isServing = true
        defer { isServing = false }
        let mayHaveMore = startCommands()
        send(context)
        if phase == .closing, replies.isEmpty { return linger(context) }
        if mayHaveMore, canStart { scheduleTurn() }
        armRequestTimer(waitsForClient: !mayHaveMore && canStart && phase == .open)
        if isReadHeldBack, !isPaused {
            isReadHeldBack = false
            context.read()
        }
    }

    /// Whether `input` may hold another whole request.
    private func startCommands() -> Bool {
        var left = Self.commandsPerTurnMax
        defer { compactInput() }
        while canStart {
            guard left > 0 else { return true }
            left -= 1
            do throws(RESPProtocolError) {
                guard let request = try decoder.next(from: &input) else {
                    if phase == .draining { phase = .closing }
                    return false
                }
                start(request)
            } catch {
                refuse(error)
            }
        }
        return input.readableBytes > 0
    }

    private func start(_ request: RESPRequest) {
        let place = replies.take()
        let outcome = environment.table.start(request, &session, environment)
        // Kept with the place: HELLO answers in the version it chose, and leaves answers still under way as they were.
        let version = session.version
        switch outcome {
        case .reply(let value): fill(place, value, version)
        case .close(let value):
            fill(place, value, version)
            phase = .closing
        case .lookup(let lookup): start(lookup, place, version)
        case .later(let begin):
            begin { [port] value in
                port?.deliver(isPatient: true) { $0.complete(place, value, version) }
            }
        }
    }

    private func start(_ lookup: Lookup, _ place: ReplyQueue.Place, _ version: RESPVersion) {
        guard let after = lookup.after else { return run(lookup, place, version) }
        environment.service.waitUntilLearned(after.token, timeout: after.timeout) { [port] result in
            port?.deliver { handler in
                switch result {
                case .success: handler.run(lookup, place, version)
                case .failure(let error): handler.fill(place, .error(error.description), version)
                }
                handler.scheduleTurn()
            }
        }
    }

    private func run(_ lookup: Lookup, _ place: ReplyQueue.Place, _ version: RESPVersion) {
        guard leavesEventLoop(lookup) else {
            return fill(place, lookup.evaluate(), version)
        }
        lookupThreads.submit { [port] state in
            guard state == .active else { return }
            let value = lookup.evaluate()
            port?.deliver { $0.complete(place, value, version) }
        }
    }

    private func leavesEventLoop(_ lookup: Lookup) -> Bool {
        if lookup.isLong { return true }
        switch environment.options.lookupLength() {
        case .short: return false
        case .medium: return replies.count > 1 || input.readableBytes > 0
        case .long: return true
        }
    }

    private func fill(_ place: ReplyQueue.Place, _ value: RESPValue, _ version: RESPVersion) {
        replies.fill(place, with: value, version: version, movingTo: &output)
    }

    private func complete(_ place: ReplyQueue.Place, _ value: RESPValue, _ version: RESPVersion) {
        fill(place, value, version)
        scheduleTurn()
    }

    private func refuse(_ error: some CustomStringConvertible) {
        fill(replies.take(), .error(error.description), session.version)
        phase = .closing
    }

    /// Answers that come in one tick of the event loop go out in one write.
    private func scheduleTurn() {
        guard let context, !isTurnScheduled else { return }
        isTurnScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.serve()
        }
    }

    private func compactInput() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.readerIndex > input.readableBytes {
            // Each byte is moved at most as often as one was consumed.
            input.discardReadBytes()
        }
    }
}

// MARK: Sending and closing

extension ConnectionHandler {
    private func send(_ context: ChannelHandlerContext) {
        if output.readableBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            output = ByteBuffer()
        }
        let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        let bytes = (waiting ?? 0) + replies.heldBytes
        guard bytes > environment.options.outputBytesMax else { return }
        environment.counters.cutOff.add(1, ordering: .relaxed)
        logger.warning(
            "closed a connection whose client does not read its answers",
            metadata: ["connection": "\(session.id)", "name": "\(session.name)", "bytes": "\(bytes)"])
        context.close(promise: nil)
    }

    /// Closes once the client has taken the last answers, or has had long enough for it.
    private func linger(_ context: ChannelHandlerContext) {
        phase = .lingering
        requestTimer?.cancel()
        requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: requestTimeout) {
            self.context?.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.context?.close(promise: nil)
        }
    }

    private var requestTimeout: TimeAmount { TimeAmount(environment.options.requestTimeout) }

    /// A request that has begun must end in time, counted from when the rest was first missed: a client that sends a
    /// byte now and then gains nothing.
    private func armRequestTimer(waitsForClient: Bool) {
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
