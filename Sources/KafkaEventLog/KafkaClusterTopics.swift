import CRdKafka
public import EventLog
import Foundation
import Locking
public import Logging

/// The two topics beside the events' by which machines of one group learn as one: `TOPIC-items`, of one partition, and
/// `TOPIC-users`, compacted and of as many partitions as the events'.
///
/// One transaction holds what a member has learned of items, of its users, and, as the group's offsets, up to where (KIP-98).
/// The offsets go with the member's generation in the group (KIP-447), so that the broker refuses a member that was taken
/// to be dead: as Kafka Streams has it since 2.6. An id by partition would fence too, but what was learned of items comes of all
/// of a member's partitions together, and has to be in one transaction with all of them.
public final class KafkaClusterTopics: ClusterTopics {
    static let answerMilliseconds: Int32 = 5_000
    private static let commitMilliseconds: Int32 = 30_000
    /// How long an open transaction of a member that died holds up the others, in ms.
    private static let transactionMilliseconds = "10000"
    static let readPatience: Duration = .seconds(10)

    let log: KafkaLog
    let kafka: KafkaOptions
    let logger: Logger
    private let producer = Lock<KafkaClient?>(nil)
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
        _ = try partitions(of: itemsTopic, client, expected: 1)
        _ = try partitions(of: usersTopic, client, expected: count)
        let made = try makeProducer("\(kafka.group)-\(kafka.topic)-\(member)")
        try check(
            rd_kafka_init_transactions(made.handle, Self.commitMilliseconds), "cannot begin transactions",
            made)
        producer.withLock { $0 = made }
        return count
    }

    private func askingClient() throws(EventLogError) -> KafkaClient {
        if let client = asking.withLock({ $0 }) { return client }
        let client = try makeConsumer()
        asking.withLock { $0 = client }
        return client
    }

    private func partitions(
        of topic: String, _ client: KafkaClient, expected: Int?
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
            let compacted = topic == kafka.topic ? "" : " --config cleanup.policy=compact"
            throw EventLogError(
                .topicMissing,
                "topic '\(topic)' does not exist. Create it: kafka-topics --bootstrap-server \(kafka.brokers) --create "
                    + "--topic \(topic) --partitions \(expected ?? 1)\(compacted)")
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

    private func makeProducer(_ id: String) throws(EventLogError) -> KafkaClient {
        let configuration = KafkaConfiguration()
        try kafka.configureProducer(configuration)
        try configuration.set("transactional.id", id)
        try configuration.set("transaction.timeout.ms", Self.transactionMilliseconds)
        try configuration.set("message.timeout.ms", Self.transactionMilliseconds)
        let callbacks = KafkaCallbacks(logger: logger, health: log.connection, side: .producer)
        return try KafkaClient(RD_KAFKA_PRODUCER, configuration, topic: kafka.topic, callbacks: callbacks)
    }

    // MARK: - Committing

    public func commit(_ records: [ClusterRecord], positions: [Int32: Int64]) throws(EventLogError) {
        guard let client = producer.withLock({ $0 }) else {
            throw EventLogError(.unreachable, "\(kafka.name): the cluster's topics are not open yet")
        }
        try check(rd_kafka_begin_transaction(client.handle), "cannot begin a transaction", client)
        do throws(EventLogError) {
            for record in records { try produce(record, client) }
            try send(positions, client)
            try end(client)
        } catch {
            if !error.endsProcess { abort(client) }
            throw error
        }
    }

    private func produce(_ record: ClusterRecord, _ client: KafkaClient) throws(EventLogError) {
        let (topic, partition): (String, Int32) =
            switch record.place {
            case .items: (itemsTopic, 0)
            case .users(let partition): (usersTopic, partition)
            }
        while true {
            let error = withTransactionArguments(topic, partition, record.key, record.value) {
                rd_kafka_produceva(client.handle, $0.baseAddress, $0.count)
            }
            guard let error else { return }
            guard rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                return try check(error, "cannot write to topic '\(topic)'", client)
            }
            rd_kafka_error_destroy(error)
            rd_kafka_poll(client.handle, 50)
        }
    }

    private func send(_ positions: [Int32: Int64], _ client: KafkaClient) throws(EventLogError) {
        guard !positions.isEmpty else { return }
        guard let metadata = log.groupMetadata() else {
            throw EventLogError(.unreachable, "\(kafka.name): this member is in no group just now")
        }
        defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
        let list = PartitionList(topic: kafka.topic, positions)
        try check(
            rd_kafka_send_offsets_to_transaction(
                client.handle, list.pointer, metadata, Self.commitMilliseconds),
            "cannot commit positions", client)
    }

    /// A commit whose end is not known is asked for again, as librdkafka wants it: it is one and the same.
    private func end(_ client: KafkaClient) throws(EventLogError) {
        for _ in 0..<10 {
            let error = rd_kafka_commit_transaction(client.handle, Self.commitMilliseconds)
            guard let error, rd_kafka_error_is_retriable(error) != 0 else {
                return try check(error, "cannot commit", client)
            }
            rd_kafka_error_destroy(error)
        }
        throw EventLogError(
            .mustRestart,
            "\(kafka.name): how a transaction ended cannot be found out; it is known when this daemon is started again"
        )
    }

    private func abort(_ client: KafkaClient) {
        guard let error = rd_kafka_abort_transaction(client.handle, Self.commitMilliseconds) else { return }
        logger.warning(
            "a transaction could not be aborted",
            metadata: ["error": "\(String(cString: rd_kafka_error_string(error)))"])
        rd_kafka_error_destroy(error)
    }

    private func check(_ error: OpaquePointer?, _ what: String, _ client: KafkaClient) throws(EventLogError) {
        guard let error else { return }
        defer { rd_kafka_error_destroy(error) }
        let code = rd_kafka_error_code(error)
        let words = "\(kafka.name): \(what): \(String(cString: rd_kafka_error_string(error)))"
        switch code {
        case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: throw kafka.fenced
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
            guard !log.isFenced else { throw kafka.fenced }
            throw EventLogError(
                .mustRestart,
                "\(words). The group took this daemon for dead, and another member may have its partitions: "
                    + "it ends, and goes on when it is started again")
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
            guard !log.isFenced else { throw kafka.fenced }
            // Started again, two daemons of one name would go on to fence each other for ever.
            throw EventLogError(
                .refused,
                "\(words). Another process writes as this member of the cluster, as a daemon does whose state folder was "
                    + "copied; or a transaction took longer than transaction.timeout.ms, and then start this one again"
            )
        default:
            guard rd_kafka_error_is_fatal(error) != 0 else { throw EventLogError(.unreachable, words) }
            let cause = client.fatalError?.code ?? code
            throw EventLogError(KafkaErrorTable.isOutOfStep(cause) ? .mustRestart : .refused, words)
        }
    }

    // MARK: - Reading

    public func committed(_ partition: Int32) throws(EventLogError) -> Int64? {
        let client = try askingClient()
        let list = PartitionList(topic: kafka.topic, partitions: [partition])
        // Read-committed consumers wait for offsets of transactions that are under way (KIP-447).
        let error = rd_kafka_committed(client.handle, list.pointer, Self.answerMilliseconds)
        let failed = list.elements.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }?.err ?? error
        guard failed == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EventLogError(.unreachable, "\(kafka.name): the group's offset: \(rdKafkaText(failed))")
        }
        return list.elements.first.flatMap { $0.offset >= 0 ? $0.offset : nil }
    }

    public func readItems(
        from offset: Int64?, _ body: ([[UInt8]], Int64, _ isEnd: Bool) -> Bool
    ) throws(EventLogError) {
        let client = try makeConsumer()
        defer { _ = client.closeConsumer() }
        func assign(_ offset: Int64) {
            let list = PartitionList(topic: itemsTopic, [0: offset])
            rd_kafka_assign(client.handle, list.pointer)
        }
        var next = offset ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
        assign(next)
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
                logger.warning(
                    "topic '\(itemsTopic)' no longer holds what is wanted next; going on with its beginning",
                    metadata: ["wanted": "\(next)"])
                assign(Int64(RD_KAFKA_OFFSET_BEGINNING))
            default: continue
            }
        }
    }

    public func itemsEnd() throws(EventLogError) -> Int64 {
        let client = try askingClient()
        guard
            let (_, end) = client.queryWatermarks(
                topic: itemsTopic, partition: 0, milliseconds: Self.answerMilliseconds)
        else { throw EventLogError(.unreachable, "topic '\(itemsTopic)': its end is not known") }
        return end
    }

    public func close() {
        producer.withLock { $0 = nil }
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

/// Lays out what `rd_kafka_produceva` takes for a record of a transaction: copied by librdkafka, and reported by the
/// commit alone.
private func withTransactionArguments<T>(
    _ topic: String, _ partition: Int32, _ key: [UInt8], _ value: [UInt8]?,
    _ body: (UnsafeBufferPointer<rd_kafka_vu_t>) -> T
) -> T {
    func argument(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) -> rd_kafka_vu_t {
        var argument = rd_kafka_vu_t()
        argument.vtype = type
        fill(&argument)
        return argument
    }
    return topic.withCString { topic in
        key.withUnsafeBytes { key in
            (value ?? []).withUnsafeBytes { bytes in
                let arguments = [
                    argument(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic },
                    argument(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition },
                    argument(RD_KAFKA_VTYPE_KEY) {
                        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                        $0.u.mem.size = key.count
                    },
                    argument(RD_KAFKA_VTYPE_VALUE) {
                        $0.u.mem.ptr =
                            value == nil ? nil : UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                        $0.u.mem.size = bytes.count
                    },
                    argument(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY },
                ]
                return arguments.withUnsafeBufferPointer(body)
            }
        }
    }
}
