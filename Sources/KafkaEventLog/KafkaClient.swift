import CRdKafka
import EventLog
import Synchronization

/// A librdkafka handle, destroyed with the last reference to it.
///
/// `@unchecked Sendable`: the pointers never change, and librdkafka's calls may come from any thread. A
/// thread that uses the handle holds a reference, so it cannot be destroyed under it.
final class KafkaClient: @unchecked Sendable {
    enum Probe: Equatable {
        case topicThere, topicMissing
        case refused(String)
        case noAnswer(String)
    }

    /// What ended a client; all that it is asked for fails from then on.
    struct FatalError {
        let code: rd_kafka_resp_err_t
        let words: String

        init?(_ handle: OpaquePointer) {
            var text = ErrorText()
            code = text.fill { rd_kafka_fatal_error(handle, $0, $1) }
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
            words = text.text
        }
    }

    private static let closeWaitMilliseconds: Int32 = 50
    private static let closeWaits = 200

    private let owned: KafkaHandle
    /// It has subscribed, and its group has not told it its part yet.
    private let awaitsAssignment = Atomic(false)

    init(
        _ type: rd_kafka_type_t, _ configuration: consuming KafkaConfiguration, topic: String,
        callbacks: KafkaCallbacks
    ) throws(EventLogError) {
        let handle = try configuration.makeHandle(type, callbacks)
        guard let topic = rd_kafka_topic_new(handle, topic, nil) else {
            rd_kafka_destroy(handle)
            throw EventLogError(.invalid, "source.kafka.topic: \(rdKafkaText(rd_kafka_last_error()))")
        }
        owned = KafkaHandle(client: handle, topic: topic, callbacks: callbacks)
    }

    deinit {
        if destroyingMayAbort { owned.abandon() } else { owned.end() }
    }

    var handle: OpaquePointer { owned.client }

    /// Joins the group for `topics`, which is gone about in librdkafka's own threads.
    func subscribe(_ topics: borrowing PartitionList) -> rd_kafka_resp_err_t {
        awaitsAssignment.store(true, ordering: .relaxed)
        return rd_kafka_subscribe(handle, topics.pointer)
    }

    /// The group has given this consumer its part, be it empty.
    func noteAssignment() {
        awaitsAssignment.store(false, ordering: .relaxed)
    }

    /// Librdkafka before 2.3 ends the process when it destroys a consumer that has joined a cooperative group and
    /// never was told its part (librdkafka's #4312); whether it has joined cannot be asked any more once it is closed.
    /// Such a handle is left to the end of the process instead.
    var destroyingMayAbort: Bool {
        rd_kafka_version() < 0x0203_0000 && awaitsAssignment.load(ordering: .relaxed)
    }

    /// Leaves the group; rebalances are served meanwhile, on this thread. It does not wait for ever: librdkafka before 2.4
    /// may never be through when an assignment comes in between (librdkafka's #4527), or while the group's coordinator
    /// does not answer. The time that callbacks take is not counted.
    ///
    /// - Returns: why it is not through, `nil` if it is.
    func closeConsumer() -> String? {
        guard let queue = rd_kafka_queue_new(handle) else { return "no memory" }
        defer { rd_kafka_queue_destroy(queue) }
        if let error = rd_kafka_consumer_close_queue(handle, queue) {
            defer { rd_kafka_error_destroy(error) }
            return String(cString: rd_kafka_error_string(error))
        }
        for _ in 0..<Self.closeWaits {
            var message: UnsafeMutablePointer<rd_kafka_message_t>?
            let taken = rd_kafka_consume_batch_queue(queue, Self.closeWaitMilliseconds, &message, 1)
            if taken > 0, let message { rd_kafka_message_destroy(message) }
            if rd_kafka_consumer_closed(handle) != 0 { return nil }
        }
        return "no end within \(Int(Self.closeWaitMilliseconds) * Self.closeWaits / 1_000) s"
    }

    /// Asks a broker for the topic; waits up to `milliseconds`.
    func probe(milliseconds: Int32) -> Probe {
        var found: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(handle, 0, owned.topic, &found, milliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let found else { return .noAnswer(rdKafkaText(error)) }
        defer { rd_kafka_metadata_destroy(found) }
        guard found.pointee.topic_cnt > 0 else { return .topicMissing }
        switch found.pointee.topics[0].err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            return .topicThere
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
            return .topicMissing
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
            return .refused(rdKafkaText(found.pointee.topics[0].err))
        default:
            return .noAnswer(rdKafkaText(found.pointee.topics[0].err))
        }
    }

    /// The cluster's id, as far as a broker has told it; waits for nothing.
    var identity: String? {
        guard let id = rd_kafka_clusterid(handle, 0) else { return nil }
        defer { rd_kafka_mem_free(handle, id) }
        return String(cString: id)
    }

    /// What its group calls this consumer; `nil` while it is in none.
    var memberName: String? {
        guard let id = rd_kafka_memberid(handle) else { return nil }
        defer { rd_kafka_mem_free(handle, id) }
        let text = String(cString: id)
        return text.isEmpty ? nil : text
    }

    /// Whether the group has given this consumer's place to another one of the same instance.
    var isFenced: Bool { fatalError?.code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID }

    /// `nil` while librdkafka has not given the client up.
    var fatalError: FatalError? { FatalError(handle) }

    /// The oldest offset and the one past the newest, asked of the broker; `nil` without an answer in time.
    func queryWatermarks(topic: String, partition: Int32, milliseconds: Int32) -> (
        earliest: Int64, end: Int64
    )? {
        var earliest: Int64 = 0
        var end: Int64 = 0
        let error = rd_kafka_query_watermark_offsets(handle, topic, partition, &earliest, &end, milliseconds)
        return error == RD_KAFKA_RESP_ERR_NO_ERROR ? (earliest, end) : nil
    }

    /// The same as last seen, without asking.
    func watermarks(topic: String, partition: Int32) -> (earliest: Int64?, end: Int64?) {
        var earliest: Int64 = -1
        var end: Int64 = -1
        guard
            rd_kafka_get_watermark_offsets(handle, topic, partition, &earliest, &end)
                == RD_KAFKA_RESP_ERR_NO_ERROR
        else { return (nil, nil) }
        return (earliest >= 0 ? earliest : nil, end >= 0 ? end : nil)
    }
}
