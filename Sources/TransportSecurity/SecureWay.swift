internal import NIOCore
internal import NIOPosix
internal import NIOTLS
public import RESP

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A blocking client's way to a daemon over TLS: the client has one end of a pair of sockets, and what it says there goes
/// on, sealed, to the daemon.
public struct SecureWay: ClientWay {
    private let security: ClientSecurity

    public init(_ security: ClientSecurity) { self.security = security }

    public func connect(to host: String, port: Int, timeout: Duration) throws(RPCClientError) -> CInt {
        var pair: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0 else {
            throw RPCClientError("cannot make a socket: \(String(cString: strerror(errno)))")
        }
        for descriptor in pair {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        do {
            try join(pair[1], host, port, TimeAmount(timeout))
            return pair[0]
        } catch {
            close(pair[0])
            throw RPCClientError("no TLS with \(host):\(port): \(Self.words(error))")
        }
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { words($0.error) } ?? "the name \(error.host) is not known"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "nobody answers"
        case ChannelError.alreadyClosed, ChannelError.ioOnClosedChannel:
            "the daemon closed the connection; it may want a certificate of the client (--certificate, --key)"
        default: TLSFailure.words(error)
        }
    }

    /// Returns once both have agreed on TLS.
    ///
    /// - Parameter far: taken over, whatever comes of it.
    private func join(_ far: CInt, _ host: String, _ port: Int, _ timeout: TimeAmount) throws {
        // NIO's from `glue` on: closed here too, its number might be another's by then.
        var isOurs = true
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let agreed = eventLoop.makePromise(of: Void.self)
        let late = eventLoop.scheduleTask(in: timeout) { agreed.fail(ChannelError.connectTimeout(timeout)) }
        defer { late.cancel() }
        do {
            let remote: any Channel
            do {
                remote = try ClientBootstrap(group: eventLoop).connectTimeout(timeout)
                    .channelOption(.socketOption(.tcp_nodelay), value: 1)
                    .channelOption(.autoRead, value: false)
                    .channelInitializer { [security] channel in
                        channel.eventLoop.makeCompletedFuture {
                            try security.secure(channel, to: host)
                            try channel.pipeline.syncOperations.addHandler(HandshakeWaiter(agreed))
                        }
                    }
                    .connect(host: host, port: port).wait()
            } catch {
                agreed.fail(error)
                throw error
            }
            do {
                try agreed.futureResult.wait()
            } catch {
                remote.close(promise: nil)
                throw error
            }
            isOurs = false
            try glue(far, to: remote, on: eventLoop)
        } catch {
            if isOurs { close(far) }
            throw error
        }
    }

    private func glue(_ far: CInt, to remote: any Channel, on eventLoop: any EventLoop) throws {
        let local = try ClientBootstrap(group: eventLoop).channelOption(.autoRead, value: false)
            .withConnectedSocket(far).wait()
        do {
            try eventLoop.submit {
                let (near, far) = (Passing(), Passing())
                near.partner = far
                far.partner = near
                try local.pipeline.syncOperations.addHandler(near)
                try remote.pipeline.syncOperations.addHandler(far)
                local.read()
                remote.read()
            }.wait()
        } catch {
            // The daemon may have closed meanwhile: that it wants a certificate it says once we think that all is agreed on.
            local.close(promise: nil)
            remote.close(promise: nil)
            throw error
        }
    }
}

/// Tells when both have agreed on TLS, or why not.
private final class HandshakeWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let agreed: EventLoopPromise<Void>

    init(_ agreed: EventLoopPromise<Void>) { self.agreed = agreed }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // The client has said nothing yet, so that all that comes is TLS's own.
        context.read()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            agreed.succeed()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        agreed.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { agreed.fail(ChannelError.eof) }
}

/// One of two channels of an event loop each of which gets what comes in at the other. What one cannot take is not read
/// from the other.
private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Both hold each other until one ends.
    var partner: Passing?
    private var context: ChannelHandlerContext?
    private var readIsHeldBack = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        readOn(context)
    }

    private func readOn(_ context: ChannelHandlerContext) {
        readIsHeldBack = partner?.context?.channel.isWritable == false
        if !readIsHeldBack { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, let other = partner, other.readIsHeldBack,
            let otherContext = other.context
        else { return }
        other.readOn(otherContext)
    }

    func channelInactive(context: ChannelHandlerContext) { endPartner() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
        endPartner()
    }

    /// Once it has taken what it was given.
    private func endPartner() {
        guard let other = partner?.context else { return }
        partner = nil
        other.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            other.close(promise: nil)
        }
    }
}
