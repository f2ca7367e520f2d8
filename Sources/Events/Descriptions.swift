/// What an event says of an item; `nil` leaves what is known as it is.
public struct ItemDescription: Sendable, Equatable {
    public var item: EntityID
    public var title: String?
    /// All of its tags, in place of those it had.
    public var tags: [String]?
    /// Tags beside those it has, and beside `tags`.
    public var addedTags: [String]?
    public var available: Bool?

    public init(
        item: EntityID, title: String? = nil, tags: [String]? = nil, addedTags: [String]? = nil,
        available: Bool? = nil
    ) {
        self.item = item
        self.title = title
        self.tags = tags
        self.addedTags = addedTags
        self.available = available
    }
}

/// What an event says of a user beside what the user did; `nil` leaves what is known as it is.
public struct UserDescription: Sendable, Equatable {
    public var user: EntityID
    /// All of the user's tags, in place of those there were.
    public var tags: [String]?
    /// Tags beside those there are, and beside `tags`.
    public var addedTags: [String]?

    public init(user: EntityID, tags: [String]? = nil, addedTags: [String]? = nil) {
        self.user = user
        self.tags = tags
        self.addedTags = addedTags
    }
}

/// The tags of one item or user, and what a description makes of them.
public struct TagList: Sendable, Equatable {
    /// Tags of one item or user, however many events add to them: what comes beyond is left out.
    public static let tagsMax = 1_024

    /// As they were said; none twice of those that were added.
    public private(set) var tags: [String] = []
    /// When they were last said as a whole: milliseconds since 1970 by the producer's clock.
    public private(set) var time: Int64?

    public init(_ tags: [String] = [], time: Int64? = nil) {
        (self.tags, self.time) = (tags, time)
    }

    public var isEmpty: Bool { tags.isEmpty && time == nil }

    /// What came of a description.
    public struct Outcome: Equatable, Sendable {
        /// False where all that it says is older than what is known.
        public var isNews = false
        /// Tags left out, because there are too many.
        public var dropped = 0
    }

    /// Takes what a description says: `tags` in place of what is there, then `added` beside it. What is older than the list
    /// as it was last said as a whole, where both have a time, says nothing any more.
    public mutating func describe(
        tags whole: [String]?, added: [String]?, time said: Int64?
    ) -> Outcome {
        var outcome = Outcome()
        if let said, let time, said < time { return outcome }
        if let whole {
            tags = Array(whole.prefix(Self.tagsMax))
            outcome.dropped += whole.count - tags.count
            time = said
            outcome.isNews = true
        }
        guard let added else { return outcome }
        outcome.isNews = true
        // By bytes: `String` would merge tags that their owner keeps apart.
        var known = Set(tags.map { Array($0.utf8) })
        for tag in added where known.insert(Array(tag.utf8)).inserted {
            if tags.count < Self.tagsMax { tags.append(tag) } else { outcome.dropped += 1 }
        }
        return outcome
    }
}
