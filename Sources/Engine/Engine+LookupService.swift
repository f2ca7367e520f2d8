internal import Checkpoints
internal import EventLog
public import Events
internal import Foundation
public import LookUps
internal import State

// Look-ups go to `LookupAnswerer`, which knows nothing of logs and queues.
extension Engine: LookupService {
    public var itemCount: Int { published.itemCount }

    public func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        try lookUps.answer(query)
    }

    public func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        try lookUps.answers(for: users, like: query)
    }

    public func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer {
        try lookUps.answer(query)
    }

    public func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        try lookUps.answer(query)
    }

    public func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer {
        try lookUps.answer(query)
    }

    public func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] { try lookUps.tags(query) }

    public func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer {
        try lookUps.answer(query)
    }

    public func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] {
        try lookUps.similarUsers(query)
    }

    public func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        try lookUps.predict(user: user, items: items, model: model)
    }

    public func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        try lookUps.rank(user: user, items: items, model: model)
    }

    public func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation {
        try lookUps.explain(query)
    }

    public func item(_ id: EntityID) throws(LookupError) -> ItemRecord { try lookUps.item(id) }

    public func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        try lookUps.user(id, listMax: listMax)
    }

    public func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] {
        try lookUps.items(titled: text, count: count)
    }

    public func map(_ query: MapQuery) throws(LookupError) -> ItemMap { try lookUps.map(query) }

    public func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void) {
        appends.append(event, completion: completion)
    }

    public func append(
        _ events: EventTexts, completion: @escaping @Sendable ([Result<Token, LookupError>]) -> Void
    ) {
        appends.append(events, completion: completion)
    }

    public func waitUntilLearned(
        _ token: Token, timeout: Duration, completion: @escaping @Sendable (Result<Void, LookupError>) -> Void
    ) {
        waiters.wait(for: token, timeout: timeout, completion: completion)
    }

    public func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void) {
        requestCheckpoint { result in
            completion(result.mapError { LookupError(.unavailable, $0.message) })
        }
    }

    public func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64]) {
        onQueue { ($0.digest(), $0.positions) }
    }
}

extension EventLogError.Code {
    /// By what a client should do: send less, send something else, or send it again later.
    var lookUpCode: LookupError.Code {
        switch self {
        case .full: .overloaded
        case .unacceptable, .tooLarge: .invalid
        default: .unavailable
        }
    }
}
