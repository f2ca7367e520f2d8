// RPC: the server on a Unix socket.
//
// Here live the listener and the socket's place, connections and their buffers, the registry that bounds them, the
// order of answers, and on which thread a look-up runs. Bytes come in from clients, answers go out in the order of the
// commands. What never comes in: what a command means, which is Commands', and what stands behind the service that it
// is given.

import Access
import Commands
public import Engine
import Foundation
import Locking
public import Logging
import NIOCore
import NIOPosix
import RESP
import TransportSecurity

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
    static let receiving = FixedSizeRecvByteBufferAllocator(capacity: readBytes)
    /// Bytes of answers that a channel is given before its socket has taken them; the rest waits where it is counted.
    private static let channelBytes = 128 << 10
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: channelBytes / 2, high: channelBytes)

    /// In which a client has to agree on TLS.
    private static let handshakeTimeout: Duration = .seconds(10)

    struct Running {
        let place: SocketPath
        let listener: any Channel
        /// Over TCP.
        var remote: (any Channel)?
        /// A copy of the listener's descriptor, for whoever takes over.
        let spare: CInt
        let eventLoops: MultiThreadedEventLoopGroup
        let lookupThreads: LookupThreads
    }

    private enum State {
        case idle, starting
        case running(Running)
        case stopped
    }

    /// What connections are served with; each has that of the time when it was opened.
    private let current: Lock<ServerEnvironment>
    private var environment: ServerEnvironment { current.withLock { $0 } }
    let logger: Logger
    private let state = Lock(State.idle)
    private let prepared = Lock<(MultiThreadedEventLoopGroup, LookupThreads)?>(nil)
    var registry: ConnectionRegistry { environment.registry }
    var peerTable: PeerLinkTable { environment.peers }

    public init(options: RPCServerOptions, service: any LookupService, logger: Logger) {
        self.logger = logger
        current = Lock(ServerEnvironment(service: service, options: options))
    }

    /// Takes over what may change while the server runs: the most connections at once, the bytes held for all of them and,
    /// for connections opened from here on, the longest request, the bytes held for one and the time-outs.
    /// The rest of `options` is passed over.
    public func change(to options: RPCServerOptions) {
        current.withLock { $0.change(to: options) }
        environment.registry.total.limit(to: options.totalBytesMax)
        environment.registry.limit(to: options.connectionsMax)
        limitConnections()
    }

    /// Closes the connections of those who could not come in any more as who they are.
    public func closeUnknown() {
        let access = environment.options.access
        let closed = registry.close { session in
            session.identity.map { !access.holds($0, session.peer) } ?? false
        }
        guard !closed.isEmpty else { return }
        logger.notice(
            "closed connections whose users have gone or have other roles",
            metadata: ["connections": "\(closed.count)"])
    }

    /// Connections and commands, as STATUS has them.
    public var status: [StatusField] { ServerCommands.ownFields(environment.commands) }

    /// Returns once the socket answers.
    ///
    /// A socket file that nobody answers on is replaced; anything else at the path is left alone.
    /// - Throws: `RPCServerError` naming the path and what to do.
    public func start() async throws(RPCServerError) {
        try begin()
        do throws(RPCServerError) {
            run(try await listen())
        } catch {
            end()
            throw error
        }
    }

    /// - Throws: where it was started already.
    func begin() throws(RPCServerError) {
        let isFirst = state.withLock { state in
            guard case .idle = state else { return false }
            state = .starting
            return true
        }
        guard isFirst else {
            throw RPCServerError(.wrongState, "RPC server on '\(path)' was already started: make a new one")
        }
    }

    func run(_ running: Running) {
        state.withLock { $0 = .running(running) }
        if let address { logger.notice("RPC listens over TCP", metadata: ["address": "\(address)"]) }
        logger.info("RPC listens", metadata: ["socket": "\(path)"])
    }

    /// Where it listens over TCP, `host:port`; `nil` where it does not.
    public var address: String? {
        state.withLock { state in
            guard case .running(let running) = state, let local = running.remote?.localAddress,
                let host = local.ipAddress, let port = local.port
            else { return nil }
            return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Where others reach it: over TCP, or else the path of its socket from the root.
    public var place: String { address ?? URL(filePath: path).path }

    /// It may be started again.
    func end() { state.withLock { $0 = .idle } }

    /// What runs is now the caller's; the server may be started again.
    func takeRunning() -> Running? {
        state.withLock { state -> Running? in
            guard case .running(let running) = state else { return nil }
            state = .idle
            return running
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
        try? await running.remote?.close()
        let open = environment.registry.beginDraining()
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ConnectionHandler.Drain()) }
        let cutOff = Task { [environment] in
            // Cancelled once all have gone by themselves.
            guard (try? await Task.sleep(for: grace)) != nil else { return }
            for channel in environment.registry.beginDraining() { channel.close(promise: nil) }
        }
        await environment.registry.waitUntilEmpty()
        cutOff.cancel()
        closeSpare(running.spare)
        running.place.release()
        await Self.stop(running.eventLoops, running.lookupThreads)
        logger.info("RPC stopped", metadata: ["socket": "\(path)", "connections": "\(open.count)"])
    }

    var path: String { environment.options.socketPath }

    private func listen() async throws(RPCServerError) -> Running {
        limitConnections()
        let (place, descriptor) = try SocketPath.claim(path)
        let (eventLoops, lookupThreads) = makeThreads()
        return try await listen(on: descriptor, at: place, eventLoops, lookupThreads)
    }

    /// Makes the threads that answer before the start: they begin with the priority of the thread that calls this, and
    /// whoever calls `start` may run on one that has learned.
    public func prepareThreads() {
        let threads = newThreads()
        prepared.withLock { $0 = threads }
    }

    func makeThreads() -> (MultiThreadedEventLoopGroup, LookupThreads) {
        prepared.withLock { $0.take() } ?? newThreads()
    }

    private func newThreads() -> (MultiThreadedEventLoopGroup, LookupThreads) {
        let options = environment.options
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, options.eventLoopThreads))
        for eventLoop in eventLoops.makeIterator() { eventLoop.execute { ThreadPriority.answerLookUps() } }
        return (eventLoops, LookupThreads(count: options.lookupThreads))
    }

    /// - Parameter descriptor: listens; taken over, whatever comes of it.
    func listen(
        on descriptor: CInt, at place: SocketPath, _ eventLoops: MultiThreadedEventLoopGroup,
        _ lookupThreads: LookupThreads
    ) async throws(RPCServerError) -> Running {
        let spare = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        do {
            let remote = try await listenOverTCP(eventLoops, lookupThreads)
            let listener = try await bootstrap(on: eventLoops, lookupThreads).withBoundSocket(descriptor)
                .get()
            return Running(
                place: place, listener: listener, remote: remote, spare: spare, eventLoops: eventLoops,
                lookupThreads: lookupThreads)
        } catch let error as RPCServerError {
            close(descriptor)
            closeSpare(spare)
            place.release()
            await Self.stop(eventLoops, lookupThreads)
            throw error
        } catch {
            close(descriptor)
            closeSpare(spare)
            place.release()
            await Self.stop(eventLoops, lookupThreads)
            throw RPCServerError(.system, "cannot listen on socket '\(path)': \(error)")
        }
    }

    private func listenOverTCP(
        _ eventLoops: MultiThreadedEventLoopGroup, _ lookupThreads: LookupThreads
    ) async throws(RPCServerError) -> (any Channel)? {
        guard let (host, port) = environment.options.listen else { return nil }
        do {
            return try await bootstrap(on: eventLoops, lookupThreads)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port).get()
        } catch {
            let why = (error as? IOError).map { UnixSocket.message($0.errnoCode) } ?? "\(error)"
            throw RPCServerError(.taken, "cannot listen on rpc.listen '\(host):\(port)': \(why)")
        }
    }

    private func closeSpare(_ descriptor: CInt) { if descriptor >= 0 { close(descriptor) } }

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
        on eventLoops: MultiThreadedEventLoopGroup, _ lookupThreads: LookupThreads
    ) -> ServerBootstrap {
        ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: 512)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // A feeder that sends thousands of events at once shares its event loop with look-ups: what is read in one
            // turn is what they wait for.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiving)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try setUp(channel, lookupThreads, nil) }
            }
    }

    /// Enters a new connection. On its event loop.
    ///
    /// - Parameter client: who it was on another server.
    func setUp(_ channel: any Channel, _ lookupThreads: LookupThreads, _ client: HandedClient?) throws {
        let environment = environment
        let peer = Self.peer(of: channel)
        let isSecure = try secure(channel, peer, environment.options)
        if case .address(let address) = peer, !isSecure, !environment.options.plainNetwork.contains(address) {
            environment.options.access.refused("connection", nil, peer, .noName)
            return try channel.pipeline.syncOperations.addHandler(
                RejectingHandler("NOPERM without TLS connections come from rpc.plain-networks alone"))
        }
        let (admitted, memory): (Session, ClientMemory)
        do throws(ConnectionRegistry.Refusal) {
            (admitted, memory) = try environment.registry.admit(
                channel, from: peer, environment.options.access)
        } catch {
            // To tell it over TLS would cost the agreement on it, which whoever is one too many shall not cause.
            guard !isSecure else { throw error }
            return try channel.pipeline.syncOperations.addHandler(RejectingHandler(error.description))
        }
        var session = admitted
        if let client {
            session.take(client.session, environment.options.access)
            environment.registry.update(session)
        }
        let id = session.id
        channel.closeFuture.whenComplete { _ in environment.registry.remove(id) }
        let handler = ConnectionHandler(
            session: session, memory: memory, environment: environment, lookupThreads: lookupThreads,
            isSecure: isSecure, logger: logger)
        if let client { handler.input = ByteBuffer(bytes: client.input) }
        if environment.options.idleTimeout > .zero {
            let idle = IdleStateHandler(allTimeout: TimeAmount(environment.options.idleTimeout))
            try channel.pipeline.syncOperations.addHandler(idle)
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Before anything is said, where it came over TCP and that is to be sealed.
    private func secure(_ channel: any Channel, _ peer: Peer, _ options: RPCServerOptions) throws -> Bool {
        guard case .address = peer, let security = options.security else { return false }
        let timeout = TimeAmount(min(options.requestTimeout, Self.handshakeTimeout))
        try security.secure(channel, within: timeout) { why in
            options.access.refused("connection", nil, peer, .handshake(why))
        }
        return true
    }

    private static func peer(of channel: any Channel) -> Peer {
        if let address = channel.remoteAddress?.ipAddress { return .address(address) }
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { Peer(unixSocket: $0) }
        return found ?? .unknown
    }

    static func stop(_ eventLoops: MultiThreadedEventLoopGroup, _ threads: LookupThreads) async {
        await threads.stop()
        // It only fails when stopped twice.
        try? await eventLoops.shutdownGracefully()
    }
}

/// Tells a client too many so, and closes.
private final class RejectingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let why: String

    init(_ why: String) { self.why = why }

    func channelActive(context: ChannelHandlerContext) {
        var answer = ByteBuffer()
        RESPEncoder(version: .two).encode(.error(why), into: &answer)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        context.close(promise: nil)
    }
}
