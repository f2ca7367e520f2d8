import CRdKafka

/// A `rd_kafka_topic_partition_list_t` of ours. Not copyable: one owner, who destroys it. Librdkafka copies
/// what it keeps of it.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// An offset may be one of librdkafka's logical ones, say `RD_KAFKA_OFFSET_BEGINNING`.
    init(topic: String, _ offsets: [Int32: Int64]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for (partition, offset) in offsets {
            rd_kafka_topic_partition_list_add(pointer, topic, partition)?.pointee.offset = offset
        }
    }

    init(topic: String, partitions: some Sequence<Int32>) {
        self.init(
            topic: topic,
            Dictionary(
                partitions.map { ($0, Int64(RD_KAFKA_OFFSET_INVALID)) },
                uniquingKeysWith: { first, _ in first }))
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    var elements: UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: pointer.pointee.elems, count: Int(pointer.pointee.cnt))
    }
}
