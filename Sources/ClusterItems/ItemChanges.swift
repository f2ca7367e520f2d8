// ClusterItems: how machines that learn parts of one stream tell each other what they have learned of items.
//
// Here live the ledger, which knows what of a state's items others have been told and have told, the changes that it makes
// out of that and merges, and their bytes. Pure: a state and changes come in, changes come out. What never comes in: how
// bytes travel, who is a member, and users.

package import Learners

/// What one machine has learned of items since it last told the others. A value; its bytes are in `ItemChanges+Wire`.
///
/// Counts are exact sums: whoever adds all changes of all machines, in whatever order, has what one machine would have
/// counted (half-lives go by each machine's clock, see `age`). Rows of factors are differences, rounded to eight bits; what
/// rounding leaves over is part of the next change.
package struct ItemChanges: Equatable, Sendable {
    /// Whose they are; the same after a restart from the state that belongs to them.
    package var origin: UInt64 = 0
    /// Which process of the origin's.
    package var life: UInt64 = 0
    /// Counts the changes of an origin, from 1.
    package var sequence: Int64 = 0
    /// Of the models; changes of others mean nothing here.
    package var shape: UInt64 = 0
    /// Events of the stream that they came of.
    package var events: Int64 = 0
    /// Of these, the ratings.
    package var ratings = RatingMoments()
    package var items: [ItemChange] = []
    package var models: [ModelChange] = []

    package init() {}

    package var isEmpty: Bool { events == 0 && ratings.count == 0 && items.isEmpty && models.isEmpty }
}

/// What has changed of an item.
package struct ItemChange: Equatable, Sendable {
    /// Stands for the item's id (`ItemHash`).
    package var hash: UInt64
    /// The id itself, where it has not been said yet.
    package var name: String?
    package var stats: StatsChange?
    package var description: DescriptionChange?
    /// Of models in which anything has changed, ascending.
    package var parts: [ItemPart] = []

    package init(hash: UInt64) { self.hash = hash }
}

/// Differences of `ItemStats`.
package struct StatsChange: Equatable, Sendable {
    package var users: Int32
    package var ratings: Int32
    package var ratingSum: Double
    /// The newest, not a difference.
    package var lastEvent: Int64?
}

/// What was said of an item, and when; `nil` for what was not.
package struct DescriptionChange: Equatable, Sendable {
    package var title: String?
    /// All of them.
    package var tags: [String]?
    package var available: Bool?
    package var titleAt: Int64?
    package var tagsAt: Int64?
    package var availableAt: Int64?
}

/// What has changed of an item in one model.
package struct ItemPart: Equatable, Sendable {
    package var model: UInt8
    package var positives: Int32 = 0
    package var counts: CountsChange?
    package var fading: FadingChange?
    package var row: RowChange?

    package init(model: Int) { self.model = UInt8(truncatingIfNeeded: model) }

    package var isEmpty: Bool { positives == 0 && counts == nil && fading == nil && row == nil }
}

/// Decayed counts that were added.
package struct CountsChange: Equatable, Sendable {
    package var popular: Double
    package var trend: Double
    /// How many events before the change was made they stood so; of counts that fade by time, at which time.
    package var age: Int64
}

/// Counts of a blend's own that were added.
package struct FadingChange: Equatable, Sendable {
    package var gains: SIMD4<Float>
    package var age: Int64
    /// Milliseconds since 1970.
    package var time: Int64
}

/// What a row has moved by: `scale` times each code.
package struct RowChange: Equatable, Sendable {
    package var scale: Float
    package var codes: [Int8]
    package var bias: Float
    package var step: Float
    /// Steps that it came of, about; one at least.
    package var weight: Int32
}

/// What a model counts beside its items.
package struct ModelChange: Equatable, Sendable {
    package var model: UInt8
    /// Hashes of the items that follow each other, each once.
    package var items: [UInt64] = []
    package var followings: [FollowingChange] = []
    /// Of a version before, which told each by itself.
    package var transitions: [TransitionChange] = []
    package var retakes: [RetakeTable.Gain] = []
    /// Of a blend, what single events said of its weights (`BlendStep.numbers`).
    package var steps: [[Float]] = []

    package init(model: Int) { self.model = UInt8(truncatingIfNeeded: model) }
}

/// What followed an item (`SuccessorGain`); items by their places in `ModelChange.items`.
package struct FollowingChange: Equatable, Sendable {
    package var item: Int32
    package var gain: SuccessorGain
}

/// That one item came after another; both by their places in `ModelChange.items`.
package struct TransitionChange: Equatable, Sendable {
    package var from: Int32
    package var to: Int32
    package var weight: Float
    package var isNear: Bool
    package var time: Int64

    package init(from: Int32, to: Int32, weight: Float, isNear: Bool, time: Int64) {
        (self.from, self.to, self.weight, self.isNear, self.time) = (from, to, weight, isNear, time)
    }
}

/// 64 bits that stand for an id: of a hundred million items two have the same with a probability of one in four thousand.
package enum ItemHash {
    package static func of(_ id: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in id { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }
}
