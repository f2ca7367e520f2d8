// KafkaEventLog: a topic of Kafka as the log.
//
// Here lives all that is known of librdkafka: producer, consumer and its group, rebalances, gaps, what the broker's
// errors mean, the topic of dead letters, and the topic's history. Payloads with key and time come in, and leave in the
// order of their offsets. What never comes in: what a payload says, and the state. No pointer of librdkafka's goes out.

import Dispatch
public import EventLog
public import Events
import Locking
public import Logging
import Synchronization

/// A Kafka topic as the log, through librdkafka.
public final class KafkaLog: EventLog {
    private struct State {
        var closed = false
        var consuming = false
        /// The consumer's, while there is one.
        var assignment: KafkaAssignment?
        /// Made with the first append or dead letter: who only consumes needs no producer.
        var producer: KafkaProducer?
        var producerMadeAt = ContinuousClock.now
    }

    /// A producer that was given up is not replaced more often: it may be refused for want of rights.
    private static let producerInterval: Duration = .seconds(1)

    public let name: String
    public let source: String

    let connection: KafkaHealth
    let logger: Logger
    let options: KafkaOptions
    private let deadLetters: KafkaDeadLetters
    /// Written by the consumer with each poll.
    let fetchedBytes = Atomic<Int>(0)
    private let leaving: Atomic<Bool>
    private let state = Lock(State())
    /// Tells of appends that never reached librdkafka, so that no completion runs on its caller's thread.
    private let refusals = DispatchQueue(label: "freshet.kafka-log.refusals")

    /// Connects to nothing yet: an unreachable broker is no error, `health` tells of it.
    ///
    /// - Throws: `.invalid` for options that cannot work, with librdkafka's own words for a property.
    public init(options: KafkaOptions, logger: Logger) throws(EventLogError) {
        try options.validate()
        self.options = options
        self.logger = logger
        name = options.name
        source = Self.sourceName(topic: options.topic)
        connection = KafkaHealth(options, logger: logger)
        leaving = Atomic(options.leavesOnStop)
        deadLetters = KafkaDeadLetters(options, logger: logger)
    }

    /// `source` of a log on this topic.
    public static func sourceName(topic: String) -> String { "kafka:\(topic)" }

    deinit {
        // The last reference may go on the producer's own thread, which cannot wait for itself.
        state.withLock { $0.producer }?.stop()
    }

    public func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        do throws(EventLogError) {
            try producer().produce(
                topic: options.topic, key: Array(key.string.utf8), value: payload, time: time,
                completion: completion)
        } catch {
            refusals.async { completion(.failure(error)) }
        }
    }

    private func producer() throws(EventLogError) -> KafkaProducer {
        let result: Result<KafkaProducer, EventLogError> = state.withLock { state in
            if state.closed { return .failure(closedError) }
            if let producer = state.producer,
                !producer.isLost || state.producerMadeAt + Self.producerInterval > .now
            {
                return .success(producer)
            }
            do throws(EventLogError) {
                let callbacks = KafkaCallbacks(logger: logger, health: connection, side: .producer)
                let producer = try KafkaProducer(options, callbacks: callbacks)
                // What it still has to tell of its records it tells on its own thread.
                state.producer?.stop()
                (state.producer, state.producerMadeAt) = (producer, .now)
                return .success(producer)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    public func putAside(_ letter: DeadLetter) {
        do throws(EventLogError) {
            deadLetters.put(letter, through: try producer())
        } catch {
            // The flush before the next checkpoint tries again, and reports it.
            deadLetters.keep(letter, error)
        }
    }

    /// Changes, while the log is open, how long dead letters that cannot be stored may hold checkpoints back; `nil` for ever.
    public func change(deadLetterPatience: Duration?) { deadLetters.change(patience: deadLetterPatience) }

    /// Changes, while the log is open, whether its consumer gives its partitions to the others when it is closed.
    public func change(leavesOnStop: Bool) { leaving.store(leavesOnStop, ordering: .relaxed) }

    var leavesOnStop: Bool { leaving.load(ordering: .relaxed) }

    public var deadLettersHeld: Int { deadLetters.held }

    public var deadLetterLosses: DeadLetterLosses { deadLetters.losses }

    public func flushDeadLetters(isLast: Bool) throws(EventLogError) {
        try requireOpen()
        // Without a producer nothing was ever put aside, save what its creation refused.
        guard state.withLock({ $0.producer != nil }) || deadLetters.hasUnsent else { return }
        try deadLetters.flush(through: try producer(), isLast: isLast)
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
        do throws(EventLogError) {
            let consumer = try KafkaConsumer(log: self, kafka: self.options, options, delegate: delegate)
            state.withLock { $0.assignment = consumer.assignment }
            return consumer
        } catch {
            releaseConsumer()
            throw error
        }
    }

    public func partitions() -> [PartitionStatus] {
        let assignment = state.withLock { $0.closed ? nil : $0.assignment }
        return assignment?.statuses ?? []
    }

    public func health() -> LogHealth { connection.current }

    public var heldBytes: Int { fetchedBytes.load(ordering: .relaxed) }

    /// Waits up to ten seconds for appends in flight. The consumer is its thread's to close.
    public func close() {
        let producer = state.withLock { state in
            state.closed = true
            defer { state.producer = nil }
            return state.producer
        }
        producer?.close()
        connection.close()
    }

    private var closedError: EventLogError { EventLogError(.closed, "\(name) is closed") }
}

/// What the consumer needs of its log.
extension KafkaLog {
    func requireOpen() throws(EventLogError) {
        if state.withLock({ $0.closed }) { throw closedError }
    }

    /// See `KafkaAssignment`; `nil` without a consumer.
    func groupMetadata() -> OpaquePointer? { state.withLock { $0.assignment }?.groupMetadata }

    /// See `KafkaAssignment`; `nil` without a consumer.
    package func groupMember() -> String? { state.withLock { $0.assignment }?.groupMember }

    /// See `KafkaAssignment`.
    var isFenced: Bool { state.withLock { $0.assignment }?.isFenced ?? false }

    func releaseConsumer() {
        state.withLock {
            $0.consuming = false
            $0.assignment = nil
        }
    }
}
