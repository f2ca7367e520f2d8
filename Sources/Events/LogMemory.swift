/// What a state remembers of the log it was learned from, beside its positions: enough to tell, when it comes back,
/// whether that log is still the one.
public struct LogMemory: Sendable, Equatable, Codable {
    /// The log's own name for itself: the id of a Kafka cluster, or of an embedded log's file. `nil` before the first
    /// contact, and where the log has none.
    public var identity: String?
    /// Where the partitions start that were there when the state was made, as far as that is not their first record;
    /// any other one came later and starts at its beginning. `nil` before the first contact.
    public var origins: [Int32: Int64]?
    /// By partition, the newest record that was learned.
    public var last: [Int32: RecordFingerprint] = [:]
    /// By partition, an older one, learned before the log was last seen to be the same. A log that is exchanged
    /// beneath a running consumer differs here, even if newer records were already taken from it.
    public var anchors: [Int32: RecordFingerprint] = [:]

    public init() {}

    /// The records of a partition that have to stand where they stood.
    package func learned(_ partition: Int32) -> [RecordFingerprint] {
        [last[partition], anchors[partition]].compactMap(\.self)
    }

    /// A partition is learned anew from another log.
    public mutating func forget(_ partition: Int32) {
        last[partition] = nil
        anchors[partition] = nil
    }
}

/// Tells a record from any other that might stand in its place.
public struct RecordFingerprint: Sendable, Equatable, Codable {
    public var offset: Int64
    public var hash: UInt64

    public init(offset: Int64, hash: UInt64) {
        self.offset = offset
        self.hash = hash
    }

    /// FNV-1a over key, payload and time (milliseconds since 1970): the same in every process, for it is kept in
    /// states. It finds another record, it withstands no attacker.
    public init(offset: Int64, key: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, time: Int64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func combine(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        // The lengths part key and payload.
        for number in [Int64(key.count), Int64(payload.count), time] {
            withUnsafeBytes(of: number.littleEndian) { combine($0) }
        }
        combine(key)
        combine(payload)
        self.init(offset: offset, hash: hash)
    }
}
