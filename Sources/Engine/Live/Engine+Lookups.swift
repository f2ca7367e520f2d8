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
            for item in user.seen { filter.excluded.insert(Int(item)) }
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
        let scores = state.models[number].index.read { index in
            rows.map { row in
                row < index.count ? offset + index.biases[row] + index.product(row, taste.vector) : Float.nan
            }
        }
        guard let bad = scores.firstIndex(where: { !$0.isFinite }) else { return scores }
        throw LookupError(.noItem, "item '\(items[bad])' has no factors yet; ask again in a few milliseconds")
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
        guard let row = state.users.withLock({ $0.row(of: id) }) else { throw unknown(id) }
        let shard = state.shard(of: row)
        let entries = shard.queue.sync { () -> [HistoryEntry]? in
            let local = shard.local(row)
            guard local < shard.users.count, shard.users[local].id == id else { return nil }
            return shard.users[local].history.entries
        }
        guard let entries else { throw unknown(id) }
        let newest = entries.sorted { $0.order > $1.order }.prefix(max(0, historyMax))
        let history = state.items.withLock { table in
            newest.compactMap { entry in
                table.id(of: entry.item).map {
                    UserRecord.Entry(
                        item: $0, value: entry.value, isRating: entry.kind == .rating, time: entry.time)
                }
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

    // MARK: - Parts

    /// What a model knows of a user, copied on the queue that owns the user.
    private struct Taste: Sendable {
        var vector: [Float]
        var bias: Float
        var seen: [Int32]
    }

    private func taste(of id: EntityID, model: Int) -> Taste? {
        guard let row = state.users.withLock({ $0.row(of: id) }) else { return nil }
        let shard = state.shard(of: row)
        return shard.queue.sync {
            let local = shard.local(row)
            guard local < shard.users.count, shard.users[local].id == id else { return nil }
            let factors = shard.tables[model].row(local)
            return Taste(
                vector: factors.vector, bias: factors.bias,
                seen: shard.users[local].history.entries.map(\.item))
        }
    }

    func modelNumber(_ name: String?) throws(LookupError) -> Int {
        let wanted = name ?? options.defaultModel
        guard let number = options.models.firstIndex(where: { $0.name == wanted }) else {
            let known = options.models.map(\.name).joined(separator: ", ")
            throw LookupError(.noModel, "no model '\(wanted)'; there are \(known)")
        }
        return number
    }

    private func filter(tags: [String], exclude: [EntityID]) -> ItemFilter {
        let (unavailable, tagged) = state.catalogue.withLock { catalogue in
            (catalogue.unavailable, tags.map { catalogue.items(tagged: $0) })
        }
        var filter = ItemFilter(excluded: unavailable, required: tagged.map { ItemBitset($0) })
        guard !exclude.isEmpty else { return filter }
        let rows = state.items.withLock { table in exclude.compactMap { table.row(of: $0) } }
        for row in rows { filter.excluded.insert(Int(row)) }
        return filter
    }

    private func rows(of items: [EntityID]) throws(LookupError) -> [Int] {
        let rows = state.items.withLock { table in items.map { table.row(of: $0) } }
        if let missing = rows.firstIndex(of: nil) {
            throw LookupError(.noItem, "no item '\(items[missing])'")
        }
        return rows.compactMap { $0.map(Int.init) }
    }

    private func scored(_ candidates: [Candidate]) -> [ScoredItem] {
        state.items.withLock { table in
            candidates.compactMap { candidate in
                table.id(of: candidate.row).map { ScoredItem(id: $0, score: candidate.score) }
            }
        }
    }

    private func unknown(_ user: EntityID) -> LookupError {
        LookupError(.noUser, "no user '\(user)'")
    }
}
