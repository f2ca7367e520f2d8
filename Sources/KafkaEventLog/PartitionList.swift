import CRdKafka
import EventLog
import Foundation

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

    /// With a word of ours beside each offset, where the commit tells of a changelog.
    init(topic: String, _ positions: [Int32: CommittedPosition]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(positions.count))
        for (partition, position) in positions {
            guard let element = rd_kafka_topic_partition_list_add(pointer, topic, partition) else { continue }
            element.pointee.offset = position.offset
            guard let changelog = position.changelog else { continue }
            let word = ChangelogWord.text(changelog)
            // The list frees it.
            element.pointee.metadata = UnsafeMutableRawPointer(strdup(word))
            element.pointee.metadata_size = word.utf8.count
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
