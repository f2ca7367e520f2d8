import Access
import Checkpoints
import Engine
import EventLog
import Events
import Foundation
import Logging
import RPC
import ServiceLifecycle
import Settings
import State
import UnixSignals

/// A daemon that answers as the state was at a moment of the log. It learns up to there in a folder of its own, which goes
/// with it; the state's folder, the log and its consumers see nothing of it, and may be in use meanwhile.
struct PastDaemon {
    private let scratch: ScratchFolder
    private let log: PastLog
    private let engine: Engine
    private let server: RPCServer
    private let logger: Logger

    /// - Parameter socket: where it answers.
    init(
        _ configuration: Configuration, at moment: LogMoment, socket: String, logger: Logger
    ) throws {
        self.logger = logger
        guard !configuration.cluster.enabled else {
            throw EventLogError(
                .invalid,
                "--as-of and cluster.enabled: true do not go together: what this daemon knows of items came from others too, at "
                    + "times that no log tells. Of the topic alone, --set cluster.enabled=false with an empty state.folder "
                    + "learns all of it")
        }
        let path = configuration.state.folder + "/log.sqlite"
        if configuration.source.kind == .embedded, !FileManager.default.fileExists(atPath: path) {
            throw EventLogError(
                .unreachable,
                "there is no embedded log at \(path); name its folder by --set state.folder=…, or a topic by "
                    + "--set source.kind=kafka")
        }
        scratch = try ScratchFolder()
        let opened = try configuration.openLog(logger: logger)
        do {
            let copy = scratch.path + "/state.sqlite"
            let start = try Self.start(configuration, until: moment.ends(in: opened), copy: copy)
            if start.isRestored {
                logger.notice("restored a checkpoint", metadata: ["positions": "\(start.positions)"])
            }
            log = try PastLog(
                opened, until: start.ends, from: start.positions,
                skipsGap: configuration.source.onGap == .skip)
            var options = configuration.engineOptions
            // What is learned here is for nobody else.
            options.checkpoints.interval = .seconds(1_000_000_000)
            options.checkpoints.eventsMax = .max
            let file = try StateFile(path: copy, identity: options.identity(source: opened.source))
            engine = try Engine(options: options, file: file, log: log, logger: logger)
        } catch {
            opened.close()
            throw error
        }
        let access = AccessControl(try configuration.accessRules(), logger: logger)
        var options = Daemon.rpcOptions(configuration, access, engine: engine)
        options.socketPath = socket
        // The folder's daemon has it.
        options.listen = nil
        server = RPCServer(options: options, service: engine, logger: logger)
    }

    private struct Start {
        var ends: [Int32: Int64]
        var positions: [Int32: Int64]
        var isRestored = false
    }

    /// The folder's checkpoint where it stands at the moment or before it, copied; else where its learning began.
    private static func start(
        _ configuration: Configuration, until ends: [Int32: Int64], copy: String
    ) throws -> Start {
        let state = configuration.state.folder + "/state.sqlite"
        guard let positions = try StateFile.positions(path: state) else {
            return Start(ends: ends, positions: [:])
        }
        if !positions.isEmpty, positions.allSatisfy({ $0.value <= ends[$0.key] ?? 0 }) {
            try StateFile.copy(state, to: copy)
            // The daemon may have moved on between the two.
            if let copied = try StateFile.positions(path: copy),
                copied.allSatisfy({ $0.value <= ends[$0.key] ?? 0 })
            {
                return Start(ends: ends, positions: copied, isRestored: true)
            }
            try FileManager.default.removeItem(atPath: copy)
        }
        var origins: [Int32: Int64] = [:]
        if case .blob(let memory)? = try StateFile.scalar("log.memory", path: state) {
            origins = (try? JSONDecoder().decode(LogMemory.self, from: memory))?.origins ?? [:]
        }
        return Start(ends: ends, positions: origins)
    }

    /// Learns up to the moment, answers then until SIGTERM, SIGINT or SIGQUIT. Nothing of it stays.
    func run() async throws {
        defer {
            log.close()
            scratch.remove()
        }
        logger.notice("learning the past", metadata: ["log": "\(log.name)"])
        let service = PastService(engine: engine, log: log, server: server, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint, .sigquit], logger: logger))
        try await group.run()
        logger.notice("stopped; nothing was changed")
    }
}

/// Learns the range, then answers. The engine is not stopped in order: that would write a checkpoint for nobody.
private struct PastService: Service {
    let engine: Engine
    let log: PastLog
    let server: RPCServer
    let logger: Logger

    func run() async throws {
        let (outcomes, continuation) = AsyncStream.makeStream(of: EventLogError?.self)
        engine.start { continuation.yield($0) }
        let awaited = log.range.filter { !$0.value.isEmpty }
        for (partition, range) in awaited {
            let last = Token(partition: partition, offset: range.upperBound - 1)
            engine.waitUntilLearned(last, timeout: .seconds(1_000_000)) { _ in continuation.yield(nil) }
        }
        let isLearned = try await withGracefulShutdownHandler {
            var left = awaited.count
            while left > 0 {
                var next = outcomes.makeAsyncIterator()
                guard let failure = await next.next() else { return false }
                if let failure { throw failure }
                left -= 1
            }
            return true
        } onGracefulShutdown: {
            continuation.finish()
        }
        guard isLearned else { return }
        let process = ProcessInfo.processInfo
        let readiness = Readiness(environment: process.environment)
        try await server.start()
        readiness.ready(process: process.processIdentifier)
        logger.notice("ready", metadata: ["log": "\(log.name)"])
        try await gracefulShutdown()
        readiness.stopping()
        await server.shutdown(grace: .seconds(5))
    }
}

/// A folder of this process alone.
private struct ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "freshet-as-of-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StateError(
                .unwritable, "'\(path)' cannot be created (\(error.localizedDescription)); set TMPDIR")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
