package import Checkpoints
internal import ClusterItems
internal import Foundation

/// All that a changelog says of a partition, as it is read from its beginning: the last value of each key.
package struct PartitionImage: Sendable {
    package private(set) var marker: PartitionMarker?
    private(set) var users: [String: [UInt8]] = [:]
    /// By model, then by user.
    private(set) var rows: [String: [String: [UInt8]]] = [:]
    package private(set) var recent: [String: Scalar] = [:]
    /// Records that make no sense.
    package private(set) var malformed = 0

    package init() {}

    package var userCount: Int { users.count }

    package mutating func take(key: [UInt8], value: [UInt8]?) {
        guard let known = RecordKey(key) else {
            malformed += 1
            return
        }
        switch known {
        case .user(let id): users[id] = value
        case .row(let model, let user): rows[model, default: [:]][user] = value
        case .recent(let name): recent[name] = value.flatMap(Self.scalar)
        case .marker:
            let marker = value.flatMap { try? JSONDecoder().decode(PartitionMarker.self, from: Data($0)) }
            if marker == nil { malformed += 1 }
            self.marker = marker ?? self.marker
        }
    }

    private static func scalar(_ value: [UInt8]) -> Scalar? {
        guard var reader = try? WireReader(sealed: value), let kind = try? reader.byte() else { return nil }
        if kind == 0 { return (try? reader.whole()).map { .integer($0) } }
        return (try? reader.data()).map { .blob(Data($0)) }
    }
}

/// A user out of a changelog, with this machine's item rows.
struct MovedUser {
    var user: StoredUser
    /// Of its items those that are not known here.
    var unknownItems: Int

    init(_ value: [UInt8], id: String, row: Int32, rowOfHash: (UInt64) -> Int32?) throws(WireError) {
        var reader = try WireReader(sealed: value)
        let items = try ItemResolution(&reader, rowOfHash)
        unknownItems = items.rows.count { $0 < 0 }
        let history = items.resolved(try reader.data(), stride: 24)
        let tallies = items.resolved(try reader.data(), stride: 24)
        let hidden = items.resolved(try reader.data(), stride: 4)
        let marks = items.resolved(try reader.data(), stride: 16)
        let residualSum = try reader.double()
        let (ratings, nextOrder, lastEvent) = (try reader.whole(), try reader.whole(), try reader.whole())
        var tags: [String] = []
        for _ in 0..<(try reader.count(ofAtLeast: 1)) { tags.append(try reader.text()) }
        user = StoredUser(
            row: row, id: Data(id.utf8), history: history, residualSum: residualSum, ratings: ratings,
            nextOrder: nextOrder, lastEvent: lastEvent, hidden: hidden, marks: marks, tallies: tallies,
            tags: tags, tagsAt: try reader.time())
    }
}

/// A user's row of a model out of a changelog.
enum MovedRow {
    case factors([Float], bias: Float, step: Float)
    case trail(Data)

    init(_ value: [UInt8], rowOfHash: (UInt64) -> Int32?) throws(WireError) {
        var reader = try WireReader(sealed: value)
        if try reader.byte() == 1 {
            let items = try ItemResolution(&reader, rowOfHash)
            guard let trail = items.resolvedTrail(try reader.data()) else {
                throw WireError(description: "a trail is malformed")
            }
            self = .trail(trail)
            return
        }
        let (bias, step) = (try reader.float(), try reader.float())
        var vector: [Float] = []
        for _ in 0..<(try reader.count(ofAtLeast: 4)) { vector.append(try reader.float()) }
        self = .factors(vector, bias: bias, step: step)
    }
}

extension ItemResolution {
    init(_ reader: inout WireReader, _ rowOfHash: (UInt64) -> Int32?) throws(WireError) {
        var rows: [Int32] = []
        for _ in 0..<(try reader.count(ofAtLeast: 8)) {
            rows.append(rowOfHash(try reader.fixed(UInt64.self)) ?? -1)
        }
        self.init(rows: rows)
    }
}
