import CRdKafka
import EventLog
import Events

/// Messages taken from librdkafka and not yet handed out: one poll's worth, or what came in while pausing; and between
/// them the ends of partitions that were seen.
///
/// A rebalance may strike in the middle of a poll. What is held of a partition taken away is then dropped
/// here, before the engine has seen it, and its next owner reads it again.
struct HeldMessages: ~Copyable {
    /// A message, or the end of a partition: there is nothing to read before `next` that was not read already.
    private struct Entry {
        /// `nil` of an end.
        var message: UnsafeMutablePointer<rd_kafka_message_t>?
        var partition: Int32
        /// The offset that follows.
        var next: Int64
    }

    /// Where a partition stands after the entries so far.
    private struct Stand {
        var partition: Int32
        var next: Int64
        var last: UnsafeMutablePointer<rd_kafka_message_t>?
    }

    private var entries: [Entry] = []
    /// Messages alone.
    private(set) var count = 0
    private(set) var payloadBytes = 0

    var isEmpty: Bool { entries.isEmpty }

    deinit {
        for case let message? in entries.lazy.map(\.message) { rd_kafka_message_destroy(message) }
    }

    /// Takes ownership.
    mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        entries.append(
            Entry(
                message: message, partition: message.pointee.partition, next: message.pointee.offset + 1))
        count += 1
        payloadBytes += message.pointee.len
    }

    mutating func appendEnd(of partition: Int32, at offset: Int64) {
        entries.append(Entry(message: nil, partition: partition, next: offset))
    }

    mutating func drop(_ partitions: Set<Int32>) {
        remove { partitions.contains($0) }
    }

    mutating func dropAll() {
        remove { _ in true }
    }

    private mutating func remove(_ isDropped: (Int32) -> Bool) {
        let dropped = entries.filter { isDropped($0.partition) }
        entries.removeAll { isDropped($0.partition) }
        for case let message? in dropped.lazy.map(\.message) { letGo(message) }
    }

    private mutating func letGo(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        count -= 1
        payloadBytes -= message.pointee.len
        rd_kafka_message_destroy(message)
    }

    /// Moves the oldest messages, up to `recordsMax`, and what lies between them to `batch`.
    mutating func handOut(to batch: inout LogBatch, recordsMax: Int) {
        batch.reserve(records: min(count, recordsMax), bytes: payloadBytes)
        var (handedOut, records) = (0, 0)
        // A few partitions, and many entries of one after another: sought from the last one found.
        var stands: [Stand] = []
        var current = 0
        for entry in entries {
            if let message = entry.message {
                guard records < recordsMax else { break }
                records += 1
                batch.append(
                    token: Token(partition: entry.partition, offset: message.pointee.offset),
                    time: message.logTime,
                    payload: UnsafeRawBufferPointer(
                        start: message.pointee.payload, count: message.pointee.len),
                    isTombstone: message.pointee.payload == nil)
            }
            handedOut += 1
            if current >= stands.count || stands[current].partition != entry.partition {
                current = stands.firstIndex { $0.partition == entry.partition } ?? stands.count
                if current == stands.count {
                    stands.append(Stand(partition: entry.partition, next: entry.next, last: nil))
                }
            }
            stands[current].next = entry.next
            if let message = entry.message { stands[current].last = message }
        }
        // Fingerprints are taken of the last message of each partition alone: they are what the state needs.
        for stand in stands {
            batch.stand(stand.partition, at: stand.next, last: stand.last.map { RecordFingerprint($0) })
        }
        letGoOldest(handedOut)
    }

    private mutating func letGoOldest(_ number: Int) {
        for index in 0..<number {
            if let message = entries[index].message { letGo(message) }
        }
        if number == entries.count {
            entries.removeAll(keepingCapacity: true)
        } else {
            entries.removeSubrange(..<number)
        }
    }
}
