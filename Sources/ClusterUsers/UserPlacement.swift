// ClusterUsers: users who move between machines, a partition of the log at a time.
//
// Here live which partition a user belongs to, a user as bytes that mean the same on every machine, all that is known of a
// partition's users as it is read back, and how a state takes it in and lets it go. Pure: pages of a checkpoint and a
// state come in, keys and values come out. What never comes in: how bytes travel, and who is a member.

/// Which partition a user's events are in: what Kafka's own producers do with a key (murmur2, the sign bit cut off).
package struct UserPlacement: Equatable, Sendable {
    package let partitions: Int

    package init(partitions: Int) {
        precondition(partitions > 0)
        self.partitions = partitions
    }

    package func partition(of id: some Collection<UInt8>) -> Int32 {
        Int32(Int(Self.murmur2(Array(id)) & 0x7FFF_FFFF) % partitions)
    }

    /// As `org.apache.kafka.common.utils.Utils.murmur2` computes it.
    package static func murmur2(_ bytes: [UInt8]) -> UInt32 {
        let multiplier: UInt32 = 0x5BD1_E995
        var hash = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
        var place = 0
        while place + 4 <= bytes.count {
            var word =
                UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
                | UInt32(bytes[place + 3]) << 24
            word = word &* multiplier
            word = (word ^ (word >> 24)) &* multiplier
            hash = (hash &* multiplier) ^ word
            place += 4
        }
        if place < bytes.count {
            for (number, byte) in bytes[place...].enumerated() {
                hash ^= UInt32(byte) << (8 * UInt32(number))
            }
            hash = hash &* multiplier
        }
        hash = (hash ^ (hash >> 13)) &* multiplier
        return hash ^ (hash >> 15)
    }
}
