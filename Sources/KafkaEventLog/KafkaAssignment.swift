import CRdKafka
import EventLog
import Locking
import Logging

/// What the group has given this member, as every thread may see it; the consumer's thread alone changes it.
final class KafkaAssignment: Sendable {
    private struct State {
        /// `nil` once the consumer is closed.
        var client: KafkaClient?
        var partitions: Set<Int32> = []
        var paused = false
        var groupMember: String?
    }

    private let topic: String
    private let logger: Logger
    private let state: Lock<State>

    init(_ client: KafkaClient, topic: String, logger: Logger) {
        self.topic = topic
        self.logger = logger
        state = Lock(State(client: client))
    }

    func add(_ partitions: some Sequence<Int32> & Sendable) {
        state.withLock { $0.partitions.formUnion(partitions) }
    }

    func remove(_ partitions: [Int32]) {
        state.withLock { $0.partitions.subtract(partitions) }
    }

    func setPaused(_ paused: Bool) {
        state.withLock { $0.paused = paused }
    }

    func close() {
        state.withLock { $0 = State() }
    }

    var statuses: [PartitionStatus] {
        let (client, partitions, paused) = state.withLock { ($0.client, $0.partitions, $0.paused) }
        guard let client else { return [] }
        return partitions.sorted().map { partition in
            let (earliest, end) = client.watermarks(topic: topic, partition: partition)
            return PartitionStatus(partition: partition, end: end, earliest: earliest, paused: paused)
        }
    }

    /// As which member of which generation offsets are committed; whoever calls destroys it.
    var groupMetadata: OpaquePointer? {
        state.withLock { $0.client }.flatMap { rd_kafka_consumer_group_metadata($0.handle) }
    }

    /// See `KafkaClient`.
    var isFenced: Bool { state.withLock { $0.client }?.isFenced ?? false }

    /// What the group calls this member; `nil` while it is in none.
    var groupMember: String? { state.withLock { $0.groupMember } }

    /// Looks what the group calls this member. On the consumer's thread: librdkafka must not be asked while it closes.
    func nameMember() {
        guard let client = state.withLock({ $0.client }) else { return }
        let name = client.memberName
        state.withLock { $0.groupMember = name }
    }

    /// Asynchronous; the offset-commit callback logs what the broker refuses.
    func commit(_ positions: [Int32: Int64]) {
        let (client, partitions) = state.withLock { ($0.client, $0.partitions) }
        let own = positions.filter { partitions.contains($0.key) }
        guard let client, !own.isEmpty else { return }
        let list = PartitionList(topic: topic, own)
        let error = rd_kafka_commit(client.handle, list.pointer, 1)
        if error != RD_KAFKA_RESP_ERR_NO_ERROR {
            logger.warning("offsets were not committed to the group: \(rdKafkaText(error))")
        }
    }
}
