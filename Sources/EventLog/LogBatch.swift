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
        let start: Int
        let length: Int
    }

    public static let padding = 64

    public private(set) var records: [Record] = []
    private var bytes: [UInt8] = []

    public init() {}

    public var isEmpty: Bool { records.isEmpty }
    public var count: Int { records.count }

    public mutating func append(token: Token, time: Int64, payload: UnsafeRawBufferPointer) {
        records.append(Record(token: token, time: time, start: bytes.count, length: payload.count))
        bytes.append(contentsOf: payload)
    }

    public mutating func removeAll() {
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
