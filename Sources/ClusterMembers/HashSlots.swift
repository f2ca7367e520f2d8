/// Redis Cluster's 16,384 slots. A client finds a key's slot by CRC-16; the log puts a user into a partition by murmur2. Neither
/// says anything of the other, so that no map of slots can be right for all users: here the slots are dealt evenly to the
/// partitions, in their order, so that each daemon is asked in proportion to what it has, and `MOVED` names the true owner.
package enum HashSlots {
    package static let count = 16_384

    /// As Redis Cluster's clients work it out: of what stands in the first braces, where anything does, else of the whole key.
    package static func slot(of key: some Collection<UInt8>) -> Int {
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[key.index(after: open)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close != rest.startIndex {
                return Int(crc16(rest[..<close])) % count
            }
        }
        return Int(crc16(key)) % count
    }

    /// CRC-16/XMODEM.
    private static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
        return crc
    }

    /// Slots that are dealt to a partition.
    ///
    /// - Parameter partitions: how many there are.
    package static func slots(of partition: Int, of partitions: Int) -> Range<Int> {
        count * partition / partitions..<count * (partition + 1) / partitions
    }
}
