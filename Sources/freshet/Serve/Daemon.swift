import Access
import Checkpoints
import ClusterLookUps
import ClusterMembers
import Engine
import EventLog
import Foundation
import Generations
import HTTPServer
import Instruments
import Locking
import Logging
import RESP
import RPC
import ServiceLifecycle
import Settings
import State
import UnixSignals

/// The parts of a running daemon, in the order in which they are made: lock, HTTP, log, state, engine, socket. They stop in
/// the reverse order, HTTP after the socket. HTTP comes early, so that a restore of minutes can be watched.
struct Daemon {
    private let lock: FolderLock
    let log: any EventLog
    let engine: Engine
    let server: RPCServer
    let http: HTTPServer
    let access: AccessControl
    let security: DaemonSecurity
    let logger: Logger
    private let origin: SocketOrigin
    private let folder: String
    /// Where others ask this daemon, as configured.
    private let address: String
    /// Of an engine that has been started.
    private let failures: AsyncStream<EventLogError>?

    /// Begins by itself.
    init(_ configuration: Configuration, logger: Logger) async throws {
        self.logger = logger
        failures = nil
        (folder, address) = (configuration.state.folder, configuration.cluster.address)
        access = AccessControl(try configuration.accessRules(), logger: logger)
        security = try DaemonSecurity(configuration, logger: logger)
        let process = ProcessInfo.processInfo
        origin = try SocketOrigin(
            configuration, environment: process.environment, process: process.processIdentifier)
        lock = try FolderLock(folder: configuration.state.folder)
        let metrics = MetricsRegistry()
        // The RPC's server is made last, and asked once it is there.
        let rpc = Lock<RPCServer?>(nil)
        http = HTTPServer(
            options: Self.httpOptions(configuration, access, security) { rpc.withLock { $0 }?.status ?? [] },
            registry: metrics,
            logger: logger)
        try await http.start()
        do {
            (log, engine) = try await Self.restore(configuration, metrics, logger)
        } catch {
            await http.shutdown(grace: .zero)
            throw error
        }
        let service = MeasuredLookups(engine, metrics: metrics)
        var options = Self.rpcOptions(configuration, access, security, engine: engine)
        options.peerCredentials = try configuration.clusterCredentials().map {
            PeerCredentials(user: $0.user, password: $0.password)
        }
        options.web = http.lookups
        let server = RPCServer(options: options, service: service, logger: logger)
        self.server = server
        rpc.withLock { $0 = server }
        if let directory = engine.directory {
            http.serve(
                RoutedLookups(service, directory), beside: directory,
                asking: configuration.cluster.forward ? server.peers : nil)
        } else {
            http.serve(service)
        }
    }

    /// Takes over from the daemon that runs in the folder: restores beside it, and goes on with its socket, its clients, its
    /// folder and its log. HTTP comes last here, for the other daemon has its address.
    init(takingOverBy configuration: Configuration, logger: Logger) async throws {
        guard !configuration.cluster.enabled else {
            throw EventLogError(
                .invalid,
                "--take-over and cluster.enabled: true do not go together: stop the old daemon and start the new one, for "
                    + "which its partitions wait session.timeout.ms")
        }
        self.logger = logger
        (folder, address) = (configuration.state.folder, configuration.cluster.address)
        access = AccessControl(try configuration.accessRules(), logger: logger)
        security = try DaemonSecurity(configuration, logger: logger)
        let metrics = MetricsRegistry()
        let late = LateLog(source: configuration.logSource)
        let takingOver = try TakingOver(configuration, logger: logger)
        let (access, security) = (access, security)
        let (parts, service, server, http) = try await Self.onThread {
            let parts = try takingOver.takeOver(late) { file in
                try Engine(
                    options: takingOver.engineOptions, file: file, log: late, logger: logger,
                    metrics: metrics)
            }
            let service = MeasuredLookups(parts.engine, metrics: metrics)
            let server = RPCServer(
                options: Self.rpcOptions(configuration, access, security, engine: parts.engine),
                service: service,
                logger: logger)
            let http = HTTPServer(
                options: Self.httpOptions(configuration, access, security) { server.status },
                registry: metrics,
                logger: logger)
            // This thread has never learned; those of others may have.
            server.prepareThreads()
            http.prepareThreads()
            return (parts, service, server, http)
        }
        (lock, log, engine) = (parts.lock, parts.log, parts.engine)
        (self.server, self.http, failures) = (server, http, parts.failures)
        origin = .handed(parts.socket, learned: parts.learned)
        try await http.start()
        http.serve(service)
    }

    /// For what takes long: whatever the number of cores, others are served meanwhile.
    private static func onThread<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer)
        async throws -> Answer
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Takes minutes of a large state, so it is done on a thread of its own: HTTP answers meanwhile, whatever the number of
    /// cores.
    private static func restore(
        _ configuration: Configuration, _ metrics: MetricsRegistry, _ logger: Logger
    ) async throws -> (any EventLog, Engine) {
        try await onThread { try open(configuration, metrics, logger) }
    }

    private static func open(
        _ configuration: Configuration, _ metrics: MetricsRegistry, _ logger: Logger
    ) throws -> (any EventLog, Engine) {
        let log = try configuration.openLog(as: configuration.groupInstance(), logger: logger)
        var options = configuration.engineOptions
        let path = configuration.state.folder + "/state.sqlite"
        do {
            try GenerationFolder(of: path).refuseEmptied()
            let identity = options.identity(source: log.source)
            let cluster = configuration.clusterTopics(of: log, logger: logger)
            if let cluster {
                options.cluster.beginning = ItemImages.begin(
                    at: path, identity: identity, cluster, logger: logger)
            }
            let file = try StateFile(
                path: path, identity: identity,
                beforeMigration: { [options] in keepBeforeMigration(path, options, logger) })
            return (
                log,
                try Engine(
                    options: options, file: file, log: log, logger: logger, metrics: metrics, cluster: cluster
                )
            )
        } catch {
            log.close()
            throw WayBack.said(error, of: path)
        }
    }

    /// The state as the earlier version left it. Where that cannot be copied, the upgrade goes on: it is one transaction.
    private static func keepBeforeMigration(_ path: String, _ options: EngineOptions, _ logger: Logger) {
        guard options.generations.count > 0 else { return }
        do throws(StateError) {
            guard let made = try GenerationFolder(of: path).make() else { return }
            logger.notice(
                "the state is changed to this version; copied before", metadata: ["name": "\(made.name)"])
        } catch {
            logger.warning(
                "the state is changed to this version, and could not be copied before",
                metadata: ["error": "\(error)"])
        }
    }

    static func httpOptions(
        _ configuration: Configuration, _ access: AccessControl, _ security: DaemonSecurity,
        otherStatus: @escaping @Sendable () -> [StatusField]
    ) -> HTTPServerOptions {
        var options = HTTPServerOptions()
        options.listen = HTTPServerOptions.Listen(configuration.http.listen) ?? .auto
        options.socketPath = configuration.http.socket.isEmpty ? nil : configuration.http.socket
        options.security = security.http
        options.token = configuration.http.token.isEmpty ? nil : configuration.http.token
        options.access = access
        options.readyLagMax = configuration.http.readyLagMax
        options.connectionsMax = configuration.http.connectionsMax
        options.requestBytesMax = configuration.http.requestBytesMax
        options.version = Freshet.version
        options.curvesPath = configuration.state.folder + "/curves.json"
        options.otherStatus = otherStatus
        return options
    }

    static func rpcOptions(
        _ configuration: Configuration, _ access: AccessControl, _ security: DaemonSecurity? = nil,
        engine: Engine
    ) -> RPCServerOptions {
        var options = RPCServerOptions(socketPath: configuration.socketPath)
        options.events = configuration.events.options
        options.access = access
        options.listen = Configuration.RPC.address(configuration.rpc.listen)
        (options.security, options.peerSecurity) = (security?.rpc, security?.peers)
        options.plainNetwork = configuration.rpc.plainNetworks
        options.connectionsMax = configuration.rpc.connectionsMax
        options.limits.requestBytesMax = configuration.rpc.requestBytesMax
        options.limits.bulkBytesMax = configuration.rpc.requestBytesMax
        options.clientBytesMax = configuration.rpc.clientBytesMax
        options.totalBytesMax = configuration.rpc.totalBytesMax
        options.answerTimeout = .seconds(configuration.rpc.answerTimeoutSeconds)
        options.idleTimeout = .seconds(configuration.rpc.idleTimeoutSeconds)
        options.eventLoopThreads = configuration.rpc.threads
        options.version = Freshet.version
        (options.cluster, options.forwards) = (engine.directory, configuration.cluster.forward)
        // A scan of a million numbers takes some 16 microseconds, a thread to do it about as long to wake.
        let (shortRows, mediumRows) = (
            2_000_000 / configuration.engine.factors, 8_000_000 / configuration.engine.factors
        )
        options.lookupLength = {
            let rows = engine.itemCount
            return rows <= shortRows ? .short : rows <= mediumRows ? .medium : .long
        }
        return options
    }

    /// Runs until SIGTERM, SIGINT or SIGQUIT, or until the log needs a person or another process.
    func run(signals: DaemonSignals, reloading: Reloading) async throws {
        defer {
            log.close()
            // While the folder is still this daemon's.
            HandoverPlace.remove(from: folder)
            withExtendedLifetime(lock) {}
        }
        let (listening, started) = AsyncStream.makeStream(of: Never.self)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: EngineService(engine: engine, listening: listening, running: failures),
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: HTTPService(server: http)),
                    .init(
                        service: RPCService(
                            server: server, engine: engine, origin: origin, folder: folder, address: address,
                            started: started,
                            reloads: signals.reloads, reloading: reloading, logger: logger)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint, .sigquit], logger: logger))
        try await group.run()
        logger.notice("stopped; the state is durable")
    }
}

/// Learns until told to stop, then makes the state durable.
private struct EngineService: Service {
    let engine: Engine
    /// Ends once the server listens, or cannot.
    let listening: AsyncStream<Never>
    /// Of an engine that has been started.
    let running: AsyncStream<EventLogError>?

    func run() async throws {
        // A thread begins with the priority of the one that makes it, and those that answer must not begin with that of
        // those that learn.
        for await _ in listening {}
        let (failures, continuation) = AsyncStream.makeStream(of: EventLogError.self)
        let passing = running.map { running in
            Task { for await failure in running { continuation.yield(failure) } }
        }
        if running == nil { engine.start { continuation.yield($0) } }
        let failure = await withGracefulShutdownHandler {
            await failures.first { _ in true }
        } onGracefulShutdown: {
            continuation.finish()
        }
        passing?.cancel()
        // Blocks one thread for as long as the last checkpoint takes; nothing else is left to run.
        do {
            try engine.stop()
        } catch {
            // What came first says why: who may commit nothing any more cannot make the last of it durable either.
            if let failure { throw failure }
            throw error
        }
        if let failure { throw failure }
    }
}

/// HTTP was there before all others; here it ends.
private struct HTTPService: Service {
    let server: HTTPServer

    func run() async throws {
        try? await gracefulShutdown()
        await server.shutdown(grace: .seconds(5))
    }
}

/// Answers until told to stop, then answers what is in flight. Reads the configuration again whenever that is wished.
private struct RPCService: Service {
    let server: RPCServer
    let engine: Engine
    let origin: SocketOrigin
    let folder: String
    let address: String
    let started: AsyncStream<Never>.Continuation
    let reloads: AsyncStream<Void>
    let reloading: Reloading
    let logger: Logger

    func run() async throws {
        let process = ProcessInfo.processInfo
        let readiness = Readiness(environment: process.environment)
        defer { started.finish() }
        switch origin {
        case .own: try await server.start()
        case .inherited(let listener):
            try await server.start(with: HandedServer(listener: listener, lock: nil))
        case .handed(let handed, let learned):
            try await server.start(with: handed) {
                started.finish()
                await TakingOver.catchUp(engine, to: learned, logger)
            }
        }
        // Known by now, where the system chose the port.
        engine.answers(at: address.isEmpty ? server.place : address)
        started.finish()
        readiness.ready(process: process.processIdentifier)
        let watchdog = Watchdog(
            engine, readiness, environment: process.environment, process: process.processIdentifier)
        let handover = HandoverListener(in: folder, server, engine, logger)
        defer {
            watchdog?.stop()
            withExtendedLifetime(handover) {}
        }
        logger.notice("ready")
        for await _ in reloads.cancelOnGracefulShutdown() {
            readiness.reloading()
            reloading.reload()
            readiness.ready(process: process.processIdentifier)
        }
        readiness.stopping()
        await server.shutdown(grace: .seconds(5))
    }
}
