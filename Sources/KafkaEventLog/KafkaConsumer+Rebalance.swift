import CRdKafka
import EventLog
import Logging

/// Partitions that come and go.
extension KafkaConsumer {
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
            revoke(Array(unsettled.union(wanted.keys)))
        }
    }

    private func assign(_ partitions: [Int32]) {
        logger.info("\(kafka.name): assigned", metadata: ["partitions": "\(partitions.sorted())"])
        client.noteAssignment()
        health.up(.consumer)
        health.topicMissing(false)
        unsettled.formUnion(partitions)
        nextSettlement = .now
        assignment.add(partitions)
        // The group is answered; where each partition begins is settled by the next poll.
        place([:])
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
        if fetchingPaused {
            let list = PartitionList(topic: kafka.topic, partitions: partitions)
            rd_kafka_resume_partitions(client.handle, list.pointer)
        }
        let placed = partitions.filter { wanted[$0] != nil }
        for partition in partitions {
            wanted[partition] = nil
            newest[partition] = nil
            anchors[partition] = nil
        }
        unsettled.subtract(partitions)
        gaps.subtract(partitions)
        assignment.remove(partitions)
        remove(placed)
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
        guard fetchingPaused else { return }
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
