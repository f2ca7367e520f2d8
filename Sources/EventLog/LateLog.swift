public import Events
internal import Foundation
internal import Locking
public import SQLiteFiles

/// A log that is opened later than whoever learns from it is made: while another process still has it.
///
/// Until then nothing can be appended, and there is nothing to consume but what `follow` reads beside the other process.
public final class LateLog: EventLog {
    /// Where the reading beside the other process stands.
    public struct Progress: Sendable {
        /// Of all that was there when the newest pass over it began: the next offsets.
        public var read: [Int32: Int64] = [:]
        public var passes = 0
        /// How long the newest took: as much of the log may be unread.
        public var lastPass: Duration = .zero
        /// Why nothing more is read.
        public var failure: EventLogError?
    }

    /// How to read what another process appends.
    struct Following: Sendable {
        /// The log for reading alone, as it is now; closed after each pass.
        var open: @Sendable () throws(EventLogError) -> any HistoricalLog
        /// Partitions to read; others are not that process's.
        var partitions: Set<Int32>
    }

    private struct State {
        var log: (any EventLog)?
        var following: Following?
        var progress = Progress()
        /// Of records that were read beside the other process, the newest last.
        var letters: [DeadLetter] = []
        /// One past the last letter let go, by partition.
        var lettersLost: [Int32: Int64] = [:]
        var dropped = 0
        /// Next offsets of the other process, at its end.
        var learned: [Int32: Int64] = [:]
    }

    /// Letters kept until the log is open: the other process stores those of all that it learns, and is ahead as a rule.
    private static let lettersMax = 10_000

    public let source: String
    private let state = Lock(State())

    /// - Parameter source: of the log that will be opened.
    public init(source: String) { self.source = source }

    public var name: String { log?.name ?? "the log, once it is free" }

    /// From now on consumers read what the other process appends, until `open`.
    ///
    /// - Parameters:
    ///   - partitions: those that the other process learns; each has to have a position in what learns here.
    ///   - open: opens the log for reading alone, as it is at that moment.
    public func follow(
        _ partitions: Set<Int32>, _ open: @escaping @Sendable () throws(EventLogError) -> any HistoricalLog
    ) {
        state.withLock { $0.following = Following(open: open, partitions: partitions) }
    }

    public var progress: Progress { state.withLock { $0.progress } }

    /// From here on it is this one. Once only.
    ///
    /// - Parameter learned: next offsets of the process that had it. It has put aside what is malformed before these.
    public func open(_ log: any EventLog, learned: [Int32: Int64] = [:]) {
        state.withLock { state in
            guard state.log == nil else { return }
            state.learned = learned
            state.following = nil
            for letter in state.letters where !Self.isStored(letter, learned) { log.putAside(letter) }
            // Counted although nobody knows how many: each is one at least.
            state.dropped = state.lettersLost.filter { $0.value > learned[$0.key] ?? 0 }.count
            state.letters = []
            state.log = log
        }
    }

    private static func isStored(_ letter: DeadLetter, _ learned: [Int32: Int64]) -> Bool {
        letter.token.offset < learned[letter.token.partition] ?? 0
    }

    var log: (any EventLog)? { state.withLock { $0.log } }
    var following: Following? { state.withLock { $0.following } }

    /// A pass over what was there is done.
    func note(_ read: [Int32: Int64], after time: Duration) {
        state.withLock { state in
            state.progress.read = read
            state.progress.passes += 1
            state.progress.lastPass = time
        }
    }

    /// What is unread is left to the log, once it is open.
    func stopFollowing(_ error: EventLogError) {
        state.withLock { state in
            state.following = nil
            state.progress.failure = error
        }
    }

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

    /// What the other process has stored is not stored again.
    public func putAside(_ letter: DeadLetter) {
        let log = state.withLock { state -> (any EventLog)? in
            if let log = state.log { return Self.isStored(letter, state.learned) ? nil : log }
            state.letters.append(letter)
            if state.letters.count > Self.lettersMax {
                let lost = state.letters.removeFirst().token
                state.lettersLost[lost.partition] = lost.offset + 1
            }
            return nil
        }
        log?.putAside(letter)
    }

    public var deadLettersHeld: Int { log?.deadLettersHeld ?? 0 }
    public var deadLetterLosses: DeadLetterLosses {
        var losses = log?.deadLetterLosses ?? DeadLetterLosses()
        losses.dropped += state.withLock { $0.dropped }
        return losses
    }
    public func flushDeadLetters(isLast: Bool) throws(EventLogError) {
        try log?.flushDeadLetters(isLast: isLast)
    }

    public func makeConsumer(_ options: ConsumerOptions, delegate: any ConsumerDelegate) throws(EventLogError)
        -> any EventLogConsumer
    {
        LateConsumer(of: self, options, delegate)
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
