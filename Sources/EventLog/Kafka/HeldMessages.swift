import CRdKafka
import Events

/// Messages taken from librdkafka and not yet handed out: one poll's worth, or what came in while pausing; and between
/// them the ends of partitions that were seen.
///
/// A rebalance may strike in the middle of a poll. What is held of a partition taken away is then dropped
/// here, before the engine has seen it, and its next owner reads it again.
struct HeldMessages: ~Copyable {
    private enum Entry {
        case message(UnsafeMutablePointer<rd_kafka_message_t>)
        /// There is nothing to read before this offset that was not read already.
        case end(partition: Int32, offset: Int64)

        var partition: Int32 {
            switch self {
            case .message(let message): message.pointee.partition
            case .end(let partition, _): partition
            }
        }
    }

    private var entries: [Entry] = []
    /// Messages alone.
    private(set) var count = 0
    private(set) var payloadBytes = 0

    var isEmpty: Bool { entries.isEmpty }

    deinit {
        for case .message(let message) in entries { rd_kafka_message_destroy(message) }
    }

    /// Takes ownership.
    mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        entries.append(.message(message))
        count += 1
        payloadBytes += message.pointee.len
    }

    mutating func appendEnd(of partition: Int32, at offset: Int64) {
        entries.append(.end(partition: partition, offset: offset))
    }

    mutating func drop(_ partitions: Set<Int32>) {
        remove { partitions.contains($0.partition) }
    }

    mutating func dropAll() {
        remove { _ in true }
    }

    private mutating func remove(_ condition: (Entry) -> Bool) {
        let dropped = entries.filter(condition)
        // First, for the condition looks into the messages.
        entries.removeAll(where: condition)
        for case .message(let message) in dropped { letGo(message) }
    }

    private mutating func letGo(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        count -= 1
        payloadBytes -= message.pointee.len
        rd_kafka_message_destroy(message)
    }

    /// Moves the oldest messages, up to `recordsMax`, and what lies between them to `batch`.
    mutating func handOut(to batch: inout LogBatch, recordsMax: Int) {
        var handedOut = 0
        var records = 0
        for entry in entries {
            if case .message(let message) = entry {
                guard records < recordsMax else { break }
                records += 1
                batch.append(
                    token: Token(partition: message.pointee.partition, offset: message.pointee.offset),
                    time: message.logTime,
                    payload: UnsafeRawBufferPointer(
                        start: message.pointee.payload, count: message.pointee.len),
                    isTombstone: message.pointee.payload == nil)
            }
            handedOut += 1
        }
        tellPositions(entries[..<handedOut], to: &batch)
        for case .message(let message) in entries[..<handedOut] { letGo(message) }
        entries.removeSubrange(..<handedOut)
    }

    /// Fingerprints are taken of the last message of each partition alone: they are what the state needs.
    private func tellPositions(_ entries: ArraySlice<Entry>, to batch: inout LogBatch) {
        var positions: [Int32: Int64] = [:]
        var last: [Int32: UnsafeMutablePointer<rd_kafka_message_t>] = [:]
        for entry in entries.reversed() {
            let partition = entry.partition
            switch entry {
            case .message(let message) where last[partition] == nil:
                last[partition] = message
                if positions[partition] == nil { positions[partition] = message.pointee.offset + 1 }
            case .end(_, let offset) where positions[partition] == nil: positions[partition] = offset
            default: break
            }
        }
        for (partition, next) in positions {
            batch.stand(partition, at: next, last: last[partition].map { RecordFingerprint($0) })
        }
    }
}
