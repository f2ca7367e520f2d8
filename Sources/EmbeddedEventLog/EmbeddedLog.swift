// EmbeddedEventLog: the log for where there is no Kafka.
//
// Here live the SQLite file with its one partition, the writer, the consumer, retention, and the file's history.
// Payloads with key and time come in, and leave in the order of their offsets. What never comes in: what a payload
// says, and the state file, which is another one. GRDB stays inside.

import Dispatch
public import EventLog
public import Events
import Locking
public import Logging
public import SQLiteFiles

/// The log for where there is no Kafka: one SQLite file, one partition, offsets from 0.
///
/// Appends wait in a bounded queue. One writer takes all that wait, commits them in one transaction, synced
/// to disk, and completes them in order. Nothing waits on a timer: a lone append is committed at once, and
/// what comes while a commit is on its way shares the next one.
public final class EmbeddedLog: EventLog {
    static let partition: Int32 = 0
    /// Retention deletes in steps, so that appends can go in between.
    static let deletedAtOnce: Int64 = 10_000
    /// Letters kept in memory before they are written without being asked to.
    private static let lettersBuffered = 1_000
    private static let closeTimeout: DispatchTimeInterval = .seconds(10)

    /// Records that come into the log together, or not at all.
    struct Append: Sendable {
        let records: [LogRecord]
        /// Told the offset of the first.
        let completion: @Sendable (Result<Int64, EventLogError>) -> Void
    }

    struct State {
        var waiting: [Append] = []
        /// Appends not yet completed, those on their way to disk included.
        var pending = 0
        var writing = false
        var closed = false
        var consuming = false
        var paused = false
        var letters: [DeadLetter] = []
        /// Taken out of `letters` to be stored, and not stored yet.
        var lettersUnderway = 0
        var lettersDropped = 0
        var patience: DeadLetterPatience
        var health = LogHealth(reachable: true)
        /// The files were not what was opened, or could not be written, at the last look.
        var inTrouble = false
        var readingFailed = false
    }

    public let name: String
    public let source = EmbeddedLog.sourceName
    /// `source` of every one.
    public static let sourceName = "embedded"

    /// What the file calls itself.
    let identity: String
    let store: EmbeddedStore
    let extent: LogExtent
    let failures: EmbeddedFailures
    private let options: EmbeddedLogOptions
    let bounds: Lock<(queueMax: Int, retainEvents: Int64)>
    let logger: Logger
    let state: Lock<State>
    private let writer = SerialThread(name: "freshet-log", prepare: ThreadPriority.appendEvents)
    /// Apart from the writer, so that the next commit need not wait for whoever is told of this one.
    private let completions = DispatchQueue(label: "freshet.embedded-log.completions")

    /// Opens the log at `path`, or creates it there.
    ///
    /// - Throws: `.refused` when the place cannot be written, `.damaged` when the file is damaged or no log.
    public init(path: String, options: EmbeddedLogOptions = .init(), logger: Logger) throws(EventLogError) {
        name = "embedded log at \(path)"
        failures = EmbeddedFailures(path: path)
        self.options = options
        bounds = Lock((options.queueMax, options.retainEvents))
        self.logger = logger
        store = try EmbeddedStore(
            path: path, fileBytesMax: options.fileBytesMax, walBytesMax: options.walBytesMax)
        identity = try store.identity()
        extent = LogExtent(try store.bounds())
        state = Lock(State(patience: DeadLetterPatience(options.deadLetterPatience)))
    }

    /// Changes bounds of the options while the log is open; `retainEvents` takes effect with the next checkpoint.
    public func change(queueMax: Int, retainEvents: Int64) {
        bounds.withLock { $0 = (queueMax, retainEvents) }
    }

    /// Changes, while the log is open, how long dead letters that cannot be stored may hold checkpoints back; `nil` for ever.
    public func change(deadLetterPatience: Duration?) {
        state.withLock { $0.patience.limit = deadLetterPatience }
    }

    public func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        append([LogRecord(key: key, payload: payload, time: time)]) { results in
            for result in results { completion(result) }
        }
    }

    public func append(
        _ records: [LogRecord], completion: @escaping @Sendable ([Result<Token, EventLogError>]) -> Void
    ) {
        let refusals = records.map(refusal)
        let taken = records.enumerated().filter { refusals[$0.offset] == nil }.map(\.element)
        enqueue(
            Append(records: taken) { outcome in
                var next: Int64 = 0
                completion(
                    refusals.map { refusal in
                        if let refusal { return .failure(refusal) }
                        defer { next += 1 }
                        return outcome.map { Token(partition: Self.partition, offset: $0 + next) }
                    })
            })
    }

    private func enqueue(_ append: Append) {
        let (refusal, startsWriter): (EventLogError?, Bool) = state.withLock { state in
            if let refusal = self.refusal(state) { return (refusal, false) }
            state.pending += append.records.count
            state.waiting.append(append)
            defer { state.writing = true }
            return (nil, !state.writing)
        }
        if let refusal { completions.async { append.completion(.failure(refusal)) } }
        if startsWriter { writer.async { self.commitAllThatWait() } }
    }

    private func refusal(of record: LogRecord) -> EventLogError? {
        guard record.payload.count > options.payloadBytesMax else { return nil }
        return EventLogError(
            .unacceptable,
            "\(name): the record of '\(record.key)' has \(record.payload.count) bytes; "
                + "at most \(options.payloadBytesMax) are allowed")
    }

    private func refusal(_ state: borrowing State) -> EventLogError? {
        if state.closed { return failures.closed() }
        if state.pending >= bounds.withLock({ $0.queueMax }) {
            return EventLogError(
                .full,
                "\(name): \(state.pending) appends are waiting, which is the limit; feed more slowly, "
                    + "then repeat"
            )
        }
        return nil
    }

    /// Runs on `writer`.
    private func commitAllThatWait() {
        while true {
            let group: [Append] = state.withLock { state in
                defer { state.waiting = [] }
                state.writing = !state.waiting.isEmpty
                return state.waiting
            }
            if group.isEmpty { return }
            let outcome = commit(group)
            completions.async {
                // First: whoever hears that theirs is done may append as many anew.
                let ended = group.reduce(0) { $0 + $1.records.count }
                self.state.withLock { $0.pending -= ended }
                var before: Int64 = 0
                for append in group {
                    append.completion(outcome.map { [before] in $0 + before })
                    before += Int64(append.records.count)
                }
            }
        }
    }

    private func commit(_ group: [Append]) -> Result<Int64, EventLogError> {
        do throws(EventLogError) {
            let (first, end) = try store.append(group.map(\.records))
            extent.setEnd(end)
            note(nil)
            return .success(first)
        } catch {
            note(error)
            return .failure(error)
        }
    }

    /// Keeps the health up to date; a disk that stays full is logged once and not with every append.
    private func note(_ error: EventLogError?) {
        let wasReachable = state.withLock { state in
            defer {
                state.health.reachable = error == nil
                if let error {
                    state.health.lastError = error.message
                    state.health.lastErrorAt = .now
                }
            }
            return state.health.reachable
        }
        switch error {
        case .some(let error) where wasReachable: logger.error("cannot write to the log: \(error)")
        case .none where !wasReachable: logger.notice("\(name) can be written again")
        default: break
        }
    }

    public func putAside(_ letter: DeadLetter) {
        let count = state.withLock { state in
            state.letters.append(letter)
            return state.letters.count
        }
        guard count.isMultiple(of: Self.lettersBuffered) else { return }
        do throws(EventLogError) {
            try writeLetters()
        } catch {
            // They stay in memory; the flush before the next checkpoint reports the failure to its caller.
            logger.warning("dead letters are kept in memory: \(error)")
        }
    }

    public var deadLettersHeld: Int { state.withLock { $0.letters.count + $0.lettersUnderway } }

    public var deadLetterLosses: DeadLetterLosses {
        var losses = DeadLetterLosses()
        losses.dropped = state.withLock { $0.lettersDropped }
        return losses
    }

    public func flushDeadLetters(isLast: Bool) throws(EventLogError) {
        try requireOpen()
        let start = ContinuousClock.now
        do throws(EventLogError) {
            try writeLetters()
            state.withLock { $0.patience.stored() }
        } catch {
            // At the end too: what holds this file up is, as a rule, a disk that holds the state's up as well.
            let dropped: [DeadLetter] = state.withLock { state in
                guard state.patience.isOver(at: .now, since: start) else { return [] }
                defer { state.letters = [] }
                state.lettersDropped += state.letters.count
                return state.letters
            }
            guard !dropped.isEmpty else { throw error }
            logger.error("\(DeadLetterPatience.farewell(to: dropped, error))")
        }
    }

    private func writeLetters() throws(EventLogError) {
        let letters = state.withLock { state in
            defer { state.letters = [] }
            state.lettersUnderway += state.letters.count
            return state.letters
        }
        if letters.isEmpty { return }
        do throws(EventLogError) {
            try store.insert(letters)
            state.withLock { $0.lettersUnderway -= letters.count }
        } catch {
            state.withLock {
                $0.lettersUnderway -= letters.count
                $0.letters.insert(contentsOf: letters, at: 0)
            }
            throw error
        }
    }

    public func makeConsumer(_ options: ConsumerOptions, delegate: any ConsumerDelegate) throws(EventLogError)
        -> any EventLogConsumer
    {
        try requireOpen()
        let taken = state.withLock { state in
            defer { state.consuming = true }
            return state.consuming
        }
        guard !taken else { throw EventLogError(.invalid, "\(name) has a consumer already; close it first") }
        return EmbeddedLogConsumer(log: self, options: options, delegate: delegate)
    }

    public func partitions() -> [PartitionStatus] {
        let (closed, paused) = state.withLock { ($0.closed, $0.paused) }
        if closed { return [] }
        let bounds = extent.bounds
        return [
            PartitionStatus(
                partition: Self.partition, end: bounds.end, earliest: bounds.earliest, paused: paused)
        ]
    }

    public func health() -> LogHealth {
        state.withLock {
            $0.closed ? LogHealth(reachable: false, lastError: failures.closed().message) : $0.health
        }
    }

    public var storage: DatabaseStorage? { store.storage }

    public func upkeep(always: Bool) {
        if state.withLock({ $0.closed }) { return }
        do throws(EventLogError) {
            // Only what was lost is told here, and that it is back; other failures show with the appends.
            let wasInTrouble = state.withLock { $0.inTrouble }
            try store.requireFiles()
            state.withLock { $0.inTrouble = false }
            if wasInTrouble { note(nil) }
            switch try store.keepWithinBounds(always: always) {
            case .grows(let reader, let bytes):
                logger.warning(
                    "the log's -wal file grows, because another program reads; end that transaction",
                    metadata: ["log": "\(name)", "reader": "\(reader)", "wal-bytes": "\(bytes)"])
            case .shrank(let bytes):
                logger.notice(
                    "the log's -wal file is within its bound again", metadata: ["wal-bytes": "\(bytes)"])
            case nil: break
            }
        } catch {
            guard error.code == .unreachable else { return }
            state.withLock { $0.inTrouble = true }
            note(error)
        }
    }

    public func close() {
        let wasClosed = state.withLock { state in
            defer { state.closed = true }
            return state.closed
        }
        if wasClosed { return }
        extent.close()
        let done = DispatchSemaphore(value: 0)
        writer.async { self.completions.async { done.signal() } }
        if done.wait(timeout: .now() + Self.closeTimeout) == .timedOut {
            logger.warning("closing with appends still on their way", metadata: ["log": "\(name)"])
        }
        do throws(EventLogError) {
            try writeLetters()
        } catch {
            logger.error("dead letters are lost with the close; a replay finds them again: \(error)")
        }
        store.close()
    }
}
