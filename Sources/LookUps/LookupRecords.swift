public import Events

public struct ItemRecord: Sendable, Equatable {
    /// What a model knows of the item.
    public struct Model: Sendable, Equatable {
        public var name: String
        /// Users in whose history the item stands as one that the model takes as positive.
        public var positives: Int
        /// b_i, and the Euclidean norm of q_i; `nil` until the item is published.
        public var bias: Float?
        public var norm: Float?
        /// The scores that `TOP n BY popular` and `BY trending` rank by.
        public var popular: Float?
        public var trending: Float?

        public init(
            name: String, positives: Int, bias: Float?, norm: Float?, popular: Float?, trending: Float?
        ) {
            self.name = name
            self.positives = positives
            self.bias = bias
            self.norm = norm
            self.popular = popular
            self.trending = trending
        }
    }

    public var id: EntityID
    public var title: String?
    public var tags: [String]
    public var available: Bool
    /// Users in whose history the item stands now.
    public var users: Int
    /// Ratings that stand now.
    public var ratings: Int
    /// Their mean; `nil` without any.
    public var meanRating: Float?
    /// Time of the last rating or signal, in milliseconds since 1970; `nil` without any.
    public var lastEvent: Int64?
    public var models: [Model]

    public init(
        id: EntityID, title: String?, tags: [String], available: Bool, users: Int, ratings: Int,
        meanRating: Float?, lastEvent: Int64?, models: [Model]
    ) {
        self.id = id
        self.title = title
        self.tags = tags
        self.available = available
        self.users = users
        self.ratings = ratings
        self.meanRating = meanRating
        self.lastEvent = lastEvent
        self.models = models
    }
}

public struct UserRecord: Sendable, Equatable {
    /// What a model knows of the user.
    public struct Model: Sendable, Equatable {
        public var name: String
        /// b_u; 0 where the model has no use for it.
        public var bias: Float
        /// Euclidean norm of p_u.
        public var norm: Float

        public init(name: String, bias: Float, norm: Float) {
            self.name = name
            self.bias = bias
            self.norm = norm
        }
    }

    /// What the user's signals on an item come to.
    public struct Signals: Sendable, Equatable {
        /// Up to 65,535.
        public var count: Int
        /// Sum of their weights; below 0 where dislikes outweigh.
        public var weight: Float
        /// The same, each faded until the last of them.
        public var fadedWeight: Float
        /// Milliseconds since 1970, of the first; whole seconds where there are several.
        public var first: Int64

        public init(count: Int, weight: Float, fadedWeight: Float, first: Int64) {
            self.count = count
            self.weight = weight
            self.fadedWeight = fadedWeight
            self.first = first
        }
    }

    public struct Entry: Sendable, Equatable {
        public var item: EntityID
        /// The rating, or the weight of the strongest signal.
        public var value: Float
        public var isRating: Bool
        /// Milliseconds since 1970, of the newest rating or signal.
        public var time: Int64
        /// `nil` where there was none.
        public var signals: Signals?

        public init(item: EntityID, value: Float, isRating: Bool, time: Int64, signals: Signals? = nil) {
            self.item = item
            self.value = value
            self.isRating = isRating
            self.time = time
            self.signals = signals
        }
    }
    public var id: EntityID
    /// What is said of the user.
    public var tags: [String]
    public var seen: Int
    /// Newest first.
    public var history: [Entry]
    /// Number of hidden items.
    public var hidden: Int
    /// Hidden items, in the order in which they became known.
    public var hiddenItems: [EntityID]
    public var models: [Model]

    public init(
        id: EntityID, tags: [String] = [], seen: Int, history: [Entry], hidden: Int, hiddenItems: [EntityID],
        models: [Model]
    ) {
        self.id = id
        self.tags = tags
        self.seen = seen
        self.history = history
        self.hidden = hidden
        self.hiddenItems = hiddenItems
        self.models = models
    }
}
