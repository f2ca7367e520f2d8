import CRdKafka

/// Who a consumer is to its group, and in which generation, as transactions tell the broker.
///
/// One that the group took for dead and let in again has another name. So as long as the name stays the same no other member
/// can have been given what this one has: under the cooperative protocol a partition goes to another only after it was
/// revoked here.
struct KafkaMembership: ~Copyable {
    /// As librdkafka wants it.
    let metadata: OpaquePointer

    /// Takes the metadata, and destroys it.
    init(_ metadata: OpaquePointer) { self.metadata = metadata }

    deinit { rd_kafka_consumer_group_metadata_destroy(metadata) }

    /// Group, member and instance, but for the generation; `nil` where librdkafka writes it down in a form that is not known.
    ///
    /// "CGMDv2:", four bytes of generation, then the names (`rd_kafka_consumer_group_metadata_write`): librdkafka 1.6 to 2.15 have no
    /// other way to say whom metadata names.
    var names: [UInt8]? {
        var start: UnsafeMutableRawPointer?
        var count = 0
        if let error = rd_kafka_consumer_group_metadata_write(metadata, &start, &count) {
            rd_kafka_error_destroy(error)
            return nil
        }
        // Unsafe: the buffer is the caller's, `count` bytes long.
        guard let start else { return nil }
        defer { rd_kafka_mem_free(nil, start) }
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        let magic = Array("CGMDv2:".utf8)
        guard bytes.starts(with: magic) else { return nil }
        return Array(bytes.dropFirst(magic.count + MemoryLayout<Int32>.size))
    }
}
