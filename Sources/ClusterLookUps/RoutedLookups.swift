// ClusterLookUps: look-ups of a daemon that is one of several, for those who ask without commands.
//
// Here lives a service that answers for its own users and says of others where they are. Queries come in, another service
// answers them. What never comes in: how another daemon is asked; commands are handed on as they are, by their server.

package import ClusterMembers
public import Engine
public import Events
public import LookUps
public import Quarantine

/// Refuses look-ups of users who are not here, and says where they are.
public final class RoutedLookups: LookupService {
    private let service: any LookupService
    private let directory: any ClusterDirectory

    package init(_ service: any LookupService, _ directory: any ClusterDirectory) {
        (self.service, self.directory) = (service, directory)
    }

    private func refusal(of user: EntityID) -> LookupError? {
        let id = user.string.utf8
        switch directory.place(ofUser: id) {
        case .here: return nil
        case .at(let address): return LookupError(.moved, "\(HashSlots.slot(of: id)) \(address)")
        case .moving(let why): return LookupError(.tryAgain, why)
        }
    }

    private func refuse(_ user: EntityID) throws(LookupError) {
        if let refusal = refusal(of: user) { throw refusal }
    }

    public func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        try refuse(query.user)
        return try service.answer(query)
    }

    public func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        let refusals = users.map { refusal(of: $0) }
        let own = zip(users, refusals).filter { $0.1 == nil }.map(\.0)
        var answers = try own.isEmpty ? [] : service.answers(for: own, like: query)[...]
        return refusals.map { refusal in
            if let refusal { return .failure(refusal) }
            return answers.popFirst() ?? .failure(LookupError(.unavailable, "no answer"))
        }
    }

    public func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] {
        try refuse(query.user)
        return try service.similarUsers(query)
    }

    public func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        try refuse(user)
        return try service.predict(user: user, items: items, model: model)
    }

    public func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        try refuse(user)
        return try service.rank(user: user, items: items, model: model)
    }

    public func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation {
        try refuse(query.user)
        return try service.explain(query)
    }

    public func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        try refuse(id)
        return try service.user(id, listMax: listMax)
    }

    public func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] {
        switch query.subject {
        case .user(let user), .recommended(let user, _): try refuse(user)
        case .items: break
        }
        return try service.tags(query)
    }
}

// What is about no user, or about the whole.
extension RoutedLookups {
    public func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer { try service.answer(query) }

    public func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer { try service.answer(query) }

    public func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer { try service.answer(query) }

    public func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer { try service.answer(query) }

    public func item(_ id: EntityID) throws(LookupError) -> ItemRecord { try service.item(id) }

    public func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] {
        try service.items(titled: text, count: count)
    }

    public func map(_ query: MapQuery) throws(LookupError) -> ItemMap { try service.map(query) }

    public func models() -> [ModelStatus] { service.models() }

    /// Of those that this daemon has dropped.
    public func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate] {
        try service.quarantine(count, model: model)
    }

    public func status() -> [StatusField] { service.status() }

    public var eventsApplied: Int64 { service.eventsApplied }

    public func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64]) {
        try service.digest()
    }

    public func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void) {
        service.append(event, completion: completion)
    }

    public func append(
        _ events: EventTexts, completion: @escaping @Sendable ([Result<Token, LookupError>]) -> Void
    ) {
        service.append(events, completion: completion)
    }

    public func waitUntilLearned(
        _ token: Token, timeout: Duration, completion: @escaping @Sendable (Result<Void, LookupError>) -> Void
    ) {
        service.waitUntilLearned(token, timeout: timeout, completion: completion)
    }

    public func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void) {
        service.checkpoint(completion: completion)
    }
}
