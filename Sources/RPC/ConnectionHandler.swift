import Engine
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One client: takes its commands in order, and sends the answers in the same order.
///
/// Confined to its channel's event loop. It goes on reading whether or not the client takes its answers: many clients
/// write a whole pipeline before they read, and would wait for ever for a server that waits for them. So answers are
/// kept, up to a bound past which the connection is closed. It stops reading only while too many commands are under way;
/// those end without the client's doing.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fired down the pipeline as the server shuts down: answer what has come, then close.
    struct Drain: Sendable {}

    /// Fired down the pipeline of the connection that holds most, once all of them hold too much.
    struct Evict: Sendable {}

    private enum Phase {
        case open
        /// Nothing more will be read; what has been read is still served.
        case draining
        /// Nothing more is started; what was started is still answered.
        case closing
        /// The last answers are on their way out.
        case lingering
    }

    /// How an answer goes out, fixed as its command starts.
    private struct ReplyForm {
        var version: RESPVersion
        /// `CLIENT REPLY` wants none.
        var isSilent = false
    }

    /// What `EXEC` has still to start.
    private struct Execution {
        var requests: CircularBuffer<RESPRequest> = []
        var bytes = 0
        var isSilent = false
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
    private var execution = Execution()
    private var replies = ReplyQueue()
    private let output: ConnectionOutput
    private var isServing = false
    private var isTurnScheduled = false
    /// The channel asked to read while the connection was paused.
    private var isReadHeldBack = false
    private var isInputClosed = false
    private var isCutOff = false
    /// What the client goes on to send is of no use, but it may read nothing before it has sent all of it.
    private var throwsInputAway = false
    private var requestTimer: Scheduled<Void>?

    init(
        session: Session, memory: ClientMemory, environment: CommandEnvironment,
        lookupThreads: NIOThreadPool, logger: Logger
    ) {
        self.session = session
        self.environment = environment
        self.lookupThreads = lookupThreads
        self.logger = logger
        decoder = RESPDecoder(limits: environment.options.limits)
        output = ConnectionOutput(
            memory: memory, bytesMax: environment.options.clientBytesMax,
            timeout: environment.options.answerTimeout)
    }
}

// MARK: The channel's events

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        port = CompletionPort(self, on: context.eventLoop)
        output.onEvent = { [unowned self] event in
            switch event {
            case .taken: scheduleTurn()
            case .stalled: cutOff(.stalled)
            }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        port?.close()
        requestTimer?.cancel()
        output.end()
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
        if event as? ChannelEvent == .inputClosed { isInputClosed = true }
        if event is Drain || isInputClosed, phase == .open {
            phase = .draining
            scheduleTurn()
        } else if isInputClosed, phase == .lingering, output.isEmpty {
            context.close(promise: nil)
        } else if event is IdleStateHandler.IdleStateEvent, replies.isEmpty, execution.requests.isEmpty {
            context.close(promise: nil)
        } else if event is Evict {
            if environment.registry.total.isPassed {
                cutOff(.total)
            } else {
                environment.registry.evictionSpared()
            }
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
        (phase == .open || phase == .draining)
            && replies.count < environment.options.commandsInFlightMax
            && output.readableBytes + replies.heldBytes <= environment.options.clientBytesMax
    }

    private var isPaused: Bool { !throwsInputAway && (isTurnScheduled || phase != .open || !canStart) }

    /// One turn: starts what can start, sends what is ready, and sees to what comes next.
    private func serve() {
        guard context != nil, !isServing else { return scheduleTurn() }
        isServing = true
        defer { isServing = false }
        let mayHaveMore = startCommands()
        send()
        // Sending may have closed the connection.
        guard let context else { return }
        if phase == .closing, replies.isEmpty, output.isEmpty { linger(context) }
        if mayHaveMore, canStart { scheduleTurn() }
        if phase == .open { armRequestTimer(waitsForClient: !mayHaveMore && canStart) }
        if isReadHeldBack, !isPaused {
            isReadHeldBack = false
            context.read()
        }
    }

    /// Whether there may be another whole request.
    private func startCommands() -> Bool {
        var left = Self.commandsPerTurnMax
        defer { compactInput() }
        while canStart {
            guard left > 0 else { return true }
            left -= 1
            if let request = execution.requests.popFirst() {
                execution.bytes -= request.memoryBytes
                start(request, isSilent: execution.isSilent)
                continue
            }
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
        return input.readableBytes > 0 || !execution.requests.isEmpty
    }

    private func start(_ request: RESPRequest, isSilent: Bool = false) {
        let place = replies.take()
        let isSkipped = session.replies.takeSkip()
        let outcome = environment.table.start(request, &session, environment)
        // Kept with the place: HELLO answers in the version it chose, and leaves answers still under way as they were.
        let form = ReplyForm(
            version: session.version, isSilent: isSilent || isSkipped || session.replies != .on)
        switch outcome {
        case .reply(let value): fill(place, value, form)
        case .close(let value):
            fill(place, value, form)
            phase = .closing
        case .execute(let transaction): execute(transaction, place, form)
        case .lookup(let lookup): start(lookup, place, form)
        case .later(let begin):
            begin { [port] value in
                port?.deliver(isPatient: true) { $0.complete(place, value, form) }
            }
        }
    }

    /// The answer of `EXEC` is an array of its commands' answers: its head goes out here, and the answers of the
    /// commands, which are the next to be started, stand behind it as those of any pipeline do.
    private func execute(_ transaction: Transaction, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        execution = Execution(
            requests: transaction.requests, bytes: transaction.bytes, isSilent: form.isSilent)
        replies.fill(place, movingTo: &output.buffer) { buffer in
            guard !form.isSilent else { return }
            RESPEncoder(version: form.version)
                .encodeArrayHeader(transaction.requests.count, into: &buffer)
        }
    }

    private func start(_ lookup: Lookup, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        guard let after = lookup.after else { return run(lookup, place, form) }
        environment.service.waitUntilLearned(after.token, timeout: after.timeout) { [port] result in
            port?.deliver { handler in
                switch result {
                case .success: handler.run(lookup, place, form)
                case .failure(let error): handler.fill(place, .error(error.description), form)
                }
                handler.scheduleTurn()
            }
        }
    }

    private func run(_ lookup: Lookup, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        guard leavesEventLoop(lookup) else {
            return fill(place, lookup.evaluate(), form)
        }
        lookupThreads.submit { [port] state in
            guard state == .active else { return }
            let value = lookup.evaluate()
            port?.deliver { $0.complete(place, value, form) }
        }
    }

    private func leavesEventLoop(_ lookup: Lookup) -> Bool {
        if lookup.isLong { return true }
        switch environment.options.lookupLength() {
        case .short: return false
        case .medium: return replies.count > 1 || input.readableBytes > 0 || !execution.requests.isEmpty
        case .long: return true
        }
    }

    private func fill(_ place: ReplyQueue.Place, _ value: RESPValue, _ form: ReplyForm) {
        replies.fill(place, movingTo: &output.buffer) { buffer in
            guard !form.isSilent else { return }
            RESPEncoder(version: form.version).encode(value, into: &buffer)
        }
    }

    private func complete(_ place: ReplyQueue.Place, _ value: RESPValue, _ form: ReplyForm) {
        fill(place, value, form)
        scheduleTurn()
    }

    /// Answers, and closes once the answers of what came before have gone out.
    private func refuse(_ error: some CustomStringConvertible) {
        fill(replies.take(), .error(error.description), ReplyForm(version: session.version))
        phase = .closing
        throwsInputAway = true
        input = ByteBuffer()
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
    private func send() {
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
    private func cutOff(_ reason: CutOff) {
        guard let context, !isCutOff else { return }
        isCutOff = true
        phase = .lingering
        environment.counters.cutOff.add(1, ordering: .relaxed)
        let bytes = output.memory.bytes
        PeerProcess.id(of: context.channel).assumeIsolated().whenComplete { process in
            self.logger.warning(
                "\(reason.message)",
                metadata: [
                    "client": "\(self.session.logName)",
                    "process": "\((try? process.get()).map(String.init) ?? "unknown")",
                    "bytes": "\(bytes)", "limit": "\(reason.limit(self.environment.options))",
                ])
            self.context?.close(promise: nil)
        }
    }

    /// Closes once the client has taken the last answers. A client that has been refused and still sends is let send,
    /// for a while: were its socket closed now, it would fail to send before it reads why.
    private func linger(_ context: ChannelHandlerContext) {
        phase = .lingering
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            guard let context = self.context else { return }
            guard self.throwsInputAway, !self.isInputClosed else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            self.requestTimer?.cancel()
            self.requestTimer = context.eventLoop.assumeIsolated().scheduleTask(in: self.requestTimeout) {
                self.context?.close(promise: nil)
            }
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
