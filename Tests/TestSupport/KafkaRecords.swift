import CRdKafka

/// One record as the topic holds it.
public struct KafkaRecord: Sendable {
    public let partition: Int32
    public let offset: Int64
    public let key: [UInt8]
    public let value: [UInt8]
    public let headers: [String: [UInt8]]
}

extension MockKafka {
    /// Reads a whole topic from its beginning, without a group.
    ///
    /// - Throws: when an end is not reached within 20 s.
    public func records(of topic: String, partitions: Int = 1) throws(KafkaTestError) -> [KafkaRecord] {
        let consumer = try Self.makeHandle(
            RD_KAFKA_CONSUMER,
            [
                "bootstrap.servers": bootstrap, "group.id": Self.uniqueName("reader"),
                "enable.auto.commit": "false", "enable.partition.eof": "true",
            ])
        defer { rd_kafka_destroy(consumer) }
        let list = rd_kafka_topic_partition_list_new(Int32(partitions))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in 0..<Int32(partitions) {
            let entry = rd_kafka_topic_partition_list_add(list, topic, partition)
            entry?.pointee.offset = Int64(RD_KAFKA_OFFSET_BEGINNING)
        }
        rd_kafka_assign(consumer, list)
        defer { rd_kafka_consumer_close(consumer) }

        var records: [KafkaRecord] = []
        var ended: Set<Int32> = []
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(20))
        while ended.count < partitions {
            guard clock.now < deadline else {
                throw KafkaTestError("topic \(topic): its end was not reached within 20 s")
            }
            guard let message = rd_kafka_consumer_poll(consumer, 100) else { continue }
            defer { rd_kafka_message_destroy(message) }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: records.append(KafkaRecord(message))
            case RD_KAFKA_RESP_ERR__PARTITION_EOF: ended.insert(message.pointee.partition)
            default: break
            }
        }
        return records
    }
}

extension KafkaRecord {
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        partition = message.pointee.partition
        offset = message.pointee.offset
        key = Array(UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len))
        value = Array(UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len))
        var found: [String: [UInt8]] = [:]
        var list: OpaquePointer?
        if rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR {
            var name: UnsafePointer<CChar>?
            var bytes: UnsafeRawPointer?
            var count = 0
            var index = 0
            while rd_kafka_header_get_all(list, index, &name, &bytes, &count) == RD_KAFKA_RESP_ERR_NO_ERROR {
                if let name {
                    found[String(cString: name)] = Array(UnsafeRawBufferPointer(start: bytes, count: count))
                }
                index += 1
            }
        }
        headers = found
    }
}
