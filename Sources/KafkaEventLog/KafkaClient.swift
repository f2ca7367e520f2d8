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

    let handle: OpaquePointer
    private let topic: OpaquePointer
    /// Callbacks come until `rd_kafka_destroy` returns. Swift releases stored properties after the body of
    /// `deinit`, so this object, whose address librdkafka holds, outlives the handle.
    private let callbacks: KafkaCallbacks
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
        self.handle = handle
        self.topic = topic
        self.callbacks = callbacks
    }

    deinit {
        guard !destroyingMayAbort else {
            // Its threads may still log, which goes through this object.
            _ = Unmanaged.passRetained(callbacks)
            return
        }
        rd_kafka_topic_destroy(topic)
        // A consumer that was never closed leaves without calling back; the group notices by its session
        // time-out.
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }

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

    /// Asks a broker for the topic; waits up to `milliseconds`.
    func probe(milliseconds: Int32) -> Probe {
        var found: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(handle, 0, topic, &found, milliseconds)
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
    var isFenced: Bool {
        var words = ErrorText()
        return words.fill { rd_kafka_fatal_error(handle, $0, $1) } == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
    }

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
