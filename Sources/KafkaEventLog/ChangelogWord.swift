import CRdKafka
import EventLog

/// What stands beside a group's offset (its metadata) where the commit told of a partition's users: the name of their changelog.
/// An offset that somebody else has set, a tool say, has none.
enum ChangelogWord {
    private static let prefix = "freshet-users="

    static func text(_ changelog: UInt64) -> String { prefix + String(changelog, radix: 16) }

    static func changelog(in text: String) -> UInt64? {
        guard text.hasPrefix(prefix) else { return nil }
        return UInt64(text.dropFirst(prefix.count), radix: 16)
    }
}

extension rd_kafka_topic_partition_t {
    /// `nil` where the group has no offset.
    var committedPosition: CommittedPosition? {
        guard offset >= 0 else { return nil }
        guard let metadata, metadata_size > 0 else { return CommittedPosition(offset) }
        // The list's bytes, which end with no zero; copied here.
        let bytes = UnsafeRawBufferPointer(start: metadata, count: metadata_size)
        return CommittedPosition(
            offset, changelog: ChangelogWord.changelog(in: String(decoding: bytes, as: UTF8.self)))
    }
}
