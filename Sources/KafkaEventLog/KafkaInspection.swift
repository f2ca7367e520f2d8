import CRdKafka
public import EventLog
internal import Events
import Locking
import Logging

/// What a cluster says of the topics, asked by somebody who joins no group and keeps nothing.
public struct KafkaInspection: Sendable, Equatable {
    /// A partition as its broker knows it.
    public struct Partition: Sendable, Equatable {
        public var number: Int32
        /// A broker answers for it.
        public var hasLeader: Bool
        public var replicas: Int
        public var inSyncReplicas: Int
        /// The oldest offset still there and the one past the newest, where the broker told.
        public var held: Range<Int64>?
    }

    /// What became of a question for a topic.
    public enum Topic: Sendable, Equatable {
        case there([Partition])
        case missing
        /// Why nobody can tell.
        case unknown(String)
    }

    /// What became of a letter written and taken back.
    public enum Writing: Sendable, Equatable {
        case taken
        case refused(String)
        /// The cluster would not let it be tried, so nothing is known.
        case untried(String)
    }

    /// `host:port` of each broker that is known; empty where none answered.
    public var brokers: [String] = []
    public var topic = Topic.unknown("no broker answered")
    public var deadLetterTopic = Topic.unknown("no broker answered")
    /// `nil` where there is no topic to write into.
    public var deadLetterWriting: Writing?
}

extension KafkaInspection {
    /// librdkafka as it is linked.
    public static var libraryVersion: String { rdKafkaVersion }

    /// Asks, and waits for each answer up to `milliseconds`.
    ///
    /// The dead-letter topic is written to in a transaction that is aborted: no reader of committed records ever sees it.
    ///
    /// - Throws: `.invalid` for options that cannot work.
    public init(_ options: KafkaOptions, milliseconds: Int32 = 5_000) throws(EventLogError) {
        try options.validate()
        let quiet = Logger(label: "freshet.inspection") { _ in SwiftLogNoOpLogHandler() }
        let health = KafkaHealth(options, logger: quiet)
        let configuration = KafkaConfiguration()
        try options.configureConsumer(configuration)
        let client = try KafkaClient(
            RD_KAFKA_CONSUMER, configuration, topic: options.topic,
            callbacks: KafkaCallbacks(logger: quiet, health: health, side: .consumer))
        let (brokers, topic) = Self.ask(client, options.topic, milliseconds)
        self.brokers = brokers
        self.topic = topic
        guard !brokers.isEmpty else {
            // Serves the callback that tells why: a refused password, a name that nobody knows.
            rd_kafka_poll(client.handle, 0)
            if let why = health.current.lastError { self.topic = .unknown(why) }
            return
        }
        deadLetterTopic = Self.ask(client, options.deadLetterTopic, milliseconds).topic
        guard case .there = deadLetterTopic else { return }
        deadLetterWriting = try Self.writeAndTakeBack(options, quiet, health, milliseconds)
    }

    private static func ask(_ client: KafkaClient, _ name: String, _ milliseconds: Int32) -> (
        brokers: [String], topic: Topic
    ) {
        guard let handle = rd_kafka_topic_new(client.handle, name, nil) else {
            return ([], .unknown(rdKafkaText(rd_kafka_last_error())))
        }
        defer { rd_kafka_topic_destroy(handle) }
        var found: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(client.handle, 0, handle, &found, milliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let found else {
            return ([], .unknown(rdKafkaText(error)))
        }
        defer { rd_kafka_metadata_destroy(found) }
        let brokers = (0..<Int(found.pointee.broker_cnt)).compactMap { place -> String? in
            let broker = found.pointee.brokers[place]
            return broker.host.map { "\(String(cString: $0)):\(broker.port)" }
        }
        guard found.pointee.topic_cnt > 0 else { return (brokers, .missing) }
        let topic = found.pointee.topics[0]
        switch topic.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: break
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return (brokers, .missing)
        default: return (brokers, .unknown(rdKafkaText(topic.err)))
        }
        let partitions = (0..<Int(topic.partition_cnt)).map { place in
            partition(topic.partitions[place], of: name, client, milliseconds)
        }
        return (brokers, .there(partitions.sorted { $0.number < $1.number }))
    }

    private static func partition(
        _ found: rd_kafka_metadata_partition, of topic: String, _ client: KafkaClient, _ milliseconds: Int32
    ) -> Partition {
        let hasLeader = found.leader >= 0
        let marks =
            hasLeader
            ? client.queryWatermarks(topic: topic, partition: found.id, milliseconds: milliseconds) : nil
        return Partition(
            number: found.id, hasLeader: hasLeader, replicas: Int(found.replica_cnt),
            inSyncReplicas: Int(found.isr_cnt), held: marks.map { $0.earliest..<max($0.earliest, $0.end) })
    }

    private static func writeAndTakeBack(
        _ options: KafkaOptions, _ logger: Logger, _ health: KafkaHealth, _ milliseconds: Int32
    ) throws(EventLogError) -> Writing {
        let configuration = KafkaConfiguration()
        try options.configureProducer(configuration)
        try configuration.set("transactional.id", "freshet-doctor-\(options.group)")
        try configuration.set("message.timeout.ms", "\(milliseconds)")
        let client = try KafkaClient(
            RD_KAFKA_PRODUCER, configuration, topic: options.deadLetterTopic,
            callbacks: KafkaCallbacks(logger: logger, health: health, side: .producer))
        let begun =
            words(rd_kafka_init_transactions(client.handle, milliseconds))
            ?? words(rd_kafka_begin_transaction(client.handle))
        if let begun { return .untried(begun) }
        let writing = write(client, options, health, milliseconds)
        // What is not aborted in order the broker aborts by itself, a minute later.
        _ = words(rd_kafka_abort_transaction(client.handle, milliseconds))
        return writing
    }

    private static func write(
        _ client: KafkaClient, _ options: KafkaOptions, _ health: KafkaHealth, _ milliseconds: Int32
    ) -> Writing {
        let outcome = Lock<Result<Token, EventLogError>?>(nil)
        let delivery = Unmanaged.passRetained(
            KafkaDelivery(options.deadLetterTopic, options, health) { result in
                outcome.withLock { $0 = result }
            })
        guard let topic = rd_kafka_topic_new(client.handle, options.deadLetterTopic, nil) else {
            delivery.release()
            return .refused(rdKafkaText(rd_kafka_last_error()))
        }
        defer { rd_kafka_topic_destroy(topic) }
        let text = "freshet doctor looks whether it may write here; this record is of an aborted transaction"
        var bytes = Array(text.utf8)
        let code = rd_kafka_produce(
            topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, &bytes, bytes.count, nil, 0,
            delivery.toOpaque())
        guard code == 0 else {
            delivery.release()
            return .refused(rdKafkaText(rd_kafka_last_error()))
        }
        rd_kafka_flush(client.handle, milliseconds)
        switch outcome.withLock({ $0 }) {
        case .success: return .taken
        case .failure(let error): return .refused(error.message)
        case nil: return .refused("no answer within \(milliseconds) ms")
        }
    }

    /// `nil` where there is no error; takes it over.
    private static func words(_ error: OpaquePointer?) -> String? {
        guard let error else { return nil }
        defer { rd_kafka_error_destroy(error) }
        return String(cString: rd_kafka_error_string(error))
    }
}
