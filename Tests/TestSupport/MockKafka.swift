public import CRdKafka
import Foundation

/// A Kafka for tests: librdkafka's mock cluster (the real protocol on loopback, one broker), or the real
/// broker that `FRESHET_TEST_KAFKA=host:port` names.
///
/// The mock keeps at most 5 MiB and 100,000 batches per partition, knows no timestamps in its offset look-ups
/// and creates a topic when a producer asks for it.
///
/// `@unchecked Sendable`: both pointers are set once, and librdkafka guards what they point to.
public final class MockKafka: @unchecked Sendable {
    /// What only the mock can do is skipped on a real broker, with this as the reason.
    public static let mockOnly = "a real broker (FRESHET_TEST_KAFKA) cannot be taken down from here"

    public static var usesRealBroker: Bool { realBroker != nil }

    private static var realBroker: String? { ProcessInfo.processInfo.environment["FRESHET_TEST_KAFKA"] }

    /// Properties with which a group settles quickly. The mock lets a group wait for a member that left or
    /// died until its session would have timed out, 45 s by default; a real broker allows no session below 6
    /// s, and on a busy machine a shorter one ends before its member has come in.
    public static var quickGroup: [String: String] {
        [
            "heartbeat.interval.ms": "200", "session.timeout.ms": "6000",
            "topic.metadata.refresh.interval.ms": "500", "reconnect.backoff.max.ms": "200",
        ]
    }

    public let bootstrap: String
    private let handle: OpaquePointer
    private let cluster: OpaquePointer?

    /// For its faults.
    var mock: OpaquePointer {
        get throws(KafkaTestError) {
            guard let cluster else { throw KafkaTestError(Self.mockOnly) }
            return cluster
        }
    }

    /// - Parameter brokers: of the mock; a real cluster has those that it has.
    public init(brokers: Int = 1) throws(KafkaTestError) {
        let real = Self.realBroker
        handle = try Self.makeHandle(RD_KAFKA_PRODUCER, real.map { ["bootstrap.servers": $0] } ?? [:])
        if let real {
            cluster = nil
            bootstrap = real
        } else {
            guard let cluster = rd_kafka_mock_cluster_new(handle, Int32(brokers)) else {
                throw KafkaTestError("librdkafka made no mock cluster")
            }
            // The mock offers version 2 of the metadata request, which cannot say that a topic is not to be
            // created; with version 4 it knows missing topics as a real broker does.
            let metadata: Int16 = 3
            rd_kafka_mock_set_apiversion(cluster, metadata, 0, 4)
            self.cluster = cluster
            bootstrap = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
        }
    }

    deinit {
        if let cluster { rd_kafka_mock_cluster_destroy(cluster) }
        rd_kafka_destroy(handle)
    }

    /// Creates a topic under a name that no other test has.
    public func uniqueTopic(_ prefix: String = "freshet", partitions: Int = 1) throws(KafkaTestError)
        -> String
    {
        let name = Self.uniqueName(prefix)
        try createTopic(name, partitions: partitions)
        return name
    }

    public static func uniqueName(_ prefix: String) -> String {
        "\(prefix)-\(UUID().uuidString.prefix(8).lowercased())"
    }

    public func createTopic(_ name: String, partitions: Int) throws(KafkaTestError) {
        guard let cluster else { return try createRealTopic(name, partitions: partitions) }
        try check(rd_kafka_mock_topic_create(cluster, name, Int32(partitions), 1), "create topic \(name)")
    }

    /// Closes every connection and refuses new ones. Only on the mock.
    public func brokerDown() throws(KafkaTestError) {
        guard let cluster else { throw KafkaTestError(Self.mockOnly) }
        try check(rd_kafka_mock_broker_set_down(cluster, 1), "take the broker down")
    }

    public func brokerUp() throws(KafkaTestError) {
        guard let cluster else { throw KafkaTestError(Self.mockOnly) }
        try check(rd_kafka_mock_broker_set_up(cluster, 1), "bring the broker up")
    }

    /// Answers the next tries to join any group with "not authorized". Only on the mock.
    public func refuseJoins() throws(KafkaTestError) {
        guard let cluster else { throw KafkaTestError(Self.mockOnly) }
        let joinGroup: Int16 = 11
        let errors = [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, count: 20)
        rd_kafka_mock_push_request_errors_array(cluster, joinGroup, errors.count, errors)
    }

    /// Answers the next appends with `error`, whatever they append to. Only on the mock.
    public func refuseAppends(_ error: rd_kafka_resp_err_t, count: Int) throws(KafkaTestError) {
        guard let cluster else { throw KafkaTestError(Self.mockOnly) }
        let produce: Int16 = 0
        let errors = [rd_kafka_resp_err_t](repeating: error, count: count)
        rd_kafka_mock_push_request_errors_array(cluster, produce, errors.count, errors)
    }

    /// Appends a record without a payload, as those who delete a key of a compacted topic do.
    public func appendTombstone(to topic: String, key: String, partition: Int32 = 0) throws(KafkaTestError) {
        let client = try Self.makeHandle(RD_KAFKA_PRODUCER, ["bootstrap.servers": bootstrap])
        defer { rd_kafka_destroy(client) }
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaTestError("no handle for topic \(topic)")
        }
        defer { rd_kafka_topic_destroy(handle) }
        let copies = RD_KAFKA_MSG_F_COPY
        guard rd_kafka_produce(handle, partition, copies, nil, 0, key, key.utf8.count, nil) == 0 else {
            throw KafkaTestError("cannot append to \(topic)")
        }
        try check(rd_kafka_flush(client, 20_000), "append to \(topic)")
    }

    /// What lag tools see: the group's committed offset, `nil` where there is none.
    public func committed(group: String, topic: String, partition: Int32) throws(KafkaTestError) -> Int64? {
        let client = try Self.makeHandle(
            RD_KAFKA_CONSUMER, ["bootstrap.servers": bootstrap, "group.id": group])
        defer { rd_kafka_destroy(client) }
        let list = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        let entry = rd_kafka_topic_partition_list_add(list, topic, partition)
        try check(rd_kafka_committed(client, list, 10_000), "ask for the committed offsets of \(group)")
        return entry.flatMap { $0.pointee.offset >= 0 ? $0.pointee.offset : nil }
    }

    private func createRealTopic(_ name: String, partitions: Int) throws(KafkaTestError) {
        var words = [CChar](repeating: 0, count: 512)
        var topic = rd_kafka_NewTopic_new(name, Int32(partitions), -1, &words, words.count)
        guard topic != nil, let queue = rd_kafka_queue_new(handle) else {
            throw KafkaTestError("cannot describe topic \(name)")
        }
        defer {
            rd_kafka_NewTopic_destroy(topic)
            rd_kafka_queue_destroy(queue)
        }
        rd_kafka_CreateTopics(handle, &topic, 1, nil, queue)
        guard let event = rd_kafka_queue_poll(queue, 30_000) else {
            throw KafkaTestError("\(bootstrap) did not answer within 30 s to the creation of topic \(name)")
        }
        defer { rd_kafka_event_destroy(event) }
        try check(rd_kafka_event_error(event), "create topic \(name) on \(bootstrap)")
        var count = 0
        guard let result = rd_kafka_event_CreateTopics_result(event),
            let topics = rd_kafka_CreateTopics_result_topics(result, &count), let created = topics[0]
        else { throw KafkaTestError("no answer to the creation of topic \(name)") }
        try check(rd_kafka_topic_result_error(created), "create topic \(name) on \(bootstrap)")
    }

    func check(_ error: rd_kafka_resp_err_t, _ doing: String) throws(KafkaTestError) {
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaTestError("cannot \(doing): \(String(cString: rd_kafka_err2str(error)))")
    }

    static func makeHandle(_ type: rd_kafka_type_t, _ properties: [String: String]) throws(KafkaTestError)
        -> OpaquePointer
    {
        let configuration = rd_kafka_conf_new()
        var words = [CChar](repeating: 0, count: 512)
        for (key, value) in properties.merging(["log_level": "2"], uniquingKeysWith: { given, _ in given }) {
            guard rd_kafka_conf_set(configuration, key, value, &words, words.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw KafkaTestError("\(key): \(text(words))")
            }
        }
        guard let handle = rd_kafka_new(type, configuration, &words, words.count) else {
            rd_kafka_conf_destroy(configuration)
            throw KafkaTestError(text(words))
        }
        return handle
    }

    private static func text(_ words: [CChar]) -> String {
        String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

public struct KafkaTestError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
