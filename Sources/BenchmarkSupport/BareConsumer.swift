internal import CRdKafka
internal import Foundation

/// The least that reading a topic costs: librdkafka alone, a batch a call, and nothing done with what it reads.
package struct BareConsumer {
    private static let batch = 8_192

    /// Seconds from the first record to the last.
    package static func seconds(_ topic: MeasuredTopic, count: Int) throws -> Double {
        let consumer = try KafkaHandle(
            RD_KAFKA_CONSUMER,
            [
                "bootstrap.servers": topic.brokers, "group.id": "\(topic.name)-bare",
                "enable.auto.commit": "false",
                "enable.auto.offset.store": "false", "auto.offset.reset": "earliest",
            ])
        let list = rd_kafka_topic_partition_list_new(Int32(topic.partitions))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in 0..<Int32(topic.partitions) {
            rd_kafka_topic_partition_list_add(list, topic.name, partition)?.pointee.offset =
                Int64(RD_KAFKA_OFFSET_BEGINNING)
        }
        rd_kafka_poll_set_consumer(consumer.pointer)
        try checkKafka(rd_kafka_assign(consumer.pointer, list), "assign \(topic.name)")
        guard let queue = rd_kafka_queue_get_consumer(consumer.pointer) else {
            throw BenchmarkFailure("the consumer has no queue")
        }
        defer {
            rd_kafka_queue_destroy(queue)
            rd_kafka_consumer_close(consumer.pointer)
        }
        var messages = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: batch)
        let clock = ContinuousClock()
        var (start, received) = (clock.now, 0)
        let deadline = start + .seconds(120)
        while received < count {
            let taken = rd_kafka_consume_batch_queue(queue, received == 0 ? 1 : 10, &messages, batch)
            guard clock.now < deadline else {
                throw BenchmarkFailure("\(topic.name) was not read within 120 s")
            }
            guard taken > 0 else { continue }
            if received == 0 { start = clock.now }
            for case let message? in messages[..<taken] {
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR { received += 1 }
                rd_kafka_message_destroy(message)
            }
        }
        return start.duration(to: clock.now).seconds
    }
}
