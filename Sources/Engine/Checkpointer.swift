internal import Checkpoints
internal import Dispatch
internal import EventLog
internal import Factors
internal import Foundation
internal import Locking
internal import Logging
internal import SQLiteFiles
internal import State
internal import StreamLearning

/// Writes deltas to the state file on a queue of its own, one at a time.
///
/// The order is what makes a kill harmless at any moment: dead letters first, then state and positions in one
/// transaction, and only then the log is told.
final class Checkpointer: Sendable {
    struct Report: Sendable {
        var written = 0
        var failed = 0
        var lastError: String?
        var lastRows = 0
        var lastDuration: Duration = .zero
        /// For how long learning stood still for it.
        var lastPause: Duration = .zero
        var lastAt: ContinuousClock.Instant?
        /// What is wrong with the state's file itself, while it is.
        var fileError: String?
        var isClosed = false
    }

    /// Between two looks at the files.
    private static let upkeepInterval = DispatchTimeInterval.seconds(2)
    /// Rows of a checkpoint after which the allocator is asked to give back what is free.
    private static let rowsWorthTrimming = 250_000

    let file: StateFile
    private let log: any EventLog
    private let stages: StageTimes
    private let logger: Logger
    private let queue = DispatchQueue(label: "freshet.checkpoint", qos: .utility)
    /// What `queue` has written: it gives way to learning, which Dispatch's threads could not take back.
    private let writer = SerialThread(name: "freshet-checkpoint", prepare: ThreadPriority.writeCheckpoints)
    /// Who asks the allocator for memory waits while free pages are given back: that must not give way to anybody.
    private let trimmer = SerialThread(name: "freshet-trim", prepare: {})
    private let latest = Lock(Report())
    /// What is being written.
    private let frozen = Lock<FrozenState?>(nil)
    // Unsafe only in name: Dispatch guards its sources, and this field is never changed.
    nonisolated(unsafe) private let upkeepTimer: any DispatchSourceTimer

    init(file: StateFile, log: any EventLog, stages: StageTimes, logger: Logger) {
        self.file = file
        self.log = log
        self.stages = stages
        self.logger = logger
        upkeepTimer = DispatchSource.makeTimerSource(queue: queue)
        upkeepTimer.schedule(
            deadline: .now() + Self.upkeepInterval, repeating: Self.upkeepInterval, leeway: .milliseconds(500)
        )
        upkeepTimer.setEventHandler { [weak self] in self?.upkeep(always: false) }
        upkeepTimer.activate()
    }

    deinit { upkeepTimer.cancel() }

    var report: Report { latest.withLock { $0 } }

    /// Bytes of what is being written, beside the live state. From any thread.
    var heldBytes: Int { frozen.withLock { $0 }?.bytes ?? 0 }

    /// Gives free memory back to the system, and then calls back.
    func trimHeap(_ completion: @escaping @Sendable () -> Void) {
        trimmer.async {
            Heap.trim()
            completion()
        }
    }

    /// Lets go of what a checkpoint held, and has the allocator give that back where it may be much: pages, SQLite's cache and
    /// what was kept of users come to hundreds of megabytes after a backlog, in small blocks.
    func release(_ thawed: consuming ThawedState) {
        let held = Lock<ThawedState?>(thawed)
        let isMuch = report.lastRows > Self.rowsWorthTrimming
        trimmer.async {
            held.withLock { $0 = nil }
            if isMuch { Heap.trim() }
        }
    }

    /// Calls back, on the writer's thread, with room for what is copied aside.
    func makeRoom(_ numbers: [Int], _ completion: @escaping @Sendable (CopyRoom) -> Void) {
        writer.async { completion(CopyRoom(numbers: numbers)) }
    }

    /// Calls back, on the writer's thread, with how long it took, once the state is durable or could not be made so.
    ///
    /// - Parameters:
    ///   - pause: for how long learning stood still.
    ///   - isLast: the daemon stops after it.
    ///   - before: what has to be durable before the file is, made of all that goes into it.
    func write(
        _ frozen: FrozenState, pause: Duration, isLast: Bool = false,
        before: (@Sendable (StateDelta, [StateDelta]) throws(StateError) -> Void)? = nil,
        completion: @escaping @Sendable (Result<Duration, StateError>) -> Void
    ) {
        self.frozen.withLock { $0 = frozen }
        queue.async { [self] in
            writer.sync { [self] in
                writeNow(frozen, pause: pause, isLast: isLast, before: before, completion: completion)
            }
        }
    }

    private func writeNow(
        _ frozen: FrozenState, pause: Duration, isLast: Bool,
        before: ((StateDelta, [StateDelta]) throws(StateError) -> Void)?,
        completion: (Result<Duration, StateError>) -> Void
    ) {
        defer { self.frozen.withLock { $0 = nil } }
        let clock = ContinuousClock()
        let start = clock.now
        do throws(StateError) {
            try flushDeadLetters(isLast: isLast)
            let nextPage = try pages(of: frozen, before)
            let written = try stages.measure(.write) { () throws(StateError) in
                try file.write(frozen.head, then: nextPage)
            }
            let duration = start.duration(to: clock.now)
            latest.withLock {
                $0.written += 1
                $0.lastError = nil
                $0.lastRows = written.rows
                $0.lastDuration = duration
                $0.lastPause = pause
                $0.lastAt = clock.now
            }
            logger.info(
                "checkpoint written",
                metadata: [
                    "positions": "\(positionsText(frozen.head.positions))",
                    "events": "\(frozen.head.eventsApplied)", "rows": "\(written.rows)",
                    "ms": "\(Int(duration.milliseconds))",
                    "pause-us": "\(Int(pause.milliseconds * 1000))",
                ])
            self.frozen.withLock { $0 = nil }
            completion(.success(duration))
            upkeep(always: true)
        } catch {
            latest.withLock {
                $0.failed += 1
                $0.lastError = error.message
            }
            logger.error(
                "checkpoint failed; nothing is lost, the next one tries again",
                metadata: ["error": "\(error)"])
            completion(.failure(error))
        }
    }

    /// One by one as they are written, or all of them at once where something comes before.
    private func pages(
        of frozen: FrozenState, _ before: ((StateDelta, [StateDelta]) throws(StateError) -> Void)?
    ) throws(StateError) -> () -> StateDelta? {
        guard let before else { return frozen.nextPage }
        var pages: [StateDelta] = []
        while let page = frozen.nextPage() { pages.append(page) }
        try before(frozen.head, pages)
        var next = 0
        return {
            defer { next += 1 }
            return next < pages.count ? pages[next] : nil
        }
    }

    /// Keeps the files of state and log within their bounds, and looks whether they are still there. Runs on `queue`.
    private func upkeep(always: Bool) {
        if latest.withLock({ $0.isClosed }) { return }
        log.upkeep(always: always)
        do throws(StateError) {
            let notice = try file.keepWithinBounds(always: always)
            noteFile(nil)
            switch notice {
            case .grows(let reader, let bytes):
                logger.warning(
                    "the state's -wal file grows, because another program reads; end that transaction",
                    metadata: ["path": "\(file.path)", "reader": "\(reader)", "wal-bytes": "\(bytes)"])
            case .shrank(let bytes):
                logger.notice(
                    "the state's -wal file is within its bound again", metadata: ["wal-bytes": "\(bytes)"])
            case nil: break
            }
        } catch {
            noteFile(error)
        }
    }

    /// Logged when it begins and when it ends, not at every look.
    private func noteFile(_ error: StateError?) {
        let before = latest.withLock { report in
            defer { report.fileError = error?.message }
            return report.fileError
        }
        guard before != error?.message else { return }
        if let error {
            logger.error("the state's file is not as it should be", metadata: ["error": "\(error)"])
        } else {
            logger.notice("the state's file is as it should be again", metadata: ["path": "\(file.path)"])
        }
    }

    /// Behind the writes that wait, and with no look at the files meanwhile.
    func moveFile(to path: String) throws(StateError) {
        let outcome: Result<Void, StateError> = queue.sync {
            Result { () throws(StateError) in try file.move(to: path) }
        }
        try outcome.get()
    }

    /// How long the write-ahead log is, and who keeps it from being folded in.
    var storage: DatabaseStorage { file.storage }

    /// Of the state's file.
    var path: String { file.path }

    /// Length of the state's file, without what its write-ahead log holds; 0 where it cannot be looked at.
    var fileBytes: Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        return (attributes?[.size] as? Int64) ?? (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    /// Runs `body` on the checkpoint's queue, behind the writes that wait.
    func afterWrites(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    /// Returns when the writes that wait are done, and what follows them.
    func waitForWrites() { queue.sync {} }

    /// Behind the writes that wait.
    func close() throws(StateError) {
        upkeepTimer.cancel()
        let outcome: Result<Void, StateError> = queue.sync {
            latest.withLock { $0.isClosed = true }
            return Result { () throws(StateError) in try file.close() }
        }
        try outcome.get()
    }

    private func flushDeadLetters(isLast: Bool) throws(StateError) {
        do {
            try log.flushDeadLetters(isLast: isLast)
        } catch {
            throw StateError(.unwritable, "dead letters are not durable yet: \(error.message)")
        }
    }
}

extension StateDelta {
    /// Over the whole life of the state, for the log.
    fileprivate var eventsApplied: Int64 {
        guard case .integer(let count)? = scalars["events.applied"] else { return 0 }
        return count
    }
}

/// `0:1234 1:99`, ascending.
func positionsText(_ positions: [Int32: Int64]) -> String {
    positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
}
