import CRdKafka

/// Who a consumer is to its group, and in which generation, as transactions tell the broker.
///
/// One that the group took for dead and let in again has another name. So as long as the name stays the same no other member
/// can have been given what this one has: under the cooperative protocol a partition goes to another only after it was
/// revoked here.
struct KafkaMembership: ~Copyable {
    /// As librdkafka wants it.
    let metadata: OpaquePointer
    /// Group, member and instance, but for the generation; `nil` where librdkafka writes them down in a form that is not known.
    let names: [UInt8]?
    /// False of one that is in no group just now. A broker takes offsets without a name and a generation from anybody, for producers
    /// from before KIP-447, whoever may have the partitions.
    let isCurrent: Bool

    private static let magic = Array("CGMDv2:".utf8)

    /// Takes the metadata, and destroys it.
    init(_ metadata: OpaquePointer) {
        self.metadata = metadata
        let written = Self.written(metadata)
        guard written.starts(with: Self.magic),
            written.count > Self.magic.count + MemoryLayout<Int32>.size
        else {
            (names, isCurrent) = (nil, true)
            return
        }
        let generation = written.dropFirst(Self.magic.count).withUnsafeBytes {
            $0.loadUnaligned(as: Int32.self)
        }
        let names = Array(written.dropFirst(Self.magic.count + MemoryLayout<Int32>.size))
        // The group, and then the member.
        let parts = names.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        self.names = names
        isCurrent = generation >= 0 && parts.count > 1 && !parts[1].isEmpty
    }

    deinit { rd_kafka_consumer_group_metadata_destroy(metadata) }

    /// "CGMDv2:", four bytes of generation, then the names, each with a zero behind it: librdkafka 1.6 to 2.15 have no other way
    /// to say whom metadata names.
    private static func written(_ metadata: OpaquePointer) -> [UInt8] {
        var start: UnsafeMutableRawPointer?
        var count = 0
        if let error = rd_kafka_consumer_group_metadata_write(metadata, &start, &count) {
            rd_kafka_error_destroy(error)
            return []
        }
        guard let start else { return [] }
        defer { rd_kafka_mem_free(nil, start) }
        // Unsafe: the buffer is the caller's, `count` bytes long.
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}
