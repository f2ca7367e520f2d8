internal import Checkpoints
public import EventLog
public import Events
internal import Factors
internal import Foundation
internal import Locking
internal import Retrieval
internal import Synchronization

extension Engine: LookupService {
    /// Items known, described or rated.
    public var itemCount: Int { publishedItems.load(ordering: .relaxed) }

    public func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        try answers(for: [query.user], like: query)[0].get()
    }

    /// Users that one view of the items serves. Who holds it longer holds up the next publication, and with it
    /// whatever others wait for; and each user brings a set as large as the catalogue.
    private static let usersPerView = 64

    public func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        var answers: [Result<ItemAnswer, LookupError>] = []
        for start in stride(from: 0, to: users.count, by: Self.usersPerView) {
            let end = min(users.count, start + Self.usersPerView)
            answers += try answersFromOneView(for: Array(users[start..<end]), like: query)
        }
        return answers
    }

    private func answersFromOneView(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        let number = try modelNumber(query.model)
        let model = state.models[number]
        let freshness = query.wantsMeta ? freshness() : nil
        let selection = selection(tags: query.tags, exclude: query.exclude, keepsReasons: query.wantsMeta)
        let wishes = users.map { user in
            wish(of: user, model: number, selection: selection, includeSeen: query.includeSeen)
        }
        var found = best(
            query.count, for: wishes.compactMap { $0.flatMap { hasTaste($0.taste, model) ? $0 : nil } },
            in: model, counts: query.wantsMeta
        ).makeIterator()
        let mean = model.learner.predictsRatings ? snapshot.withLock { $0.mean } : nil
        return zip(users, wishes).map { user, wish in
            if let wish, hasTaste(wish.taste, model), let found = found.next() {
                return .success(
                    answer(
                        found, offset: mean.map { $0 + wish.taste.bias } ?? 0, model: model,
                        count: query.count, freshness: freshness))
            }
            guard query.fallback == .popular else {
                return .failure(wish == nil ? unknown(user) : withoutTaste(user, model))
            }
            let popular = list(
                query.count, by: .popular, selection: wish?.selection ?? selection, in: model,
                counts: query.wantsMeta)
            return .success(
                answer(
                    popular, model: model, count: query.count, freshness: freshness, fallback: .popular))
        }
    }

    public func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        let model = state.models[try modelNumber(query.model)]
        let freshness = query.wantsMeta ? freshness() : nil
        let row = try rows(of: [query.item])[0]
        var selection = selection(tags: query.tags, exclude: [], keepsReasons: query.wantsMeta)
        selection.leaveOut([Int32(row)], because: .excluded)
        let vector = model.index.read { row < $0.count ? $0.vector(row) : nil }
        guard let vector else { throw withoutFactors(query.item) }
        let found = nearest(
            query.count, to: vector, metric: SimilarityMetric(query.metric), selection: selection, in: model,
            counts: query.wantsMeta)
        return answer(found, model: model, count: query.count, freshness: freshness)
    }

    public func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer {
        let model = state.models[try modelNumber(query.model)]
        let freshness = query.wantsMeta ? freshness() : nil
        let selection = selection(tags: query.tags, exclude: [], keepsReasons: query.wantsMeta)
        let found = list(
            query.count, by: query.order, selection: selection, in: model, counts: query.wantsMeta)
        return answer(found, model: model, count: query.count, freshness: freshness)
    }

    public func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        let number = try modelNumber(model)
        let learner = state.models[number].learner
        guard let taste = taste(of: user, model: number) else { throw unknown(user) }
        guard hasTaste(taste, state.models[number]) else { throw withoutTaste(user, state.models[number]) }
        let rows = try rows(of: items)
        let offset = learner.predictsRatings ? snapshot.withLock { $0.mean } + taste.bias : 0
        // Summed as `recommend` sums it: both answer the same score.
        let scores = state.models[number].index.read { $0.scores(rows, taste.vector) }.map { $0 + offset }
        guard let bad = scores.firstIndex(where: { !$0.isFinite }) else { return scores }
        throw withoutFactors(items[bad])
    }

    public func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        let scores = try predict(user: user, items: items, model: model)
        let order = items.indices.sorted {
            scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
        }
        return order.map { ScoredItem(id: items[$0], score: scores[$0]) }
    }

    public func append(_ event: Event, completion: @escaping @Sendable (Result<Token, LookupError>) -> Void) {
        do throws(EventError) {
            try options.events.check(event)
        } catch {
            return completion(.failure(LookupError(.invalid, error.description)))
        }
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        log.append(
            key: event.key, payload: EventEncoder.encode(event, options: options.events),
            time: event.time ?? now
        ) { result in
            completion(
                result.mapError { LookupError($0.code == .full ? .overloaded : .unavailable, $0.message) })
        }
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

extension SimilarityMetric {
    init(_ metric: SimilarQuery.Metric) {
        self =
            switch metric {
            case .cosine: .cosine
            case .dot: .dot
            case .l2: .euclidean
            }
    }
}
