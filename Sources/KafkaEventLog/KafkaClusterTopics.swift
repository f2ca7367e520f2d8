import CRdKafka
public import EventLog
import Foundation
import Locking
public import Logging

/// The two topics beside the events' by which machines of one group learn as one: `TOPIC-items`, of one partition, and
/// `TOPIC-users`, compacted and of as many partitions as the events'.
///
/// What a member has learned of items, of its users, and up to where goes into one transaction (`KafkaTransactions`): what was
/// learned of items comes of all of a member's partitions together, and has to be in one transaction with all of them.
public final class KafkaClusterTopics: ClusterTopics {
    static let answerMilliseconds: Int32 = 5_000
    static let readPatience: Duration = .seconds(10)

    let log: KafkaLog
    let kafka: KafkaOptions
    let logger: Logger
    private let transactions = Lock<KafkaTransactions?>(nil)
    private let asking = Lock<KafkaClient?>(nil)
    public let itemsTopic: String
    public let usersTopic: String

    /// - Parameter log: of the events; its consumer is the member of the group.
    public init(_ log: KafkaLog, logger: Logger) {
        (self.log, self.logger) = (log, logger)
        kafka = log.options
        itemsTopic = "\(kafka.topic)-items"
        usersTopic = "\(kafka.topic)-users"
    }

    // MARK: - Opening

    public func open(member: String) throws(EventLogError) -> Int {
        let client = try askingClient()
        let count = try partitions(of: kafka.topic, client, expected: nil)
        _ = try partitions(of: itemsTopic, client, expected: 1, settings: Self.itemsSettings)
        _ = try partitions(of: usersTopic, client, expected: count, settings: "cleanup.policy=compact")
        let made = KafkaTransactions(
            log, id: "\(kafka.group)-\(kafka.topic)-\(member)", logger: logger)
        try made.open()
        transactions.withLock { $0 = made }
        return count
    }

    private func askingClient() throws(EventLogError) -> KafkaClient {
        if let client = asking.withLock({ $0 }) { return client }
        let client = try makeConsumer()
        asking.withLock { $0 = client }
        return client
    }

    /// A day: far longer than between two images.
    private static let itemsSettings = "cleanup.policy=delete --config retention.ms=86400000"

    private func partitions(
        of topic: String, _ client: KafkaClient, expected: Int?, settings: String? = nil
    ) throws(EventLogError) -> Int {
        switch client.partitions(of: topic, milliseconds: Self.answerMilliseconds) {
        case .there(let partitions):
            guard expected == nil || expected == partitions.count else {
                throw EventLogError(
                    .invalid,
                    "topic '\(topic)' has \(partitions.count) partitions, and must have \(expected ?? 1)")
            }
            return partitions.count
        case .missing:
            let configured = settings.map { " --config \($0)" } ?? ""
            throw EventLogError(
                .topicMissing,
                "topic '\(topic)' does not exist. Create it: kafka-topics --bootstrap-server \(kafka.brokers) --create "
                    + "--topic \(topic) --partitions \(expected ?? 1)\(configured)")
        case .noAnswer(let words):
            throw EventLogError(.unreachable, "\(kafka.name): \(words)")
        }
    }

    func makeConsumer() throws(EventLogError) -> KafkaClient {
        let configuration = KafkaConfiguration()
        try kafka.configureConsumer(configuration)
        try configuration.set("fetch.wait.max.ms", "20")
        let callbacks = KafkaCallbacks(logger: logger, health: log.connection, side: .consumer)
        let client = try KafkaClient(
            RD_KAFKA_CONSUMER, configuration, topic: kafka.topic, callbacks: callbacks)
        rd_kafka_poll_set_consumer(client.handle)
        return client
    }

    // MARK: - Committing

    public func commit(
        _ records: [ClusterRecord], positions: [Int32: CommittedPosition], told: [Int32: Int64]
    ) throws(EventLogError) -> CommitOutcome {
        guard let transactions = transactions.withLock({ $0 }) else {
            throw EventLogError(.unreachable, "\(kafka.name): the cluster's topics are not open yet")
        }
        return try transactions.commit(records.map(record), positions: positions, told: told)
    }

    private func record(_ record: ClusterRecord) -> KafkaTransactions.Record {
        let (topic, partition, isOfUsers): (String, Int32, Bool) =
            switch record.place {
            case .items: (itemsTopic, 0, false)
            case .users(let partition): (usersTopic, partition, true)
            }
        return KafkaTransactions.Record(
            topic: topic, partition: partition, key: record.key, value: record.value, isLocated: isOfUsers)
    }

    // MARK: - Reading

    public func committed(_ partition: Int32) throws(EventLogError) -> CommittedPosition? {
        let client = try askingClient()
        let list = PartitionList(topic: kafka.topic, partitions: [partition])
        // Read-committed consumers wait for offsets of transactions that are under way (KIP-447).
        let error = rd_kafka_committed(client.handle, list.pointer, Self.answerMilliseconds)
        let failed = list.elements.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }?.err ?? error
        guard failed == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EventLogError(.unreachable, "\(kafka.name): the group's offset: \(rdKafkaText(failed))")
        }
        return list.elements.first?.committedPosition
    }

    public func readItems(
        from offset: Int64?, _ body: ([[UInt8]], Int64, _ isEnd: Bool) -> Bool
    ) throws(EventLogError) {
        let client = try makeConsumer()
        defer { _ = client.closeConsumer() }
        var next = offset ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
        let list = PartitionList(topic: itemsTopic, [0: next])
        rd_kafka_assign(client.handle, list.pointer)
        while true {
            guard let message = rd_kafka_consumer_poll(client.handle, 100) else {
                guard body([], next, false) else { return }
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                next = message.pointee.offset + 1
                guard body([message.valueBytes ?? []], next, false) else { return }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                next = message.pointee.offset
                guard body([], next, true) else { return }
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                throw EventLogError(
                    .gap, "topic '\(itemsTopic)' does not hold what is wanted next, which is record \(next)")
            default: continue
            }
        }
    }

    public func itemsRange() throws(EventLogError) -> Range<Int64> {
        let client = try askingClient()
        guard
            let (start, end) = client.queryWatermarks(
                topic: itemsTopic, partition: 0, milliseconds: Self.answerMilliseconds)
        else { throw EventLogError(.unreachable, "topic '\(itemsTopic)': its end is not known") }
        return min(start, end)..<end
    }

    public func close() {
        transactions.withLock { $0 = nil }
        let client = asking.withLock { client in
            defer { client = nil }
            return client
        }
        if let client { _ = client.closeConsumer() }
    }
}

extension UnsafeMutablePointer<rd_kafka_message_t> {
    // The bytes are librdkafka's until the message is destroyed, and copied here.
    var keyBytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: pointee.key, count: pointee.key_len))
    }

    var valueBytes: [UInt8]? {
        guard let payload = pointee.payload else { return nil }
        return Array(UnsafeRawBufferPointer(start: payload, count: pointee.len))
    }
}
