internal import Checkpoints
public import EventLog
public import Events
internal import Factors
internal import Foundation
internal import Locking
internal import Retrieval

extension Engine: LookupService {
    /// Items known, described or rated.
    public var itemCount: Int { publishedStats.withLock { $0.count } }

    public func recommend(_ query: RecommendQuery) throws(LookupError) -> [ScoredItem] {
        let number = try modelNumber(query.model)
        let model = state.models[number]
        var filter = filter(tags: query.tags, exclude: query.exclude)
        guard let user = taste(of: query.user, model: number) else {
            guard query.fallback == .popular else { throw unknown(query.user) }
            return scored(model.index.read { $0.mostPopular(query.count, filter: filter) })
        }
        if !query.includeSeen {
            filter.excluded.insert(contentsOf: user.seen)
        }
        let offset = model.learner.predictsRatings ? snapshot.withLock { $0.mean } + user.bias : 0
        let best = model.index.read { $0.top(query.count, query: user.vector, filter: filter) }
        return scored(best.map { Candidate(row: $0.row, score: $0.score + offset) })
    }

    public func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        let number = try modelNumber(model)
        let learner = state.models[number].learner
        guard let taste = taste(of: user, model: number) else { throw unknown(user) }
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

    public func top(_ query: TopQuery) throws(LookupError) -> [ScoredItem] {
        let model = state.models[try modelNumber(query.model)]
        let filter = filter(tags: query.tags, exclude: [])
        return scored(
            model.index.read { index in
                switch query.order {
                case .popular: index.mostPopular(query.count, filter: filter)
                case .bias: index.byBias(query.count, leastFirst: false, filter: filter)
                case .leastBias: index.byBias(query.count, leastFirst: true, filter: filter)
                }
            })
    }

    public func similar(_ query: SimilarQuery) throws(LookupError) -> [ScoredItem] {
        let model = state.models[try modelNumber(query.model)]
        let row = try rows(of: [query.item])[0]
        var filter = filter(tags: query.tags, exclude: [])
        filter.excluded.insert(row)
        let metric: SimilarityMetric =
            switch query.metric {
            case .cosine: .cosine
            case .dot: .dot
            case .l2: .euclidean
            }
        let nearest = model.index.read { index in
            row < index.count
                ? index.nearest(query.count, to: index.vector(row), metric: metric, filter: filter) : []
        }
        return scored(nearest)
    }

    public func item(_ id: EntityID) throws(LookupError) -> ItemRecord {
        let row = try rows(of: [id])[0]
        let entry = state.catalogue.withLock { row < $0.entries.count ? $0.entries[row] : Catalogue.Entry() }
        let stats = publishedStats.withLock { row < $0.count ? $0[row] : ItemStats() }
        return ItemRecord(
            id: id, title: entry.title, tags: entry.tags, available: entry.available, users: Int(stats.users),
            meanRating: stats.ratings > 0 ? Float(stats.ratingSum / Double(stats.ratings)) : nil)
    }

    public func user(_ id: EntityID, historyMax: Int) throws(LookupError) -> UserRecord {
        let entries = onShard(of: id) { shard, local in shard.users[local].history.entries }
        guard let entries else { throw unknown(id) }
        let newest = entries.sorted { $0.order > $1.order }.prefix(max(0, historyMax))
        let history = state.items.withLock { table in
            newest.compactMap { entry in
                table.id(of: entry.item).map { UserRecord.Entry(entry, item: $0) }
            }
        }
        return UserRecord(id: id, seen: entries.count, history: history)
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
