/// Who has which partition, as the members' records say it, taken in the order of their topic.
package struct MemberDirectory: Sendable {
    /// A member says something at least this often.
    package static let refreshInterval: Duration = .seconds(3)
    /// Of whom nothing is heard for this long while others are heard, is gone.
    package static let goneAfter: Duration = .seconds(10)

    package struct Entry: Sendable {
        package var record: MemberRecord
        package var heard: ContinuousClock.Instant
    }

    private var entries: [UInt64: Entry] = [:]
    private var owners: [Int32: UInt64] = [:]
    /// When anybody was last heard. Where the broker cannot be reached nobody is, and nobody is gone for that.
    private var newest: ContinuousClock.Instant?
    /// Next offset of each partition of which what was learned of items is here.
    package private(set) var positions: [Int32: Int64] = [:]

    package init() {}

    package mutating func take(_ record: MemberRecord, heard: ContinuousClock.Instant) {
        newest = max(heard, newest ?? heard)
        for (partition, owner) in owners where owner == record.member { owners[partition] = nil }
        for (partition, position) in record.positions {
            owners[partition] = record.member
            positions[partition] = max(position, positions[partition] ?? 0)
        }
        entries[record.member] = record.isLeaving ? nil : Entry(record: record, heard: heard)
        guard let newest else { return }
        // Long gone: of those that come and go with new names the list would grow for ever.
        entries = entries.filter { $0.value.heard.duration(to: newest) < Self.goneAfter * 60 }
    }

    private func isThere(_ entry: Entry) -> Bool {
        guard let newest else { return false }
        return entry.heard.duration(to: newest) < Self.goneAfter
    }

    /// `nil` while nobody answers for the partition.
    package func owner(of partition: Int32) -> Entry? {
        guard let entry = owners[partition].flatMap({ entries[$0] }), isThere(entry) else { return nil }
        return entry
    }

    /// Those that are there, by name.
    package var members: [Entry] {
        entries.values.filter(isThere).sorted { $0.record.member < $1.record.member }
    }
}
