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
/// Two processes never write one file. The folder's lock is the old daemon's until its engine has stopped and its files are
/// closed, and before the new one holds that lock it opens neither the state nor the log, and writes into a copy that has a
/// name of its own.
struct TakingOver {
    /// How long the old daemon's last checkpoint may take.
    private static let lockPatience: Duration = .seconds(300)
    /// How long clients wait for what the old daemon had learned; then they are answered from what there is.
    private static let catchUpPatience: Duration = .seconds(60)

    private let configuration: Configuration
    private let logger: Logger
    private let wire: HandoverWire
    private let copy: String
    private let state: String

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
    }

    /// Takes everything over; `late` is open then. Blocks for as long as it takes.
    func takeOver(_ late: LateLog, _ open: (StateFile) throws -> Engine) throws -> Parts {
        var (file, engine) = try restore(late, open)
        let socket: HandedServer
        do {
            socket = try takeSocket()
        } catch {
            removeCopy()
            throw error
        }
        do {
            let lock = try takeLock()
            let learned = try StateFile.positions(path: state) ?? [:]
            if try isBehindRetention(file.path) {
                // The old daemon's log has let go of what was appended since; its last checkpoint has it.
                try file.close()
                removeCopy()
                file = try stateFile()
                engine = try open(file)
            } else {
                try engine.moveStateFile(to: state)
            }
            let log = try configuration.openLog(logger: logger)
            late.open(log)
            return Parts(lock: lock, log: log, engine: engine, socket: socket, learned: learned)
        } catch {
            socket.close()
            throw error
        }
    }

    /// Restores what the old daemon has just made durable; it learns and answers meanwhile.
    private func restore(_ late: LateLog, _ open: (StateFile) throws -> Engine) throws -> (StateFile, Engine)
    {
        try wire.send(.checkpoint)
        guard try wire.receive().kind == .checkpoint else { throw HandoverError.broken() }
        removeCopy()
        try StateFile.copy(state, to: copy)
        do {
            let file = try StateFile(
                path: copy, identity: configuration.engineOptions.identity(source: late.source))
            return (file, try open(file))
        } catch {
            removeCopy()
            throw error
        }
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
