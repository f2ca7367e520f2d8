/// What was thought of one rating or signal before it was learned.
public struct ReplayedEvent: Sendable, Equatable {
    /// How an item stands among the candidates.
    public struct Standing: Sendable, Equatable {
        /// Candidates that score higher.
        public var higher: Int
        /// Other candidates that score the same.
        public var equal: Int

        public init(higher: Int, equal: Int) {
            self.higher = higher
            self.equal = equal
        }
    }

    /// The event's item among all candidates.
    public struct Ranking: Sendable, Equatable {
        /// Items heard of before that may be shown to the user, the event's own among them.
        public var candidates: Int
        /// Per model, also for one that does not learn from the event: what is compared are the same events.
        public var models: [Standing]
        /// By the number of users who liked the item so far.
        public var popularity: Standing
        /// The same, recent ones weighing more.
        public var decayedPopularity: Standing
    }

    /// Counts the events of the replay, from 1.
    public var ordinal: Int64
    /// Place among all that was handed to the replay, duplicates too, from 0.
    public var offset: Int64
    /// The user's row: equal for the events of one user.
    public var user: Int32
    /// Whether the user has a history, and whether the item was described or in any event before.
    public var userIsKnown: Bool
    public var itemIsKnown: Bool
    /// Events on the item before.
    public var itemEvents: Int
    /// Taken as liked by the replay's rule.
    public var isPositive: Bool
    /// The user has seen the item before.
    public var isRepeat: Bool
    /// That keeps it out (`SeenRule`): it is no candidate, and not ranked.
    public var isKeptOut = false
    /// Drawn to be ranked: one liked event in so many (`Replay.Options.rankEvery`).
    public var isDrawn = true
    /// Of a liked item that is known and may be shown to the user, or one rated low (`Replay.Options.ranksDisliked`); `nil`
    /// otherwise.
    public var ranking: Ranking?
    /// The same among what the user has not taken before alone, where what was taken competes otherwise and this item is
    /// none of it.
    public var rankingAmongNew: Ranking?
    /// Of an item that was described and that nobody has taken: the same among nothing but such items.
    public var rankingAmongUntaken: Ranking?
    /// Squared error of the rating predicted, per model; `nil` for one that predicts none. Empty for a signal, and
    /// before μ is known.
    public var squaredErrors: [Float?]
    /// The same of the means baseline; `nil` where `squaredErrors` is empty.
    public var meansSquaredError: Float?
}

/// Why a replay cannot go on.
public enum ReplayError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A model scores items with something that is no number.
    case nonFinite(model: String, user: String)

    public var description: String {
        switch self {
        case .nonFinite(let model, let user):
            "model '\(model)' scores user '\(user)' with something that is no number"
        }
    }
}
