import Commands
import Engine
import Logging
import LookUps
import NIOCore
import NIOPosix
import RESP
import Synchronization

/// One client: takes its commands in order, and sends the answers in the same order.
///
/// Confined to its channel's event loop. It goes on reading whether or not the client takes its answers: many clients
/// write a whole pipeline before they read, and would wait for ever for a server that waits for them. So answers are
/// kept, up to a bound past which the connection is closed. It stops reading only while too many commands are under way;
/// those end without the client's doing.
///
/// The channel's events stand here, how commands are started and answered in `ConnectionHandler+Serving.swift`, how a
/// connection ends in `ConnectionHandler+Closing.swift`, how other daemons are asked in
/// `ConnectionHandler+Forwarding.swift`, and how it goes to another server in
/// `ConnectionHandler+HandingOver.swift`; the stored properties are for these files and that of pipelines alone.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fired down the pipeline as the server shuts down: answer what has come, then close.
    struct Drain: Sendable {}

    /// Fired down the pipeline of the connection that holds most, once all of them hold too much.
    struct Evict: Sendable {}

    enum Phase {
        case open
        /// Another server takes over: no more is begun than has to be ended here.
        case handingOver
        /// Nothing more will be read; what has been read is still served.
        case draining
        /// Nothing more is started; what was started is still answered.
        case closing
        /// The last answers are on their way out.
        case lingering
    }

    /// How an answer goes out, fixed as its command starts.
    struct ReplyForm {
        var version: RESPVersion
        /// `CLIENT REPLY` wants none.
        var isSilent = false
    }

    /// What `EXEC` has still to start.
    struct Execution {
        var requests: CircularBuffer<RESPRequest> = []
        var bytes = 0
        var isSilent = false
    }

    /// Answers that wait for a client who is no reason for others to be closed.
    static let heldBackBytes = 64 << 10
    /// Between two looks whether there is room again.
    static let roomInterval = TimeAmount.milliseconds(5)

    /// Commands started before other connections of the event loop have their turn.
    static let commandsPerTurnMax = 32
    /// Look-ups under way of a client that asks for more than that at once: those of several such clients take turns.
    static let pipelinedUnderWayMax = 4 * commandsPerTurnMax

    let environment: ServerEnvironment
    let lookupThreads: LookupThreads
    let logger: Logger
    /// TLS is spoken, whose keys this process alone has.
    let isSecure: Bool
    var session: Session

    var phase = Phase.open
    var context: ChannelHandlerContext?
    var port: CompletionPort?
    var decoder: RESPDecoder
    var input = ByteBuffer()
    var execution = Execution()
    var replies = ReplyQueue()
    /// The client has sent more than one turn's commands at once, and is not through with them; see
    /// `ConnectionHandler+Pipelining.swift`.
    var isPipelining = false
    /// Look-ups of this turn, to be answered together.
    var together: [PipelinedLookup] = []
    /// These, and those of turns before that are not answered yet.
    var pipelinedUnderWay = 0
    let output: ConnectionOutput
    /// A password is being checked; what comes behind it may depend on the answer.
    var isAuthenticating = false
    var isServing = false
    var isWaitingForRoom = false
    var isTurnScheduled = false
    /// The channel asked to read while the connection was paused.
    var isReadHeldBack = false
    var isInputClosed = false
    var isCutOff = false
    /// What the client goes on to send is of no use, but it may read nothing before it has sent all of it.
    var throwsInputAway = false
    var requestTimer: Scheduled<Void>?
    /// Runs while it is not known who the client is.
    var guestTimer: Scheduled<Void>?
    /// Connections to other daemons of the group, once one has been asked for this client.
    var peers: PeerLinks?
    /// Where the connection goes; see `ConnectionHandler+HandingOver.swift`.
    var basket: HandingBasket?

    init(
        session: Session, memory: ClientMemory, environment: ServerEnvironment,
        lookupThreads: LookupThreads, isSecure: Bool = false, logger: Logger
    ) {
        self.session = session
        self.isSecure = isSecure
        self.environment = environment
        self.lookupThreads = lookupThreads
        self.logger = logger
        decoder = RESPDecoder(
            limits: session.identity == nil ? environment.options.guestLimits : environment.options.limits)
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
        seeToGuest()
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
        guestTimer?.cancel()
        output.end()
        self.context = nil
    }

    /// A connection of another server may have sent a command that is not begun yet.
    func channelActive(context: ChannelHandlerContext) {
        if input.readableBytes > 0 { scheduleTurn() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .lingering
        port?.close()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open || phase == .handingOver else { return }
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
        if let handingOver = event as? HandOver {
            beginHandingOver(to: handingOver.basket)
        } else if event is Drain || isInputClosed, phase == .open {
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
