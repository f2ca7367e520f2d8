// RPC: the server on a Unix socket.
//
// Here live the listener and the socket's place, connections and their buffers, the registry that bounds them, the
// order of answers, and on which thread a look-up runs. Bytes come in from clients, answers go out in the order of the
// commands. What never comes in: what a command means, which is Commands', and what stands behind the service that it
// is given.

import Commands
public import Engine
import Locking
public import Logging
import NIOCore
import NIOPosix
import RESP

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Serves look-ups and appends over RESP on a Unix socket of mode 0660.
///
/// Starts once and shuts down once.
public final class RPCServer: Sendable {
    /// Read from a connection in one turn of its event loop: some hundred short commands.
    private static let readBytes = 4096
    /// Bytes of answers that a channel is given before its socket has taken them; the rest waits where it is counted.
    private static let channelBytes = 128 << 10

    private struct Running {
        let place: SocketPath
        let listener: any Channel
        let eventLoops: MultiThreadedEventLoopGroup
        let lookupThreads: NIOThreadPool
    }

    private enum State {
        case idle, starting
        case running(Running)
        case stopped
    }

    /// What connections are served with; each has that of the time when it was opened.
    private let current: Lock<ServerEnvironment>
    private var environment: ServerEnvironment { current.withLock { $0 } }
    private let logger: Logger
    private let state = Lock(State.idle)

    public init(options: RPCServerOptions, service: any LookupService, logger: Logger) {
        self.logger = logger
        current = Lock(ServerEnvironment(service: service, options: options))
    }

    /// Takes over what may change while the server runs: the most connections at once, the bytes held for all of them and,
    /// for connections opened from here on, the password, the longest request, the bytes held for one and the time-outs.
    /// The rest of `options` is passed over.
    public func change(to options: RPCServerOptions) {
        current.withLock { $0.change(to: options) }
        environment.registry.total.limit(to: options.totalBytesMax)
        environment.registry.limit(to: options.connectionsMax)
        limitConnections()
    }

    /// Connections and commands, as STATUS has them.
    public var status: [StatusField] { ServerCommands.ownFields(environment.commands) }

    /// Returns once the socket answers.
    ///
    /// A socket file that nobody answers on is replaced; anything else at the path is left alone.
    /// - Throws: `RPCServerError` naming the path and what to do.
    public func start() async throws(RPCServerError) {
        let isFirst = state.withLock { state in
            guard case .idle = state else { return false }
            state = .starting
            return true
        }
        guard isFirst else {
            throw RPCServerError(.wrongState, "RPC server on '\(path)' was already started: make a new one")
        }
        do throws(RPCServerError) {
            let running = try await listen()
            state.withLock { $0 = .running(running) }
            logger.info("RPC listens", metadata: ["socket": "\(path)"])
        } catch {
            state.withLock { $0 = .idle }
            throw error
        }
    }

    /// Accepts nobody more, answers what is in flight, closes, and removes the socket file.
    ///
    /// - Parameter grace: how long to wait for answers under way and for clients to take them.
    public func shutdown(grace: Duration) async {
        let running = state.withLock { state -> Running? in
            guard case .running(let running) = state else { return nil }
            state = .stopped
            return running
        }
        guard let running else { return }
        try? await running.listener.close()
        let open = environment.registry.beginDraining()
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ConnectionHandler.Drain()) }
        let cutOff = Task { [environment] in
            // Cancelled once all have gone by themselves.
            guard (try? await Task.sleep(for: grace)) != nil else { return }
            for channel in environment.registry.beginDraining() { channel.close(promise: nil) }
        }
        await environment.registry.waitUntilEmpty()
        cutOff.cancel()
        running.place.release()
        await Self.stop(running.eventLoops, running.lookupThreads)
        logger.info("RPC stopped", metadata: ["socket": "\(path)", "connections": "\(open.count)"])
    }

    private var path: String { environment.options.socketPath }

    private func listen() async throws(RPCServerError) -> Running {
        let options = environment.options
        limitConnections()
        let (place, descriptor) = try SocketPath.claim(path)
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, options.eventLoopThreads))
        for eventLoop in eventLoops.makeIterator() { eventLoop.execute { ThreadPriority.answerLookUps() } }
        let lookupThreads = NIOThreadPool(numberOfThreads: max(1, options.lookupThreads))
        lookupThreads.start()
        do {
            let listener = try await bootstrap(on: eventLoops, lookupThreads).withBoundSocket(descriptor)
                .get()
            return Running(
                place: place, listener: listener, eventLoops: eventLoops, lookupThreads: lookupThreads)
        } catch {
            close(descriptor)
            place.release()
            await Self.stop(eventLoops, lookupThreads)
            throw RPCServerError(.system, "cannot listen on socket '\(path)': \(error)")
        }
    }

    /// One connection too many is told so as long as it can be accepted.
    private func limitConnections() {
        let wanted = environment.options.connectionsMax
        let fitting = DescriptorLimit.makeRoom(for: wanted)
        guard fitting < wanted else { return }
        environment.registry.limit(to: fitting)
        logger.warning(
            "the system lets this process have fewer connections than rpc.connections-max; raise its limit of open files (ulimit -n, LimitNOFILE)",
            metadata: [
                "rpc.connections-max": "\(wanted)", "connections": "\(fitting)",
                "open-files-wanted": "\(wanted + DescriptorLimit.reserved)",
            ])
    }

    private func bootstrap(
        on eventLoops: MultiThreadedEventLoopGroup, _ lookupThreads: NIOThreadPool
    ) -> ServerBootstrap {
        let (current, logger) = (current, logger)
        return ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: 512)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // A feeder that sends thousands of events at once shares its event loop with look-ups: what is read in one
            // turn is what they wait for.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
            )
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: Self.channelBytes / 2, high: Self.channelBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let environment = current.withLock { $0 }
                    let isAuthenticated = environment.options.password == nil
                    guard
                        let (session, memory) = environment.registry.admit(
                            channel, isAuthenticated: isAuthenticated)
                    else { return try channel.pipeline.syncOperations.addHandler(RejectingHandler()) }
                    channel.closeFuture.whenComplete { _ in environment.registry.remove(session.id) }
                    let handler = ConnectionHandler(
                        session: session, memory: memory, environment: environment,
                        lookupThreads: lookupThreads, logger: logger)
                    if environment.options.idleTimeout > .zero {
                        let idle = IdleStateHandler(allTimeout: TimeAmount(environment.options.idleTimeout))
                        try channel.pipeline.syncOperations.addHandler(idle)
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }

    private static func stop(_ eventLoops: MultiThreadedEventLoopGroup, _ threads: NIOThreadPool) async {
        // Both only fail when stopped twice.
        try? await threads.shutdownGracefully()
        try? await eventLoops.shutdownGracefully()
    }
}

/// Tells a client too many so, and closes.
private final class RejectingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        var answer = ByteBuffer()
        RESPEncoder(version: .two).encode(.error("ERR max number of clients reached"), into: &answer)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        context.close(promise: nil)
    }
}
