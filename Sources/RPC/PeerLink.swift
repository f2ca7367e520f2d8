import Commands
import Logging
import NIOCore
import NIOPosix
import RESP
import TransportSecurity

/// How this daemon comes in at others of its group, over TCP; on a Unix socket it is known by its user id.
public struct PeerCredentials: Sendable, Equatable {
    public var user: String
    public var password: String

    public init(user: String, password: String) { (self.user, self.password) = (user, password) }
}

/// A connection to another daemon: commands go out in their order, and answers come back in the same order, as they are.
///
/// Confined to its event loop.
final class PeerLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    typealias Completion = (PeerAnswer) -> Void

    private struct Pending {
        var request: RESPRequest
        var completion: Completion
        var deadline: NIODeadline
    }

    /// Beyond what a command may wait for an event there.
    private static let patience = TimeAmount.seconds(10)
    private static let connectTimeout = TimeAmount.seconds(3)

    let address: String
    private let version: RESPVersion
    private let credentials: PeerCredentials?
    private let security: ClientSecurity?
    private let eventLoop: any EventLoop
    private let onEnd: (PeerLink) -> Void
    private var context: ChannelHandlerContext?
    private var scanner = RESPFrameScanner()
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    /// Sent, oldest first; and, until the other daemon has let this one in, not sent yet.
    private var sent: CircularBuffer<Pending> = []
    private var waiting: CircularBuffer<Pending> = []
    /// Answers of the greeting that are still to come.
    private var greetings = 0
    private var isOpen = false
    private var isFlushScheduled = false
    private var hasEnded = false
    private var timer: Scheduled<Void>?

    init(
        to address: String, _ version: RESPVersion, _ credentials: PeerCredentials?,
        _ security: ClientSecurity?, on eventLoop: any EventLoop,
        onEnd: @escaping (PeerLink) -> Void
    ) {
        (self.address, self.version, self.credentials) = (address, version, credentials)
        (self.security, self.eventLoop, self.onEnd) = (security, eventLoop, onEnd)
    }

    /// Commands that are not answered yet.
    var count: Int { sent.count + waiting.count }

    func connect() {
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(Self.connectTimeout)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let future: EventLoopFuture<any Channel>
        if address.hasPrefix("/") {
            future = bootstrap.channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }.connect(unixDomainSocketPath: address)
        } else {
            let (host, port) = Self.endpoint(of: address)
            future = bootstrap.channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelInitializer { [security] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try security?.secure(channel, to: host)
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }.connect(host: host, port: port)
        }
        future.assumeIsolated().whenFailure { error in self.end("\(error)") }
    }

    private static func endpoint(of address: String) -> (String, Int) {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        let host = parts.dropLast().joined(separator: ":").filter { $0 != "[" && $0 != "]" }
        return (host, parts.last.flatMap { Int($0) } ?? 0)
    }

    func send(_ forwarding: Forwarding, _ completion: @escaping Completion) {
        guard !hasEnded else { return completion(.none("the connection has ended")) }
        let wait = forwarding.wait.map { TimeAmount($0) } ?? .zero
        let pending = Pending(
            request: forwarding.request, completion: completion, deadline: .now() + wait + Self.patience)
        guard isOpen else { return waiting.append(pending) }
        write(pending)
    }

    private func write(_ pending: Pending) {
        pending.request.encode(into: &output)
        sent.append(pending)
        flushSoon()
    }

    /// What is sent in one turn of the event loop goes out in one write.
    private func flushSoon() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard let context, output.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        output = ByteBuffer()
    }

    // MARK: - The channel's events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        var hello = ["HELLO", "\(version.rawValue)"]
        if let credentials, !address.hasPrefix("/") {
            hello += ["AUTH", credentials.user, credentials.password]
        }
        RESPRequest(hello).encode(into: &output)
        RESPRequest(["CLUSTER", "LINK"]).encode(into: &output)
        greetings = 2
        flush()
        watch()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        do throws(RESPProtocolError) {
            while let frame = try scanner.next(from: &input) { take(frame) }
        } catch {
            end("\(error)")
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    private func take(_ frame: ByteBuffer) {
        guard greetings == 0 else { return takeGreeting(frame) }
        guard let first = sent.popFirst() else { return end("an answer came to no command") }
        first.completion(.frame(frame))
    }

    private func takeGreeting(_ frame: ByteBuffer) {
        greetings -= 1
        if frame.readableBytesView.first == UInt8(ascii: "-") {
            return end(String(buffer: frame).filter { !$0.isNewline })
        }
        guard greetings == 0 else { return }
        isOpen = true
        while let next = waiting.popFirst() { write(next) }
    }

    func channelInactive(context: ChannelHandlerContext) { end("the connection has ended") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end("\(error)") }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// One that answers nothing in time is given up, and with it all that waits for it.
    private func watch() {
        timer = eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            let now = NIODeadline.now()
            if let first = self.sent.first ?? self.waiting.first, first.deadline < now {
                self.end("it does not answer")
            } else {
                self.watch()
            }
        }
    }

    func end(_ why: String) {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.cancel()
        context?.close(promise: nil)
        onEnd(self)
        let left = Array(sent) + Array(waiting)
        (sent, waiting) = ([], [])
        for pending in left { pending.completion(.none(why)) }
    }
}

/// What came of a command that another daemon was to answer.
enum PeerAnswer {
    /// Its bytes, in the version that was asked for.
    case frame(ByteBuffer)
    /// Nothing; why.
    case none(String)

    /// Where it says that a third has it, the address.
    var movedTo: String? {
        guard case .frame(let frame) = self, frame.readableBytesView.starts(with: "-MOVED ".utf8) else {
            return nil
        }
        return String(buffer: frame).split(whereSeparator: \.isWhitespace).last.map(String.init)
    }
}
