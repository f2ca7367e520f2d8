public import Events

/// Records taken from the log together, their payloads in one buffer.
///
/// One buffer rather than an array per record: at a million records a second the allocations would cost more than
/// the decoding. The buffer ends in `padding` spare bytes, because simdjson reads past the end of its input.
public struct LogBatch: Sendable {
    public struct Record: Sendable {
        public let token: Token
        /// Milliseconds since 1970, as the log says.
        public let time: Int64
        /// The record has no payload, not even an empty one: on a compacted topic its key is deleted by it.
        public let isTombstone: Bool
        let start: Int
        let length: Int
    }

    public static let padding = 64

    public private(set) var records: [Record] = []
    private var bytes: [UInt8] = []
    /// By partition, where its reader stands after this batch. May lie past the last record, and be told without any:
    /// what was passed over is no record that could be read.
    public private(set) var positions: [Int32: Int64] = [:]
    /// By partition, its last record in this batch.
    public private(set) var fingerprints: [Int32: RecordFingerprint] = [:]

    public init() {}

    /// Holds neither records nor positions.
    public var isEmpty: Bool { records.isEmpty && positions.isEmpty }
    public var count: Int { records.count }

    /// Makes room for that much more.
    public mutating func reserve(records more: Int, bytes moreBytes: Int) {
        records.reserveCapacity(records.count + more)
        bytes.reserveCapacity(bytes.count + moreBytes + Self.padding)
    }

    public mutating func append(
        token: Token, time: Int64, payload: UnsafeRawBufferPointer, isTombstone: Bool = false
    ) {
        records.append(
            Record(
                token: token, time: time, isTombstone: isTombstone, start: bytes.count, length: payload.count)
        )
        bytes.append(contentsOf: payload)
    }

    /// The reader of `partition` stands at `next`; `last` is its last record, if it had any in this batch.
    public mutating func stand(_ partition: Int32, at next: Int64, last: RecordFingerprint? = nil) {
        positions[partition] = next
        if let last { fingerprints[partition] = last }
    }

    public mutating func removeAll() {
        positions.removeAll(keepingCapacity: true)
        fingerprints.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Calls `body` with each record in log order; `padding` readable bytes follow each payload.
    public mutating func forEach(_ body: (Record, UnsafeRawBufferPointer) throws -> Void) rethrows {
        bytes.append(contentsOf: repeatElement(0, count: Self.padding))
        defer { bytes.removeLast(Self.padding) }
        try bytes.withUnsafeBytes { all in
            for record in records {
                try body(
                    record, UnsafeRawBufferPointer(rebasing: all[record.start..<record.start + record.length])
                )
            }
        }
    }
}
