import CRdKafka
import Logging

/// Partitions that come and go.
extension KafkaConsumer {
    /// How long an assignment may take to look up offsets by time, in ms; far below max.poll.interval.ms.
    private static let lookUpMilliseconds: Int32 = 30_000
    /// The same for the end of one partition.
    private static let endMilliseconds: Int32 = 2_000

    /// Called by librdkafka from inside of poll and close; must answer with an assignment or the group stands
    /// still.
    func rebalance(_ kind: rd_kafka_resp_err_t, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>)
    {
        let partitions = UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt))
            .map(\.partition)
        switch kind {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS: assign(partitions)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: revoke(partitions)
        default:
            logger.warning("\(kafka.name): rebalance failed: \(rdKafkaText(kind))")
            revoke(Array(wanted.keys))
        }
    }

    private func assign(_ partitions: [Int32]) {
        logger.info("\(kafka.name): assigned", metadata: ["partitions": "\(partitions.sorted())"])
        health.up(.consumer)
        health.topicMissing(false)
        var starts: [Int32: Int64] = [:]
        var unseen: [Int32] = []
        for partition in partitions {
            if let position = delegate.position(of: partition) {
                starts[partition] = position
            } else {
                unseen.append(partition)
            }
        }
        starts.merge(startOffsets(of: unseen), uniquingKeysWith: { position, _ in position })
        wanted.merge(starts, uniquingKeysWith: { _, start in start })
        place(starts)
        assignment.add(partitions)
    }

    private func revoke(_ partitions: [Int32]) {
        if rd_kafka_assignment_lost(client.handle) != 0 {
            logger.warning(
                "\(kafka.name): partitions were lost (the group heard nothing of this member for too long)",
                metadata: ["partitions": "\(partitions.sorted())"])
        } else {
            logger.info("\(kafka.name): revoked", metadata: ["partitions": "\(partitions.sorted())"])
        }
        held.drop(Set(partitions))
        // Before the partitions go, so that the delegate can still commit what it has checkpointed.
        delegate.revoke(partitions)
        // Librdkafka keeps a partition paused beyond its assignment; a later owner that is not paused must
        // not be.
        if paused {
            let list = PartitionList(topic: kafka.topic, partitions: partitions)
            rd_kafka_resume_partitions(client.handle, list.pointer)
        }
        for partition in partitions { wanted[partition] = nil }
        gaps.subtract(partitions)
        assignment.remove(partitions)
        remove(partitions)
    }

    /// Where partitions start that this state has never seen.
    private func startOffsets(of partitions: [Int32]) -> [Int32: Int64] {
        func all(_ offset: Int32) -> [Int32: Int64] {
            Dictionary(uniqueKeysWithValues: partitions.map { ($0, Int64(offset)) })
        }
        switch options.start {
        case .earliest: return all(RD_KAFKA_OFFSET_BEGINNING)
        case .latest: return all(RD_KAFKA_OFFSET_END).merging(ends(of: partitions)) { $1 }
        case .time(let time):
            guard !partitions.isEmpty else { return [:] }
            // Takes times in, and gives offsets out; the end where no record is as late.
            let list = PartitionList(
                topic: kafka.topic, Dictionary(uniqueKeysWithValues: partitions.map { ($0, time) }))
            let error = rd_kafka_offsets_for_times(client.handle, list.pointer, Self.lookUpMilliseconds)
            let failed = list.elements.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }?.err ?? error
            guard failed == RD_KAFKA_RESP_ERR_NO_ERROR else {
                // Anywhere else would skip or repeat events; every poll fails from here, so nothing is handed
                // out.
                failure = EventLogError(
                    .timedOut,
                    "\(kafka.name): the offsets at time \(time) (source.kafka.start) could not be looked up: "
                        + "\(rdKafkaText(failed)). Start again, or choose another start")
                return all(RD_KAFKA_OFFSET_END)
            }
            return Dictionary(uniqueKeysWithValues: list.elements.map { ($0.partition, $0.offset) })
        }
    }

    /// Where the partitions end now, as far as the broker says, made known to the state. What it does not say is left
    /// to librdkafka, and is not known to the state before the first record.
    private func ends(of partitions: [Int32]) -> [Int32: Int64] {
        var ends: [Int32: Int64] = [:]
        for partition in partitions {
            guard
                let (_, end) = client.queryWatermarks(
                    topic: kafka.topic, partition: partition, milliseconds: Self.endMilliseconds)
            else { break }
            ends[partition] = end
            delegate.began(partition: partition, at: end)
        }
        return ends
    }

    /// Starts fetching partitions at the offsets given.
    func place(_ offsets: [Int32: Int64]) {
        if isCooperative {
            let list = PartitionList(topic: kafka.topic, offsets)
            note(rd_kafka_incremental_assign(client.handle, list.pointer))
        } else {
            // An eager protocol knows whole assignments only.
            let all = wanted.merging(offsets, uniquingKeysWith: { _, offset in offset })
            let list = PartitionList(topic: kafka.topic, all)
            rd_kafka_assign(client.handle, list.pointer)
        }
        guard paused else { return }
        let list = PartitionList(topic: kafka.topic, partitions: offsets.keys)
        rd_kafka_pause_partitions(client.handle, list.pointer)
    }

    func remove(_ partitions: [Int32]) {
        if isCooperative {
            let list = PartitionList(topic: kafka.topic, partitions: partitions)
            note(rd_kafka_incremental_unassign(client.handle, list.pointer))
        } else {
            rd_kafka_assign(client.handle, nil)
        }
    }

    private var isCooperative: Bool {
        rd_kafka_rebalance_protocol(client.handle).map { String(cString: $0) } == "COOPERATIVE"
    }

    private func note(_ error: OpaquePointer?) {
        guard let error else { return }
        logger.warning("\(kafka.name): rebalance: \(String(cString: rd_kafka_error_string(error)))")
        rd_kafka_error_destroy(error)
    }
}
