public import EventLog
public import Events

/// What can be asked of the running engine. Safe from any thread; the RPC and HTTP servers stand on this alone.
///
/// The synchronous calls take tens of microseconds at a few thousand items, and grow with the catalogue.
public protocol LookupService: AnyObject, Sendable {
    func recommend(_ query: RecommendQuery) throws(LookupError) -> [ScoredItem]
    /// One predicted value per item, in the order asked: a rating for an explicit model, else a score.
    func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float]
    /// The items with their predicted values, best first; of equal ones the one named first.
    func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem]
    /// Why an item is, or is not, among the best ten of a user's recommendations.
    func explain(user: EntityID, item: EntityID, model: String?) throws(LookupError) -> Explanation
    func similar(_ query: SimilarQuery) throws(LookupError) -> [ScoredItem]
    /// A list over all users.
    func top(_ query: TopQuery) throws(LookupError) -> [ScoredItem]
    func item(_ id: EntityID) throws(LookupError) -> ItemRecord
    func user(_ id: EntityID, historyMax: Int) throws(LookupError) -> UserRecord
    func models() -> [ModelStatus]
    /// Names are dotted (`events.applied`); the part before the first dot is the section in `INFO`.
    func status() -> [StatusField]
    /// A digest of all learned state, 16 hex digits, and the positions it was taken at. Costs a pass over all state.
    func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64])

    /// Appends to the log; `completion` comes once it is durable, with its token.
    func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void)
    /// Calls back once the event at `token` is learned and visible to look-ups, or with `.stale` after `timeout`.
    func waitUntilLearned(
        _ token: Token, timeout: Duration, completion: @escaping @Sendable (Result<Void, LookupError>) -> Void
    )
    /// Makes the state durable; calls back with the positions it stands at.
    func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void)
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
    /// What an unknown user gets: the popular items, or `LookupError.noUser`.
    public var fallback: Fallback

    public init(
        user: EntityID, count: Int = 10, model: String? = nil, tags: [String] = [], exclude: [EntityID] = [],
        includeSeen: Bool = false, fallback: Fallback = .popular
    ) {
        self.user = user
        self.count = count
        self.model = model
        self.tags = tags
        self.exclude = exclude
        self.includeSeen = includeSeen
        self.fallback = fallback
    }
}

public struct SimilarQuery: Sendable {
    public enum Metric: String, Sendable, CaseIterable { case cosine, dot, l2 }

    public var item: EntityID
    public var count: Int
    public var model: String?
    public var metric: Metric
    public var tags: [String]

    public init(
        item: EntityID, count: Int = 10, model: String? = nil, metric: Metric = .cosine, tags: [String] = []
    ) {
        self.item = item
        self.count = count
        self.model = model
        self.metric = metric
        self.tags = tags
    }
}

public struct TopQuery: Sendable {
    public enum Order: String, Sendable, CaseIterable {
        /// Most users for whom the item is positive: the score counts them.
        case popular
        /// Greatest item bias; items without an event in the model are left out.
        case bias
        /// Least item bias, likewise.
        case leastBias = "-bias"
    }

    public var order: Order
    public var count: Int
    public var model: String?
    public var tags: [String]

    public init(order: Order, count: Int = 10, model: String? = nil, tags: [String] = []) {
        self.order = order
        self.count = count
        self.model = model
        self.tags = tags
    }
}

public struct ScoredItem: Sendable, Equatable {
    public var id: EntityID
    public var score: Float

    public init(id: EntityID, score: Float) {
        self.id = id
        self.score = score
    }
}

public struct ItemRecord: Sendable, Equatable {
    public var id: EntityID
    public var title: String?
    public var tags: [String]
    public var available: Bool
    /// Users in whose history the item stands now.
    public var users: Int
    /// Mean of the ratings that stand now; `nil` without any.
    public var meanRating: Float?

    public init(
        id: EntityID, title: String?, tags: [String], available: Bool, users: Int, meanRating: Float?
    ) {
        self.id = id
        self.title = title
        self.tags = tags
        self.available = available
        self.users = users
        self.meanRating = meanRating
    }
}

public struct UserRecord: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var item: EntityID
        /// The rating, or the weight of the last signal.
        public var value: Float
        public var isRating: Bool
        /// Milliseconds since 1970.
        public var time: Int64

        public init(item: EntityID, value: Float, isRating: Bool, time: Int64) {
            self.item = item
            self.value = value
            self.isRating = isRating
            self.time = time
        }
    }
    public var id: EntityID
    public var seen: Int
    /// Newest first.
    public var history: [Entry]

    public init(id: EntityID, seen: Int, history: [Entry]) {
        self.id = id
        self.seen = seen
        self.history = history
    }
}

public struct ModelStatus: Sendable, Equatable {
    public var name: String
    public var learner: String
    public var isDefault: Bool
    public var fields: [StatusField]

    public init(name: String, learner: String, isDefault: Bool, fields: [StatusField]) {
        self.name = name
        self.learner = learner
        self.isDefault = isDefault
        self.fields = fields
    }
}

public struct StatusField: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case integer(Int64), double(Double), text(String), bool(Bool)
    }
    public var name: String
    public var value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}

/// A request that cannot be answered. `code` is the first word of the RPC's error.
public struct LookupError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case invalid = "ERR"
        case noUser = "NOUSER"
        case noItem = "NOITEM"
        case noModel = "NOMODEL"
        case stale = "STALE"
        case overloaded = "OVERLOADED"
        /// The log or the disk refused; what was asked has not happened.
        case unavailable = "UNAVAILABLE"
    }
    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue) \(message)" }
}
