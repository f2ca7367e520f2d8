public import Events

public struct ScoredItem: Sendable, Equatable {
    public var id: EntityID
    public var score: Float

    public init(id: EntityID, score: Float) {
        self.id = id
        self.score = score
    }
}

public struct ScoredUser: Sendable, Equatable {
    public var id: EntityID
    public var score: Float

    public init(id: EntityID, score: Float) {
        self.id = id
        self.score = score
    }
}

/// A tag as it is written most often, and on how many items it is, in whatever case.
public struct CountedTag: Sendable, Equatable {
    public var tag: String
    public var items: Int

    public init(tag: String, items: Int) { (self.tag, self.items) = (tag, items) }
}

/// A list of items, and what it stands on where that was asked for.
public struct ItemAnswer: Sendable, Equatable {
    public var items: [ScoredItem]
    public var meta: AnswerMeta?

    public init(items: [ScoredItem], meta: AnswerMeta? = nil) {
        self.items = items
        self.meta = meta
    }
}

/// What an answer stands on.
public struct AnswerMeta: Sendable, Equatable {
    public var model: String
    /// Next offset per partition: every event before it is in the answer.
    public var positions: [Int32: Int64]
    /// Since look-ups were first shown the newest event before `positions`; after a restart, since the state was
    /// restored. Large with a quiet log as well as with a slow daemon: `unlearned` tells which.
    public var age: Duration
    /// Events taken from the log that are not in the answer yet.
    public var unlearned: Int
    /// How the items were found.
    public var path: String
    /// What stood in for what was asked: `.none` where nothing had to.
    public enum Fallback: String, Sendable {
        case none
        /// What is popular: for somebody of whom nothing is known, or where no model is healthy.
        case popular
        /// Another model than the default, which is unhealthy.
        case model
    }
    public var fallback: Fallback
    /// Items that could have been answered.
    public var candidates: Int
    /// Where fewer items are answered than were asked for.
    public var shortfall: Shortfall?
    /// Of a session's items, those that are not known, or have no factors yet.
    public var ignored: [EntityID]
    /// Only of a search.
    public var words: SearchedWords?

    public init(
        model: String, positions: [Int32: Int64], age: Duration, unlearned: Int, path: String,
        fallback: Fallback, candidates: Int, shortfall: Shortfall?, ignored: [EntityID] = []
    ) {
        self.model = model
        self.positions = positions
        self.age = age
        self.unlearned = unlearned
        self.path = path
        self.fallback = fallback
        self.candidates = candidates
        self.shortfall = shortfall
        self.ignored = ignored
    }
}

/// What is known of the words of a search.
public struct SearchedWords: Sendable, Equatable {
    /// Tags that some item carries.
    public var known: [String]
    /// Tags of no item: what they are about is guessed, by the letters that they share with tags.
    public var guessed: [String]

    public init(known: [String], guessed: [String]) { (self.known, self.guessed) = (known, guessed) }
}

/// Why there are no more items: each item of the catalogue is counted once, under the first of these that keeps it out.
public struct Shortfall: Sendable, Equatable {
    public enum Reason: String, Sendable, CaseIterable {
        case unavailable
        /// Does not carry all the tags asked for.
        case tag
        case hidden, seen, excluded
        /// A list over all users leaves out what nobody took.
        case untaken
    }

    /// Items that have factors.
    public var catalogue: Int
    public var counts: [Reason: Int]

    public init(catalogue: Int, counts: [Reason: Int]) {
        self.catalogue = catalogue
        self.counts = counts
    }
}
