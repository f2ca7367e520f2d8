import Commands
import Locking
import Logging
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension RPCServer {
    /// Between two looks whether all connections are quiet.
    private static let step: Duration = .milliseconds(2)

    /// Stops answering, and gives socket and connections away without a client's noticing: every command that was begun is
    /// answered, and every other one waits for whoever takes over.
    ///
    /// The server may be started again with what it gave.
    ///
    /// - Parameter grace: how long to wait for connections that are not quiet, say amid a transaction; they are then closed.
    /// - Returns: `nil` where it does not run.
    public func handOver(grace: Duration) async -> HandedServer? {
        guard let running = takeRunning() else { return nil }
        // The copy listens on; a client that connects meanwhile waits in the socket's queue. First the listener accepts no
        // more, and what it accepted goes to its event loop, back to the listener's, and to its own again: NIO closes those
        // of which it learns that they are set up when the listener has closed.
        for listener in [running.listener, running.remote].compactMap({ $0 }) {
            try? await listener.setOption(.autoRead, value: false).get()
        }
        for _ in 0..<3 {
            for eventLoop in running.eventLoops.makeIterator() { try? await eventLoop.submit {}.get() }
        }
        try? await running.listener.close()
        // Its address is for whoever takes over to listen on; whoever connects meanwhile is refused by the system.
        try? await running.remote?.close()
        let basket = HandingBasket()
        let deadline = ContinuousClock.now + grace
        // Again and again: the last that were accepted may not have been entered yet.
        repeat {
            for channel in registry.channels {
                channel.pipeline.fireUserInboundEventTriggered(ConnectionHandler.HandOver(basket: basket))
            }
            try? await Task.sleep(for: Self.step)
        } while !registry.isEmpty && ContinuousClock.now < deadline
        let late = registry.channels
        for channel in late { channel.close(promise: nil) }
        await registry.waitUntilEmpty()
        await Self.stop(running.eventLoops, running.lookupThreads)
        let handed = HandedServer(
            listener: running.spare, lock: running.place.lock, connections: basket.connections)
        logger.info(
            "RPC handed over",
            metadata: ["connections": "\(handed.connections.count)", "cut-off": "\(late.count)"])
        return handed
    }

    /// Starts on a socket and connections that another server had.
    ///
    /// - Parameters:
    ///   - handed: taken over, whatever comes of it.
    ///   - isReady: returns once there is something to answer from; clients wait meanwhile. Called when the threads that
    ///     answer are there.
    public func start(
        with handed: HandedServer, isReady: () async -> Void = {}
    ) async throws(RPCServerError) {
        try begin()
        let (eventLoops, lookupThreads) = makeThreads()
        await isReady()
        do throws(RPCServerError) {
            let place = try adoptPlace(handed)
            let running = try await listen(on: handed.listener, at: place, eventLoops, lookupThreads)
            for connection in handed.connections { await adopt(connection, running) }
            run(running)
        } catch {
            handed.closeConnections()
            await Self.stop(eventLoops, lookupThreads)
            end()
            throw error
        }
    }

    private func adoptPlace(_ handed: HandedServer) throws(RPCServerError) -> SocketPath {
        do throws(RPCServerError) {
            return try SocketPath(adopting: handed.lock, at: path)
        } catch {
            HandedServer(listener: handed.listener, lock: handed.lock).close()
            throw error
        }
    }

    /// Whether a descriptor that somebody passed listens at a path.
    ///
    /// - Throws: what it is instead.
    public static func check(inherited descriptor: CInt, at path: String) throws(RPCServerError) {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        var (isListening, size): (CInt, socklen_t) = (0, socklen_t(MemoryLayout<CInt>.size))
        guard isNamed == 0, address.sun_family == sa_family_t(AF_UNIX),
            getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0, isListening == 1
        else {
            throw RPCServerError(
                .system, "LISTEN_FDS names no Unix socket that listens: use ListenStream=\(path)")
        }
        let found = withUnsafeBytes(of: address.sun_path) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard found == path else {
            throw RPCServerError(
                .taken, "systemd listens at '\(found)', and rpc.socket is '\(path)': make them one")
        }
    }

    private func adopt(_ connection: HandedServer.Connection, _ running: Running) async {
        guard let client = HandedClient(connection.record) else { return }
        let lookupThreads = running.lookupThreads
        do {
            _ = try await ClientBootstrap(group: running.eventLoops)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.recvAllocator, value: Self.receiving)
                .channelOption(.writeBufferWaterMark, value: Self.waterMark)
                .channelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture { try setUp(channel, lookupThreads, client) }
                }
                .withConnectedSocket(connection.descriptor).get()
        } catch {
            logger.warning("a connection could not be taken over", metadata: ["error": "\(error)"])
        }
    }
}
