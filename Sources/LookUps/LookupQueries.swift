public import Events
public import State

/// By what items are compared.
public enum Basis: String, Sendable, CaseIterable {
    /// What a model has learned of who took them.
    case model
    /// What is said of them: their tags.
    case content
}

/// By what items are recommended.
public enum RecommendBasis: String, Sendable, CaseIterable {
    /// The model's score.
    case model
    /// What is said of items: like those that the user took, each as much as it was rated. Asks no model.
    case content
    /// The user's own part of the model's score, p_u·q_i: what the user likes more than everybody does, who like what is
    /// good and what is known.
    case match
}

public struct RecommendQuery: Sendable {
    public enum Fallback: String, Sendable, CaseIterable { case popular, none }

    public var user: EntityID
    public var count: Int
    /// `nil` asks the default model.
    public var model: String?
    /// Only items that carry all of these.
    public var tags: [String]
    public var exclude: [EntityID]
    public var includeSeen: Bool
    /// Whether what the user took may be answered; `nil` for what is configured. `includeSeen` outranks it.
    public var seen: SeenRule?
    /// What an unknown user gets, or one who took nothing that the model learns from and has no row: the popular items, or
    /// `LookupError.noUser`.
    public var fallback: Fallback
    /// Whether the answer says what it stands on. Costs a look at every item.
    public var wantsMeta: Bool
    public var by = RecommendBasis.model

    public init(
        user: EntityID, count: Int = 10, model: String? = nil, tags: [String] = [], exclude: [EntityID] = [],
        includeSeen: Bool = false, fallback: Fallback = .popular, wantsMeta: Bool = false
    ) {
        self.user = user
        self.count = count
        self.model = model
        self.tags = tags
        self.exclude = exclude
        self.includeSeen = includeSeen
        self.fallback = fallback
        self.wantsMeta = wantsMeta
    }
}

/// Items that somebody took, say in a session without a login, and what else should be shown to them.
public struct SessionQuery: Sendable {
    public static let itemsMax = 1_000

    /// Oldest first. Of an item named twice the last mention holds.
    public var items: [EntityID]
    /// One an item, or none at all. A model of ratings takes them as ratings; others as how much each was liked, where
    /// 1 is what they take by themselves and 0 leaves the item out of the taste.
    public var weights: [Float]
    public var count: Int
    public var model: String?
    /// Only items that carry all of these.
    public var tags: [String]
    public var exclude: [EntityID]
    /// Whether the items named may be answered too.
    public var includeSeen: Bool
    public var wantsMeta: Bool

    public init(
        items: [EntityID], weights: [Float] = [], count: Int = 10, model: String? = nil, tags: [String] = [],
        exclude: [EntityID] = [], includeSeen: Bool = false, wantsMeta: Bool = false
    ) {
        self.items = items
        self.weights = weights
        self.count = count
        self.model = model
        self.tags = tags
        self.exclude = exclude
        self.includeSeen = includeSeen
        self.wantsMeta = wantsMeta
    }
}

public struct SimilarQuery: Sendable {
    public enum Metric: String, Sendable, CaseIterable { case cosine, dot, l2 }

    public var item: EntityID
    public var count: Int
    public var model: String?
    public var metric: Metric
    public var tags: [String]
    public var wantsMeta: Bool
    /// `content` asks no model.
    public var by = Basis.model

    public init(
        item: EntityID, count: Int = 10, model: String? = nil, metric: Metric = .cosine, tags: [String] = [],
        wantsMeta: Bool = false
    ) {
        self.item = item
        self.count = count
        self.model = model
        self.metric = metric
        self.tags = tags
        self.wantsMeta = wantsMeta
    }
}

public struct TopQuery: Sendable {
    public enum Order: String, Sendable, CaseIterable {
        /// Taken most: the score is a count of positive events that fades with the stream.
        case popular
        /// Taken more of late than its own past would let expect: the score tells by about how many standard deviations.
        case trending
        /// Greatest item bias; items without an event in the model are left out.
        case bias
        /// Least item bias, likewise.
        case leastBias = "-bias"
    }

    /// Of the most taken items.
    public static let amongMax = 1_000_000

    public var order: Order
    public var count: Int
    /// For biases: ranks no others than this many of the most taken items, of those that may be answered.
    public var among: Int?
    public var model: String?
    public var tags: [String]
    public var wantsMeta: Bool

    public init(
        order: Order, count: Int = 10, among: Int? = nil, model: String? = nil, tags: [String] = [],
        wantsMeta: Bool = false
    ) {
        self.order = order
        self.among = among
        self.count = count
        self.model = model
        self.tags = tags
        self.wantsMeta = wantsMeta
    }
}

public struct SimilarUsersQuery: Sendable {
    public var user: EntityID
    public var count: Int
    public var model: String?
    public var metric: SimilarQuery.Metric

    public init(
        user: EntityID, count: Int = 10, model: String? = nil, metric: SimilarQuery.Metric = .cosine
    ) {
        self.user = user
        self.count = count
        self.model = model
        self.metric = metric
    }
}

/// Why, or why not: with the options of the `RECOMMEND` that is asked about.
public struct ExplainQuery: Sendable {
    public var user: EntityID
    public var item: EntityID
    public var model: String?
    public var tags: [String]
    public var exclude: [EntityID]

    public init(
        user: EntityID, item: EntityID, model: String? = nil, tags: [String] = [], exclude: [EntityID] = []
    ) {
        self.user = user
        self.item = item
        self.model = model
        self.tags = tags
        self.exclude = exclude
    }
}

/// Items by words.
public struct SearchQuery: Sendable {
    public static let wordsMax = 100

    /// Each a word, or several that belong together as in a tag.
    public var words: [String]
    public var count: Int
    /// Only items that carry all of these.
    public var tags: [String]
    public var wantsMeta: Bool

    public init(words: [String], count: Int = 10, tags: [String] = [], wantsMeta: Bool = false) {
        (self.words, self.count, self.tags, self.wantsMeta) = (words, count, tags, wantsMeta)
    }
}

/// The tags that occur most often.
public struct TagsQuery: Sendable {
    public enum Subject: Sendable, Equatable {
        /// On what the user took.
        case user(EntityID)
        case items([EntityID])
        /// On the first so many that would be recommended to the user.
        case recommended(EntityID, Int)
    }

    public var subject: Subject
    public var count: Int

    public init(_ subject: Subject, count: Int = 10) { (self.subject, self.count) = (subject, count) }
}
