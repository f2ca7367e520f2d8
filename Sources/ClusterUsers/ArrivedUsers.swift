internal import Checkpoints
internal import ClusterItems
internal import Counting
internal import Dispatch
internal import Events
internal import Foundation
internal import Histories
internal import Locking
package import State

/// What came of taking a partition's users in.
package struct TakenIn: Equatable, Sendable {
    package var users = 0
    /// Users, or rows of theirs, whose bytes make no sense.
    package var malformed = 0
    /// Items of users' histories that are not known here, each for each user.
    package var unknownItems = 0

    package init() {}

    mutating func add(_ other: TakenIn) {
        users += other.users
        malformed += other.malformed
        unknownItems += other.unknownItems
    }
}

/// What users have to fit.
package struct ArrivalRules: Sendable {
    struct Model: Sendable {
        var name: String
        /// Of a user's row; `nil` where none is kept.
        var factors: Int?
        var keepsTrails: Bool
    }

    let models: [Model]

    package init(models: [ModelOptions], of state: StateOptions) {
        self.models = models.map { model in
            Model(
                name: model.name, factors: model.learnsRows ? model.factors(of: state.factors) : nil,
                keepsTrails: model.keepsTrails)
        }
    }
}

/// Items as they are known here: all that users who come now can name.
package struct KnownItems: Sendable {
    package let rows: [UInt64: Int32]
    package let count: Int

    package init(rows: [UInt64: Int32], count: Int) { (self.rows, self.count) = (rows, count) }
}

struct ArrivedUser {
    var id: EntityID
    var state: UserState
    /// By the model's number; `nil` of one that the changelog does not have, or whose bytes make no sense.
    var rows: [ArrivedRow?]
}

enum ArrivedRow {
    case factors([Float], bias: Float, step: Float)
    case trail(UserTrail)
}

/// Users of a changelog made ready for a state: all that takes long is done, beside learning.
///
/// `@unchecked Sendable`: histories and trails have storage on the heap, which whoever made them here alone knows until the
/// state has them.
package struct ArrivedUsers: @unchecked Sendable {
    private(set) var users: [ArrivedUser] = []
    private(set) var outcome = TakenIn()

    package init(_ travelling: [TravellingUser], for rules: ArrivalRules, items: KnownItems) {
        users.reserveCapacity(travelling.count)
        for user in travelling { take(user, rules, items) }
    }

    private mutating func take(_ user: TravellingUser, _ rules: ArrivalRules, _ items: KnownItems) {
        guard let bytes = user.state else { return }
        guard let id = try? EntityID(user.id),
            let moved = try? MovedUser(bytes, id: user.id, rowOfHash: { items.rows[$0] }),
            let state = UserState(moved.user, id: id)
        else {
            outcome.malformed += 1
            return
        }
        outcome.users += 1
        outcome.unknownItems += moved.unknownItems
        let rows = rules.models.map { model -> ArrivedRow? in
            guard let bytes = user.rows[model.name] else { return nil }
            let row = Self.row(bytes, model, items)
            if row == nil { outcome.malformed += 1 }
            return row
        }
        users.append(ArrivedUser(id: id, state: state, rows: rows))
    }

    private static func row(
        _ bytes: [UInt8], _ model: ArrivalRules.Model, _ items: KnownItems
    ) -> ArrivedRow? {
        switch try? MovedRow(bytes, rowOfHash: { items.rows[$0] }) {
        case .factors(let vector, let bias, let step) where vector.count == model.factors:
            return .factors(vector, bias: bias, step: step)
        case .trail(let blob) where model.keepsTrails:
            var reader = ByteReader(blob)
            return UserTrail(&reader, items: items.count).map { .trail($0) }
        default: return nil
        }
    }

    /// Made ready on all cores: parts of users in their order.
    package static func ready(
        _ parts: [[TravellingUser]], for rules: ArrivalRules, items: KnownItems
    ) -> [ArrivedUsers] {
        let made = Lock<[Int: ArrivedUsers]>([:])
        DispatchQueue.concurrentPerform(iterations: parts.count) { number in
            let part = ArrivedUsers(parts[number], for: rules, items: items)
            made.withLock { $0[number] = part }
        }
        return made.withLock { made in made.sorted { $0.key < $1.key }.map(\.value) }
    }
}

extension UserState {
    /// As another machine has told of the user; `nil` where that makes no sense.
    fileprivate init?(_ stored: StoredUser, id: EntityID) {
        guard let history = History(blob: stored.history, tallies: stored.tallies),
            let hidden = HiddenItems(blob: stored.hidden), let marks = TimedMarks(blob: stored.marks),
            // As of a state's file: who sent them may not have been sound.
            history.entries.allSatisfy({ $0.value.isFinite && StoredNumber.isMoment($0.time) }),
            StoredNumber.isOne(stored.residualSum),
            [stored.lastEvent, stored.tagsAt ?? 0].allSatisfy(StoredNumber.isMoment)
        else { return nil }
        self.init(id: id)
        self.history = history
        extras = UserExtras(
            hidden: hidden, marks: marks, tags: UserTags(TagList(stored.tags, time: stored.tagsAt)))
        residualSum = stored.residualSum
        // As many as the history holds here.
        ratings = history.entries.count { $0.kind == .rating }
        nextOrder = UInt32(truncatingIfNeeded: stored.nextOrder)
        lastEvent = stored.lastEvent
    }
}
