package import Checkpoints
internal import ClusterItems
package import Events
internal import Foundation

/// What a partition's changelog says: a key and, unless it is taken back, a value.
package struct ChangelogRecord: Equatable, Sendable {
    package var partition: Int32
    package var key: [UInt8]
    package var value: [UInt8]?

    package init(partition: Int32, key: [UInt8], value: [UInt8]?) {
        (self.partition, self.key, self.value) = (partition, key, value)
    }
}

/// Up to where a partition was learned, by whom, and how much that was. The last record of each commit.
package struct PartitionMarker: Codable, Equatable, Sendable {
    /// The next offset of the events.
    package var position: Int64
    /// Events of the partition that were applied, over its whole life.
    package var events: Int64
    /// Of the topic of the events; users belong elsewhere where there are others.
    package var partitions: Int
    /// Whose commit it is.
    package var member: String
    /// Names the changelog, whoever goes on with it: one that was begun anew has another. `nil` of one that was begun before
    /// changelogs had names.
    package var changelog: UInt64?
    /// Records that have to stand in the topic of the events where they stood (`LogMemory`): whoever goes on there sees by them
    /// whether the topic was made anew meanwhile.
    package var last: RecordFingerprint?
    package var anchor: RecordFingerprint?

    package init(
        position: Int64, events: Int64, partitions: Int, member: String, changelog: UInt64? = nil,
        last: RecordFingerprint? = nil, anchor: RecordFingerprint? = nil
    ) {
        (self.position, self.events, self.partitions, self.member) = (position, events, partitions, member)
        (self.changelog, self.last, self.anchor) = (changelog, last, anchor)
    }

    /// A JSON object.
    package init?(_ value: [UInt8]) {
        guard let marker = try? JSONDecoder().decode(Self.self, from: Data(value)) else { return nil }
        self = marker
    }
}

/// Keys of a changelog: `u` and the user's id; `m`, a model's name, a zero and the user's id; `r` and the name of a scalar
/// of the recent events; `k`, the marker.
package enum RecordKey: Equatable {
    case user(String)
    case row(model: String, user: String)
    case recent(String)
    case marker

    var bytes: [UInt8] {
        switch self {
        case .user(let id): [UInt8(ascii: "u")] + id.utf8
        case .row(let model, let user): [UInt8(ascii: "m")] + model.utf8 + [0] + user.utf8
        case .recent(let name): [UInt8(ascii: "r")] + name.utf8
        case .marker: [UInt8(ascii: "k")]
        }
    }

    package init?(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return nil }
        func text(_ bytes: some Collection<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }
        switch kind {
        case UInt8(ascii: "u"):
            guard let id = text(bytes.dropFirst()) else { return nil }
            self = .user(id)
        case UInt8(ascii: "m"):
            guard let zero = bytes.firstIndex(of: 0), let model = text(bytes[1..<zero]),
                let user = text(bytes[(zero + 1)...])
            else { return nil }
            self = .row(model: model, user: user)
        case UInt8(ascii: "r"):
            guard let name = text(bytes.dropFirst()) else { return nil }
            self = .recent(name)
        case UInt8(ascii: "k") where bytes.count == 1: self = .marker
        default: return nil
        }
    }
}

/// A scalar of the recent events, as a changelog has it.
package enum RecentValue {
    static func write(_ value: Scalar) -> [UInt8]? {
        var writer = WireWriter()
        switch value {
        case .integer(let number):
            writer.write(UInt8(0))
            writer.write(number)
        case .blob(let data):
            writer.write(UInt8(1))
            writer.write(data)
        case .double: return nil
        }
        writer.seal()
        return writer.bytes
    }

    package static func read(_ value: [UInt8]) -> Scalar? {
        guard var reader = try? WireReader(sealed: value), let kind = try? reader.byte() else { return nil }
        if kind == 0 { return (try? reader.whole()).map { .integer($0) } }
        return (try? reader.data()).map { .blob(Data($0)) }
    }
}

/// Makes records of what a checkpoint says of users.
package struct UserRecordMaker {
    private let placement: UserPlacement
    private let hash: (Int32) -> UInt64
    /// Users who were taken in and have not changed since, by row: the ordinal of their last event.
    private let known: [Int32: Int64]
    package private(set) var records: [ChangelogRecord] = []
    private var unchanged: Set<Int32> = []
    /// Ids of the users of the pages, by row: a user is in the same page as the user's rows.
    private var ids: [Int32: [UInt8]] = [:]

    /// - Parameters:
    ///   - known: of users who came from another machine, by row, the ordinal of the last event then.
    ///   - hash: of an item's row.
    package init(
        _ placement: UserPlacement, known: [Int32: Int64], hash: @escaping (Int32) -> UInt64
    ) {
        (self.placement, self.known, self.hash) = (placement, known, hash)
    }

    /// Partitions that the records are of.
    package var partitions: Set<Int32> { Set(records.lazy.map(\.partition)) }

    package mutating func add(_ page: StateDelta) {
        for user in page.users { add(user) }
        for factors in page.userFactors { add(factors) }
        ids = [:]
    }

    package mutating func forget(_ id: String, models: [String]) {
        let partition = placement.partition(of: id.utf8)
        for key in [RecordKey.user(id)] + models.map({ .row(model: $0, user: id) }) {
            records.append(ChangelogRecord(partition: partition, key: key.bytes, value: nil))
        }
    }

    /// What is remembered of the last events, so that they are known again: scalars `recent.P` and `recent.P.…`.
    package mutating func add(recent scalars: [String: Scalar]) {
        for (name, value) in scalars {
            let words = name.split(separator: ".")
            guard words.first == "recent", words.count > 1, let partition = Int32(words[1]) else { continue }
            guard let bytes = RecentValue.write(value) else { continue }
            records.append(
                ChangelogRecord(partition: partition, key: RecordKey.recent(name).bytes, value: bytes))
        }
    }

    package mutating func add(_ marker: PartitionMarker, of partition: Int32) {
        guard let value = try? JSONEncoder().encode(marker) else { return }
        records.append(
            ChangelogRecord(partition: partition, key: RecordKey.marker.bytes, value: Array(value)))
    }

    private mutating func add(_ user: StoredUser) {
        ids[user.row] = Array(user.id)
        if known[user.row] == user.lastEvent {
            unchanged.insert(user.row)
            return
        }
        var items = ItemReferences(hash)
        let blobs = [
            items.replaced(user.history, stride: 24), items.replaced(user.tallies, stride: 24),
            items.replaced(user.hidden, stride: 4), items.replaced(user.marks, stride: 16),
        ]
        var writer = WireWriter()
        writer.write(items.hashes)
        for blob in blobs { writer.write(blob) }
        writer.write(user.residualSum)
        for number in [user.ratings, user.nextOrder, user.lastEvent] { writer.write(number) }
        writer.write(user.tags.count)
        for tag in user.tags { writer.write(tag) }
        writer.write(time: user.tagsAt)
        writer.seal()
        let id = String(decoding: user.id, as: UTF8.self)
        records.append(
            ChangelogRecord(
                partition: placement.partition(of: user.id), key: RecordKey.user(id).bytes,
                value: writer.bytes))
    }

    private mutating func add(_ factors: StoredFactors) {
        for (place, row) in factors.rows.enumerated() where !unchanged.contains(row) {
            guard let id = ids[row] else { continue }
            var writer = WireWriter()
            if place < factors.trails.count {
                var items = ItemReferences(hash)
                let trail = items.replacedTrail(factors.trails[place])
                writer.write(UInt8(1))
                writer.write(items.hashes)
                writer.write(trail)
            } else {
                writer.write(UInt8(0))
                writer.write(factors.biases[place])
                writer.write(factors.steps[place])
                let start = place * factors.factors
                writer.write(factors.factors)
                for number in factors.vectors[start..<start + factors.factors] { writer.write(number) }
            }
            writer.seal()
            let key = RecordKey.row(model: factors.model, user: String(decoding: id, as: UTF8.self))
            records.append(
                ChangelogRecord(partition: placement.partition(of: id), key: key.bytes, value: writer.bytes))
        }
    }
}

extension WireWriter {
    fileprivate mutating func write(_ hashes: [UInt64]) {
        write(hashes.count)
        for hash in hashes { write(fixed: hash) }
    }
}
