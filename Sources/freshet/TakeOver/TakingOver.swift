import Checkpoints
import EmbeddedEventLog
import Engine
import EventLog
import Events
import Foundation
import Logging
import LookUps
import RPC
import Settings
import State

#if canImport(Glibc)
    import Glibc
#endif

/// The new daemon's side: restores beside the old one, and takes socket, connections, folder and log over from it.
///
/// Between the two it learns beside the old one what is appended meanwhile, until it is level: so clients need not wait for it.
///
/// Two processes never write one file. The folder's lock is the old daemon's until its engine has stopped and its files are
/// closed. Before the new one holds that lock it does not open the state, reads the log and appends nothing to it, and writes
/// into a copy that has a name of its own.
struct TakingOver {
    /// How long the old daemon's last checkpoint may take.
    private static let lockPatience: Duration = .seconds(300)
    /// From the question for its checkpoint; after five minutes of silence the old daemon takes nobody to be there any more.
    private static let followPatience: Duration = .seconds(240)
    /// A pass over what was appended during the one before that takes no longer leaves that little unlearned.
    private static let levelPass: Duration = .seconds(2)
    private static let passesMin = 2
    /// How long clients wait for what the old daemon had learned; then they are answered from what there is.
    private static let catchUpPatience: Duration = .seconds(60)

    private let configuration: Configuration
    private let logger: Logger
    private let wire: HandoverWire
    private let copy: String
    private let state: String
    private let failures = AsyncStream.makeStream(of: EventLogError.self)

    init(_ configuration: Configuration, logger: Logger) throws(HandoverError) {
        (self.configuration, self.logger) = (configuration, logger)
        state = configuration.state.folder + "/state.sqlite"
        copy = configuration.state.folder + "/state.take-over.sqlite"
        wire = try HandoverPlace.connect(in: configuration.state.folder)
    }

    /// What a daemon has once it has taken over.
    struct Parts: Sendable {
        var lock: FolderLock
        var log: any EventLog
        var engine: Engine
        var socket: HandedServer
        /// Next offsets of the old daemon.
        var learned: [Int32: Int64]
        /// Of the log, where the engine has been started.
        var failures: AsyncStream<EventLogError>?
    }

    /// For an engine that learns beside the old daemon: it makes nothing durable by itself.
    var engineOptions: EngineOptions {
        var options = configuration.engineOptions
        guard canFollow else { return options }
        options.checkpoints.interval = .seconds(1_000_000_000)
        options.checkpoints.eventsMax = .max
        return options
    }

    /// With a limit on memory learning waits for checkpoints, which there are none of beside the old daemon.
    private var canFollow: Bool { configuration.memory.limit == 0 }

    /// Takes everything over; `late` is open then. Blocks for as long as it takes.
    func takeOver(_ late: LateLog, _ open: (StateFile) throws -> Engine) throws -> Parts {
        let asked = ContinuousClock.now
        var restored = try restore(late, open)
        let socket: HandedServer
        do {
            if canFollow { try follow(late, &restored, until: asked + Self.followPatience) }
            socket = try takeSocket()
        } catch {
            removeCopy()
            throw error
        }
        do {
            let lock = try takeLock()
            let learned = try StateFile.positions(path: state) ?? [:]
            let log = try configuration.openLog(as: configuration.groupInstance(), logger: logger)
            late.open(log, learned: learned)
            if try isLost(restored) {
                // The old daemon's log has let go of what was appended since; its last checkpoint has it.
                if restored.isStarted { try restored.engine.stop() } else { try restored.file.close() }
                removeCopy()
                let file = try stateFile()
                restored = Restored(file: file, engine: try open(file), partitions: [])
            } else {
                try restored.engine.moveStateFile(to: state)
            }
            restored.engine.change(to: configuration.engineOptions)
            // The file stands where the copy was made; what was learned beside the old daemon is durable soon.
            if restored.isStarted { restored.engine.checkpoint { _ in } }
            return Parts(
                lock: lock, log: log, engine: restored.engine, socket: socket, learned: learned,
                failures: restored.isStarted ? failures.stream : nil)
        } catch {
            socket.close()
            throw error
        }
    }

    /// What learns here, from a copy of the old daemon's state.
    private struct Restored {
        var file: StateFile
        var engine: Engine
        /// That the old daemon learns; none where it does not say.
        var partitions: Set<Int32>
        /// Whether it learns already.
        var isStarted = false
    }

    /// Whether the copy stands before what the log holds. Where the engine has come further beside the old daemon, the copy is
    /// brought there.
    private func isLost(_ restored: Restored) throws -> Bool {
        guard try isBehindRetention(restored.file.path) else { return false }
        guard restored.isStarted else { return true }
        let written = DispatchSemaphore(value: 0)
        restored.engine.checkpoint { _ in written.signal() }
        written.wait()
        return try isBehindRetention(restored.file.path)
    }

    // MARK: - Beside the old daemon

    /// Learns what the old daemon learns, until it is as far as that one is.
    private func follow(
        _ late: LateLog, _ restored: inout Restored, until deadline: ContinuousClock.Instant
    ) throws(HandoverError) {
        guard !restored.partitions.isEmpty else { return }
        let configuration = configuration
        // Opened many times; what is wrong comes as an error.
        let quiet = Logger(label: "freshet", factory: { _ in SwiftLogNoOpLogHandler() })
        late.follow(restored.partitions) { () throws(EventLogError) in
            try configuration.openLog(logger: quiet)
        }
        let failures = failures.continuation
        restored.engine.start(beside: true) { failures.yield($0) }
        restored.isStarted = true
        let start = ContinuousClock.now
        while ContinuousClock.now < deadline {
            let progress = late.progress
            if let failure = progress.failure {
                logger.warning(
                    "the log cannot be followed beside the old daemon; taking over as it is",
                    metadata: ["error": "\(failure)"])
                return
            }
            if progress.passes >= Self.passesMin, progress.lastPass < Self.levelPass {
                logger.notice(
                    "level with the old daemon",
                    metadata: ["s": "\(Int(start.duration(to: .now) / .seconds(1)))"])
                // What it has to make durable at its end, while clients wait, is what comes from here on.
                try requestCheckpoint()
                return
            }
            usleep(10_000)
        }
        logger.notice("not level with the old daemon yet; taking over all the same")
    }

    /// Restores what the old daemon has just made durable; it learns and answers meanwhile.
    private func restore(_ late: LateLog, _ open: (StateFile) throws -> Engine) throws -> Restored {
        let partitions = try requestCheckpoint()
        removeCopy()
        try StateFile.copy(state, to: copy)
        do {
            let file = try StateFile(
                path: copy, identity: configuration.engineOptions.identity(source: late.source))
            return Restored(file: file, engine: try open(file), partitions: partitions)
        } catch {
            removeCopy()
            throw error
        }
    }

    /// - Returns: partitions that the old daemon learns.
    @discardableResult
    private func requestCheckpoint() throws(HandoverError) -> Set<Int32> {
        try wire.send(.checkpoint)
        let answer = try wire.receive()
        guard answer.kind == .checkpoint else { throw HandoverError.broken() }
        return LearnedPartitions(answer.payload).partitions
    }

    /// From here on clients wait for this daemon, and the old one stops.
    private func takeSocket() throws(HandoverError) -> HandedServer {
        try wire.send(.take)
        let handed = try HandedServer.receive(over: wire)
        logger.notice("taken over", metadata: ["connections": "\(handed.connections.count)"])
        return handed
    }

    private func stateFile() throws -> StateFile {
        try StateFile(
            path: state, identity: configuration.engineOptions.identity(source: configuration.logSource))
    }

    /// Whether an embedded log no longer holds what comes after the copy. A topic keeps its records whoever has read them.
    private func isBehindRetention(_ copy: String) throws -> Bool {
        guard configuration.source.kind == .embedded, configuration.source.embedded.retainEvents > 0,
            let position = try StateFile.positions(path: copy)?[0]
        else { return false }
        return try EmbeddedInspection(path: configuration.state.folder + "/log.sqlite").earliest > position
    }

    private func takeLock() throws -> FolderLock {
        let deadline = ContinuousClock.now + Self.lockPatience
        while true {
            let lock = Result { () throws(StateError) in try FolderLock(folder: configuration.state.folder) }
            if case .failure(let error) = lock, error.code == .locked, ContinuousClock.now < deadline {
                usleep(5_000)
            } else {
                return try lock.get()
            }
        }
    }

    /// Returns once everything is learned that the old daemon had.
    static func catchUp(_ engine: Engine, to learned: [Int32: Int64], _ logger: Logger) async {
        let start = ContinuousClock.now
        for (partition, offset) in learned.sorted(by: { $0.key < $1.key }) where offset > 0 {
            let token = Token(partition: partition, offset: offset - 1)
            let isLearned = await withCheckedContinuation { continuation in
                engine.waitUntilLearned(token, timeout: catchUpPatience) { result in
                    continuation.resume(returning: (try? result.get()) != nil)
                }
            }
            if !isLearned {
                logger.warning(
                    "not caught up with the old daemon yet; answering all the same",
                    metadata: ["partition": "\(partition)", "offset": "\(offset)"])
            }
        }
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        logger.info("caught up with the old daemon", metadata: ["ms": "\(milliseconds)"])
    }

    /// Where taking over has failed.
    private func removeCopy() {
        for suffix in ["", "-wal", "-shm"] { unlink(copy + suffix) }
    }
}
