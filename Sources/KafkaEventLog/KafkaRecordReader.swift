import CRdKafka
import EventLog
import Events
import Logging

/// Reads single records again, beside the consumer and without a group. Confined to the consumer's thread.
final class KafkaRecordReader {
    private let client: KafkaClient
    private let topic: String

    init(_ kafka: KafkaOptions, health: KafkaHealth, logger: Logger) throws(EventLogError) {
        topic = kafka.topic
        let configuration = KafkaConfiguration()
        try kafka.configureConsumer(configuration)
        // One record is wanted, and nothing ahead of it; the end of a partition should be told at once.
        try configuration.set("fetch.wait.max.ms", "10")
        try configuration.set("queued.min.messages", "1")
        try configuration.set("fetch.message.max.bytes", "1024")
        let callbacks = KafkaCallbacks(logger: logger, health: health, side: .consumer)
        client = try KafkaClient(RD_KAFKA_CONSUMER, configuration, topic: topic, callbacks: callbacks)
        rd_kafka_poll_set_consumer(client.handle)
    }

    deinit { _ = client.closeConsumer() }

    /// What stands at one offset of each partition: those that hold a record there are in the answer; `nil` unless every
    /// partition has answered within `patience`.
    func read(_ offsets: [Int32: Int64], patience: Duration) -> [Int32: RecordFingerprint]? {
        let deadline = ContinuousClock.now + patience
        var found: [Int32: RecordFingerprint] = [:]
        var unanswered = offsets
        let list = PartitionList(topic: topic, offsets)
        rd_kafka_assign(client.handle, list.pointer)
        defer { rd_kafka_assign(client.handle, nil) }
        while !unanswered.isEmpty {
            guard let message = rd_kafka_consumer_poll(client.handle, 20) else {
                if ContinuousClock.now > deadline { return nil }
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            let partition = message.pointee.partition
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                guard let offset = unanswered.removeValue(forKey: partition) else { continue }
                if message.pointee.offset == offset { found[partition] = RecordFingerprint(message) }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
                RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                unanswered[partition] = nil
            default:
                if ContinuousClock.now > deadline { return nil }
            }
        }
        return found
    }
}

extension RecordFingerprint {
    /// Of a message that holds a record, as it was read.
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        self.init(
            offset: message.pointee.offset,
            key: UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len),
            payload: UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len),
            time: message.logTime)
    }
}

extension UnsafeMutablePointer<rd_kafka_message_t> {
    /// Milliseconds since 1970; 0 where the broker is too old to know a time.
    var logTime: Int64 { max(0, rd_kafka_message_timestamp(self, nil)) }
}
