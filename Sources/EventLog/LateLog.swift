public import Events
internal import Locking
public import SQLiteFiles

/// A log that is opened later than whoever learns from it is made: while another process still has it.
///
/// Until then nothing is there to consume, and nothing can be appended.
public final class LateLog: EventLog {
    public let source: String
    private let opened = Lock<(any EventLog)?>(nil)

    /// - Parameter source: of the log that will be opened.
    public init(source: String) { self.source = source }

    public var name: String { log?.name ?? "the log, once it is free" }

    /// From here on it is this one. Once only.
    public func open(_ log: any EventLog) { opened.withLock { $0 = $0 ?? log } }

    private var log: (any EventLog)? { opened.withLock { $0 } }

    private var notYet: EventLogError { EventLogError(.closed, "the log is not open yet") }

    public func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        guard let log else { return completion(.failure(notYet)) }
        log.append(key: key, payload: payload, time: time, completion: completion)
    }

    public func append(
        _ records: [LogRecord], completion: @escaping @Sendable ([Result<Token, EventLogError>]) -> Void
    ) {
        guard let log else { return completion(records.map { _ in .failure(notYet) }) }
        log.append(records, completion: completion)
    }

    public func putAside(_ letter: DeadLetter) { log?.putAside(letter) }
    public var deadLettersHeld: Int { log?.deadLettersHeld ?? 0 }
    public var deadLetterLosses: DeadLetterLosses { log?.deadLetterLosses ?? DeadLetterLosses() }
    public func flushDeadLetters(isLast: Bool) throws(EventLogError) {
        try log?.flushDeadLetters(isLast: isLast)
    }

    public func makeConsumer(_ options: ConsumerOptions, delegate: any ConsumerDelegate) throws(EventLogError)
        -> any EventLogConsumer
    {
        guard let log else { throw notYet }
        return try log.makeConsumer(options, delegate: delegate)
    }

    public func partitions() -> [PartitionStatus] { log?.partitions() ?? [] }
    public func health() -> LogHealth {
        log?.health() ?? LogHealth(reachable: false, lastError: notYet.message)
    }
    public var heldBytes: Int { log?.heldBytes ?? 0 }
    public var storage: DatabaseStorage? { log?.storage }
    public func upkeep(always: Bool) { log?.upkeep(always: always) }
    public func close() { log?.close() }
}
