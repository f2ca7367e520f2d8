internal import Engine
internal import Events
internal import LookUps
internal import Quarantine

/// Answers always the same, at once.
final class ConstantService: LookupService {
    private let token = Token(partition: 0, offset: 7)
    private let known: [EntityID] = ["i1", "i2", "i3"].compactMap { try? EntityID($0) }

    private func items(_ count: Int) -> ItemAnswer {
        ItemAnswer(items: known.prefix(max(0, count)).map { ScoredItem(id: $0, score: 0.5) })
    }

    private func unknown(_ id: EntityID) -> LookupError { LookupError(.noItem, "'\(id)' is not known") }

    func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer { items(query.count) }
    func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        users.map { _ in .success(items(query.count)) }
    }
    func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer { items(query.count) }
    func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer { items(query.count) }
    func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer { items(query.count) }
    func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer { items(query.count) }
    func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] { [CountedTag(tag: "a", items: 1)] }
    func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] { [] }
    func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        items.map { _ in 1 }
    }
    func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        items.map { ScoredItem(id: $0, score: 1) }
    }
    func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation { throw unknown(query.item) }
    func item(_ id: EntityID) throws(LookupError) -> ItemRecord { throw unknown(id) }
    func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord { throw unknown(id) }
    func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] { known }
    func map(_ query: MapQuery) throws(LookupError) -> ItemMap { ItemMap(model: "stars", itemsTaken: 0) }
    func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate] {
        [
            QuarantinedUpdate(
                model: "stars", token: token, user: nil, item: known.first, time: 0, reason: "not-finite",
                steps: 1)
        ]
    }
    func models() -> [ModelStatus] {
        [
            ModelStatus(
                name: "stars", learner: "sgd", isDefault: true, fields: [StatusField("rmse", .double(.nan))])
        ]
    }
    func status() -> [StatusField] { [StatusField("events.applied", .integer(7))] }
    func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64]) { ("00", [0: 7]) }

    func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void) {
        completion(.success(token))
    }
    func append(
        _ events: EventTexts, completion: @escaping @Sendable ([Result<Token, LookupError>]) -> Void
    ) { completion(Array(repeating: .success(token), count: events.count)) }
    func waitUntilLearned(
        _ token: Token, timeout: Duration, completion: @escaping @Sendable (Result<Void, LookupError>) -> Void
    ) { completion(.success(())) }
    func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void) {
        completion(.success([0: 7]))
    }
}
