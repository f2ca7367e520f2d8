public import Events
public import LookUps
public import Quarantine

/// What can be asked of the running engine. Safe from any thread; the RPC and HTTP servers stand on this alone.
///
/// The synchronous calls take tens of microseconds at a few thousand items, and grow with the catalogue.
public protocol LookupService: AnyObject, Sendable {
    /// Items for a user, best first.
    func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer
    /// Items for each of `users`, in their order, with the options of `query`, whose own user is not asked. Up to 64 users
    /// are answered from one state of the items; past them the next may be newer.
    ///
    /// - Throws: what is wrong for all of them; what is wrong for one stands in its place.
    func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>]
    /// Items for somebody of whom nothing is known but some items.
    func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer
    /// Nearest items, nearest first.
    func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer
    /// Items by words, best first.
    func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer
    /// The tags most often on what a user took, or on items.
    func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag]
    /// A list over all users.
    func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer
    /// Nearest users, nearest first. Costs a pass over the users.
    func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser]
    /// One predicted value per item, in the order asked: a rating for an explicit model, else a score.
    func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float]
    /// The items with their predicted values, best first; of equal ones the one named first.
    func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem]
    /// Why an item is, or is not, among the best ten of a user's recommendations.
    func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation
    func item(_ id: EntityID) throws(LookupError) -> ItemRecord
    /// - Parameter listMax: entries of the history, and hidden items, at most.
    func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord
    /// Items whose title holds all words of `text`, whatever their case; the most taken first. Costs a look at every title.
    func items(titled text: String, count: Int) throws(LookupError) -> [EntityID]
    /// Where items lie to each other. Costs a pass over all rows: tens of milliseconds at a hundred thousand items.
    func map(_ query: MapQuery) throws(LookupError) -> ItemMap
    /// The latest updates that the guard dropped, of one model or of all, newest first; of this run.
    func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate]
    func models() -> [ModelStatus]
    /// Events learned so far, as look-ups see them: `events.applied` of `status` alone.
    var eventsApplied: Int64 { get }
    /// Names are dotted (`events.applied`); the part before the first dot is the section in `INFO`.
    func status() -> [StatusField]
    /// A digest of all learned state, 16 hex digits, and the positions it was taken at. Costs a pass over all state.
    func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64])

    /// Appends to the log; `completion` comes once it is durable, with its token.
    func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void)
    /// Appends events given as JSON, as producers write it or as `EventEncoder.record(of:)` does, in their order;
    /// `completion` comes once all are durable or refused, with the token of each, or what is wrong with it.
    func append(
        _ events: EventTexts, completion: @escaping @Sendable ([Result<Token, LookupError>]) -> Void)
    /// Calls back once the event at `token` is learned and visible to look-ups, or with `.stale` after `timeout`.
    func waitUntilLearned(
        _ token: Token, timeout: Duration, completion: @escaping @Sendable (Result<Void, LookupError>) -> Void
    )
    /// Makes the state durable; calls back with the positions it stands at.
    func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void)
}

extension LookupService {
    public var eventsApplied: Int64 {
        guard case .integer(let count)? = status().first(where: { $0.name == "events.applied" })?.value
        else { return 0 }
        return count
    }
}

/// For callers who want the items alone.
extension LookupService {
    public func recommend(_ query: RecommendQuery) throws(LookupError) -> [ScoredItem] {
        try answer(query).items
    }

    public func recommend(_ query: SessionQuery) throws(LookupError) -> [ScoredItem] {
        try answer(query).items
    }

    public func similar(_ query: SimilarQuery) throws(LookupError) -> [ScoredItem] {
        try answer(query).items
    }

    public func top(_ query: TopQuery) throws(LookupError) -> [ScoredItem] { try answer(query).items }

    public func explain(user: EntityID, item: EntityID, model: String?) throws(LookupError) -> Explanation {
        try explain(ExplainQuery(user: user, item: item, model: model))
    }

    public func user(_ id: EntityID, historyMax: Int) throws(LookupError) -> UserRecord {
        try user(id, listMax: historyMax)
    }
}
