package import Checkpoints
internal import ClusterItems
internal import Foundation

/// All that a changelog says of a partition, as it is read from its beginning: the last value of each key.
package struct PartitionImage: Sendable {
    package private(set) var marker: PartitionMarker?
    private var users: [String: TravellingUser] = [:]
    package private(set) var recent: [String: Scalar] = [:]
    /// Records that make no sense.
    package private(set) var malformed = 0

    package init() {}

    package var userCount: Int { users.count { $0.value.isSomebody } }

    package mutating func take(key: [UInt8], value: [UInt8]?) {
        guard let known = RecordKey(key) else {
            malformed += 1
            return
        }
        switch known {
        case .user(let id): users[id, default: TravellingUser(id: id)].state = value
        case .row(let model, let id): users[id, default: TravellingUser(id: id)].rows[model] = value
        case .recent(let name): recent[name] = value.flatMap { RecentValue.read($0) }
        case .marker:
            let marker = value.flatMap { PartitionMarker($0) }
            if marker == nil { malformed += 1 }
            self.marker = marker ?? self.marker
        }
    }

    /// In the order of their ids' bytes, so that they get the same rows wherever they come from.
    package func forEachUsers(_ countMax: Int, _ body: ([TravellingUser]) -> Void) {
        let all = users.values.filter(\.isSomebody).sorted {
            $0.id.utf8.lexicographicallyPrecedes($1.id.utf8)
        }
        for start in stride(from: 0, to: all.count, by: countMax) {
            body(Array(all[start..<min(start + countMax, all.count)]))
        }
    }
}

/// What is known of a user, as a changelog has it.
package struct TravellingUser: Sendable, Equatable {
    package var id: String
    /// `nil` of one who was forgotten.
    package var state: [UInt8]?
    /// By model.
    package var rows: [String: [UInt8]] = [:]

    package init(id: String) { self.id = id }

    /// Rows alone are nobody.
    package var isSomebody: Bool { state != nil }
}

/// A user out of a changelog, with this machine's item rows, and none of the user's own yet.
struct MovedUser {
    var user: StoredUser
    /// Of its items those that are not known here.
    var unknownItems: Int

    init(_ value: [UInt8], id: String, rowOfHash: (UInt64) -> Int32?) throws(WireError) {
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
            row: -1, id: Data(id.utf8), history: history, residualSum: residualSum, ratings: ratings,
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
        let vector = try reader.floats(try reader.count(ofAtLeast: 4))
        guard (vector + [bias, step]).allSatisfy({ StoredNumber.isOne(Double($0)) }) else {
            throw WireError(description: "a row has numbers that nobody learns")
        }
        self = .factors(vector, bias: bias, step: step)
    }
}

extension ItemResolution {
    init(_ reader: inout WireReader, _ rowOfHash: (UInt64) -> Int32?) throws(WireError) {
        let hashes = try reader.fixed(UInt64.self, count: try reader.count(ofAtLeast: 8))
        self.init(rows: hashes.map { rowOfHash($0) ?? -1 })
    }
}
