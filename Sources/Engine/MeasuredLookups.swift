public import CoreMetrics
public import Events
public import LookUps
public import Quarantine

/// A service that measures how long the look-ups of another take, and counts those that fail.
///
/// Two readings of a clock and two atomic additions a look-up. What a client waits for before (`AFTER`) does not count, nor
/// do appends, which wait for the disk.
public final class MeasuredLookups: LookupService {
    private let service: any LookupService
    private let meters: [LookupKind: Meter]

    /// What may be asked; the label of a metric, so the list is short and fixed.
    enum LookupKind: String, CaseIterable {
        case recommend, mrecommend
        case recommendItems = "recommend_items"
        case similar, search, tags
        case similarUsers = "similar_users"
        case top, predict, rank, explain, item, user
    }

    private struct Meter {
        let time: Timer
        let failures: Counter

        init(_ kind: LookupKind, _ metrics: any MetricsFactory) {
            let dimensions = [("command", kind.rawValue)]
            time = Timer(
                label: "freshet_lookup_seconds", dimensions: dimensions, preferredDisplayUnit: .seconds,
                factory: metrics)
            failures = Counter(
                label: "freshet_lookup_failures_total", dimensions: dimensions, factory: metrics)
        }
    }

    public init(_ service: any LookupService, metrics: any MetricsFactory) {
        self.service = service
        meters = Dictionary(
            uniqueKeysWithValues: LookupKind.allCases.map { ($0, Meter($0, metrics)) })
    }

    private func measure<Answer>(
        _ kind: LookupKind, _ body: () throws(LookupError) -> Answer
    ) throws(LookupError) -> Answer {
        guard let meter = meters[kind] else { return try body() }
        let start = ContinuousClock.now
        do throws(LookupError) {
            let answer = try body()
            meter.time.recordNanoseconds(start.duration(to: .now).nanoseconds)
            return answer
        } catch {
            meter.failures.increment()
            throw error
        }
    }

    public func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        try measure(.recommend) { () throws(LookupError) in try service.answer(query) }
    }

    public func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        try measure(.mrecommend) { () throws(LookupError) in try service.answers(for: users, like: query) }
    }

    public func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer {
        try measure(.recommendItems) { () throws(LookupError) in try service.answer(query) }
    }

    public func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        try measure(.similar) { () throws(LookupError) in try service.answer(query) }
    }

    public func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer {
        try measure(.search) { () throws(LookupError) in try service.answer(query) }
    }

    public func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] {
        try measure(.tags) { () throws(LookupError) in try service.tags(query) }
    }

    public func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer {
        try measure(.top) { () throws(LookupError) in try service.answer(query) }
    }

    public func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] {
        try measure(.similarUsers) { () throws(LookupError) in try service.similarUsers(query) }
    }

    public func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        try measure(.predict) { () throws(LookupError) in
            try service.predict(user: user, items: items, model: model)
        }
    }

    public func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        try measure(.rank) { () throws(LookupError) in
            try service.rank(user: user, items: items, model: model)
        }
    }

    public func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation {
        try measure(.explain) { () throws(LookupError) in try service.explain(query) }
    }

    public func item(_ id: EntityID) throws(LookupError) -> ItemRecord {
        try measure(.item) { () throws(LookupError) in try service.item(id) }
    }

    public func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        try measure(.user) { () throws(LookupError) in try service.user(id, listMax: listMax) }
    }
}

// What is handed on unmeasured.
extension MeasuredLookups {
    public func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] {
        try service.items(titled: text, count: count)
    }

    public func map(_ query: MapQuery) throws(LookupError) -> ItemMap { try service.map(query) }

    public func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate] {
        try service.quarantine(count, model: model)
    }

    public func models() -> [ModelStatus] { service.models() }

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

extension Duration {
    /// Of a look-up: no more than fit.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
