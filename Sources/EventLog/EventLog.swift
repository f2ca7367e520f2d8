// EventLog: what the engine asks of a log, whichever it is.
//
// Here live the protocols of log, consumer and history, the batch that records are taken in, health and errors, and
// the two rules that every log keeps: whether a log found again is the same (`LogContinuity`), and how long dead
// letters may hold the state back (`DeadLetterPatience`). What never comes in: a log. Each has a room of its own.
// Kafka's library is not seen from here; SQLite's is linked by `SQLiteFiles`, for what a log tells of its file.

public import Events
public import SQLiteFiles

/// Where events live before they are learned: Kafka, or the embedded log.
///
/// Safe to call from any thread. Nothing is learned that is not in the log.
public protocol EventLog: AnyObject, Sendable {
    /// For messages to people, say `kafka topic 'ratings' at broker:9092`.
    var name: String { get }

    /// The name under which positions are kept in the state, say `kafka:ratings`; a state learned from another log
    /// is never continued from this one.
    var source: String { get }

    /// Appends one record and calls `completion`, on a thread of the log's own, once it is durable (Kafka: acks=all;
    /// embedded: committed and synced). Order of calls with the same key is the order in the log.
    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void)

    /// Appends records in their order, and calls `completion` once each is durable or refused, with what became of each.
    func append(
        _ records: [LogRecord], completion: @escaping @Sendable ([Result<Token, EventLogError>]) -> Void)

    /// Puts a malformed record aside. May be buffered; `flushDeadLetters` makes it durable.
    func putAside(_ letter: DeadLetter)

    /// Letters in memory: put aside and not stored yet, because that is under way or was refused.
    var deadLettersHeld: Int { get }

    /// What became of letters that could not be stored as they are, since the log was opened.
    var deadLetterLosses: DeadLetterLosses { get }

    /// Returns once every letter put aside so far is durable, or let go by the rule that the log was opened with.
    /// Called before positions past them are checkpointed.
    ///
    /// - Parameter isLast: nothing follows; what the log has refused is let go at once.
    func flushDeadLetters(isLast: Bool) throws(EventLogError)

    /// Starts consuming. One consumer at a time.
    func makeConsumer(_ options: ConsumerOptions, delegate: any ConsumerDelegate) throws(EventLogError)
        -> any EventLogConsumer

    /// What is known of each assigned partition just now; cheap, cached.
    func partitions() -> [PartitionStatus]

    /// Whether the log can be reached, and the last thing that went wrong.
    func health() -> LogHealth

    /// Bytes of records that were fetched and not handed out, as far as is known.
    var heldBytes: Int { get }

    /// Of a log that is a file: how long its write-ahead log is. `nil` of any other.
    var storage: DatabaseStorage? { get }

    /// Keeps a log's files within their bounds, and looks whether they are still there. Called every few seconds and, with
    /// `always`, after each checkpoint; never by two threads at once.
    func upkeep(always: Bool)

    /// Flushes what is in flight (bounded wait) and lets go. Later calls fail with `.closed`.
    func close()
}

extension EventLog {
    /// One by one, for logs that gather what comes together by themselves.
    public func append(
        _ records: [LogRecord], completion: @escaping @Sendable ([Result<Token, EventLogError>]) -> Void
    ) {
        guard !records.isEmpty else { return completion([]) }
        let answers = GatheredAnswers(records.count, completion)
        for (place, record) in records.enumerated() {
            append(key: record.key, payload: record.payload, time: record.time) { answers.put($0, at: place) }
        }
    }

    /// Nothing worth counting.
    public var heldBytes: Int { 0 }
    /// No file.
    public var storage: DatabaseStorage? { nil }
    /// Nothing to do.
    public func upkeep(always: Bool) {}
}

/// Takes records from the log in batches. Confined to the thread that made it, save where said.
public protocol EventLogConsumer: AnyObject {
    /// What to do about the next gap; may be changed between two polls.
    var onGap: ConsumerOptions.OnGap { get set }

    /// Appends up to `recordsMax` records to `batch`; waits up to `timeout` for the first one. Rebalances are
    /// handled inside, through the delegate. Returns with nothing after the timeout, also while the broker is
    /// unreachable (`EventLog.health` says so); throws only what a person has to mend.
    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError)

    /// Nothing more is handed out, and soon nothing more fetched, without leaving the group; `poll` must still be called.
    /// Idempotent.
    func pause()
    func resume()

    /// Tells the log what has been checkpointed: next offset per partition. For lag tools, and for the embedded
    /// log's retention; the positions in the state rule. Never throws: a failure is logged.
    func commit(_ positions: [Int32: Int64])

    func close()
}

/// What the consumer asks of the engine. Called on the consumer's thread, from inside `poll` or `close`.
public protocol ConsumerDelegate: AnyObject, Sendable {
    /// Partitions that were assigned: those of them that may begin now. Of the others it is asked again, soon.
    func takeOver(_ partitions: Set<Int32>) -> Set<Int32>

    /// The next offset to read of a partition now assigned; `nil` if this state has never seen it.
    func position(of partition: Int32) -> Int64?

    /// What the state remembers of its log, behind the batches that were polled before.
    var logMemory: LogMemory { get }

    /// The log says who it is; from now on it has to be the same.
    func recognised(_ identity: String)

    /// The first contact with the log: these partitions do not start at their first record (`start: latest`), and
    /// others that are there now, or come later, do. Returns once that is durable: were the starts looked up again
    /// after a restart, what was appended since would be lost.
    func began(_ origins: [Int32: Int64])

    /// A partition never seen before starts at this offset, by the origins that are durable already.
    func began(partition: Int32, at offset: Int64)

    /// The log was just seen to be the same: the newest record learned may stand for that from now on.
    func confirmed(partition: Int32, anchor: RecordFingerprint)

    /// These partitions are about to be taken away: returns once what was polled of them is learned and
    /// checkpointed.
    func revoke(_ partitions: [Int32])

    /// Records `from..<to` of this partition are gone from the log and `on-gap: skip` let them go.
    func skipped(partition: Int32, from: Int64, to: Int64)

    /// This partition belongs to another log than the one that was learned from, and `on-gap: skip` lets it go on: from
    /// `offset`, which may lie before the position.
    func restarted(partition: Int32, at offset: Int64)
}

extension ConsumerDelegate {
    /// Who is alone has all that there is to know.
    public func takeOver(_ partitions: Set<Int32>) -> Set<Int32> { partitions }
}

public struct ConsumerOptions: Sendable {
    public enum Start: Sendable, Equatable {
        case earliest, latest
        /// Milliseconds since 1970.
        case time(Int64)
    }
    public enum OnGap: String, Sendable { case fail, skip }

    /// Where a partition never seen before starts.
    public var start: Start
    public var onGap: OnGap

    public init(start: Start = .earliest, onGap: OnGap = .fail) {
        self.start = start
        self.onGap = onGap
    }
}

public struct PartitionStatus: Sendable, Equatable {
    public var partition: Int32
    /// One past the last record in the log, where known.
    public var end: Int64?
    /// The oldest record still in the log, where known.
    public var earliest: Int64?
    public var paused: Bool

    public init(partition: Int32, end: Int64?, earliest: Int64? = nil, paused: Bool = false) {
        self.partition = partition
        self.end = end
        self.earliest = earliest
        self.paused = paused
    }
}

public struct LogHealth: Sendable, Equatable {
    public var reachable: Bool
    /// The last thing that went wrong, be it over or not.
    public var lastError: String?
    /// When that was, by a clock that never jumps; `nil` where nothing did.
    public var lastErrorAt: ContinuousClock.Instant?

    public init(reachable: Bool, lastError: String? = nil, lastErrorAt: ContinuousClock.Instant? = nil) {
        self.reachable = reachable
        self.lastError = lastError
        self.lastErrorAt = lastErrorAt
    }
}

/// A record that is no event: kept with its reason.
public struct DeadLetter: Sendable {
    public var token: Token
    public var time: Int64
    public var reason: String
    public var payload: [UInt8]

    public init(token: Token, time: Int64, reason: String, payload: [UInt8]) {
        self.token = token
        self.time = time
        self.reason = reason
        self.payload = payload
    }
}

/// Letters that could not be stored as they are.
public struct DeadLetterLosses: Sendable, Equatable {
    /// Stored without the end of their payload, which was too long for the log.
    public var cut = 0
    /// Let go because the log would not take them.
    public var dropped = 0

    public init() {}
}

/// What a person has to mend, or a process that is started anew; the message says how.
public struct EventLogError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case unreachable, topicMissing, gap, refused, full, closed, timedOut, damaged, invalid
        /// This process must not go on, and one that is started anew can.
        case mustRestart
        /// The log is another one than that which the state was learned from.
        case otherLog
        /// The log will not take this record, however often it is sent; of `tooLarge`, because of its length.
        case unacceptable, tooLarge
    }
    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// Whether this process must not go on with the log.
    public var endsProcess: Bool { code == .refused || code == .mustRestart }
}
