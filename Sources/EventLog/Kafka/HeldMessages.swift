import CRdKafka
internal import Events

/// Messages taken from librdkafka and not yet handed out: one poll's worth, or what came in while pausing.
///
/// A rebalance may strike in the middle of a poll. What is held of a partition taken away is then dropped
/// here, before the engine has seen it, and its next owner reads it again.
struct HeldMessages: ~Copyable {
    private var messages: [UnsafeMutablePointer<rd_kafka_message_t>] = []
    private(set) var payloadBytes = 0

    var count: Int { messages.count }
    var isEmpty: Bool { messages.isEmpty }

    deinit {
        for message in messages { rd_kafka_message_destroy(message) }
    }

    /// Takes ownership.
    mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        messages.append(message)
        payloadBytes += message.pointee.len
    }

    mutating func drop(_ partitions: Set<Int32>) {
        remove { partitions.contains($0.pointee.partition) }
    }

    mutating func dropAll() {
        remove { _ in true }
    }

    private mutating func remove(_ condition: (UnsafeMutablePointer<rd_kafka_message_t>) -> Bool) {
        messages.removeAll { message in
            guard condition(message) else { return false }
            payloadBytes -= message.pointee.len
            rd_kafka_message_destroy(message)
            return true
        }
    }

    /// Moves the oldest messages, up to `recordsMax`, to `batch`.
    mutating func handOut(to batch: inout LogBatch, recordsMax: Int) {
        let handedOut = min(recordsMax, messages.count)
        for message in messages[..<handedOut] {
            let token = Token(partition: message.pointee.partition, offset: message.pointee.offset)
            // -1 where the broker is too old to know a time.
            let time = max(0, rd_kafka_message_timestamp(message, nil))
            batch.append(
                token: token, time: time,
                payload: UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len))
            payloadBytes -= message.pointee.len
            rd_kafka_message_destroy(message)
        }
        messages.removeSubrange(..<handedOut)
    }
}
