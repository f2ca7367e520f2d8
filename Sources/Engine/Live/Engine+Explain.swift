public import Events
internal import Factors
internal import Locking
internal import Retrieval

extension Engine {
    public func explain(
        user: EntityID, item: EntityID, model name: String?
    ) throws(LookupError) -> Explanation {
        let number = try modelNumber(name)
        let model = state.models[number]
        let copy = onShard(of: user) { shard, local in
            let factors = shard.tables[number].row(local)
            return (vector: factors.vector, bias: factors.bias, history: shard.users[local].history)
        }
        guard let copy else { throw unknown(user) }
        let row = try rows(of: [item])[0]
        let unavailable = state.catalogue.withLock { $0.unavailable }
        var filter = ItemFilter(excluded: unavailable)
        for entry in copy.history.entries { filter.excluded.insert(Int(entry.item)) }
        let liked = liked(copy.history, by: model.learner, except: row)
        let found = model.index.read { index -> (standing: Standing, carriers: [Candidate])? in
            let standing = index.standing(
                of: row, depth: Explanation.depth, query: copy.vector, filter: filter)
            guard let standing else { return nil }
            let carriers = index.nearest(
                Explanation.carriersMax, to: index.vector(row), metric: .cosine,
                filter: ItemFilter(required: [liked]))
            return (standing, carriers)
        }
        guard let (standing, carriers) = found else { throw withoutFactors(item) }
        let seen = copy.history[Int32(row)]
        let mean = model.learner.predictsRatings ? snapshot.withLock { $0.mean } : nil
        // Summed as `recommend` sums it: both answer the same score.
        let offset = mean.map { $0 + copy.bias } ?? 0
        var obstacles: [Explanation.Obstacle] = []
        if seen != nil { obstacles.append(.seen) }
        if unavailable.contains(row) { obstacles.append(.unavailable) }
        let isCandidate = obstacles.isEmpty
        if standing.better >= Explanation.depth { obstacles.append(.rank) }
        return Explanation(
            model: model.options.name, score: standing.score + offset, mean: mean,
            userBias: mean.map { _ in copy.bias }, itemBias: standing.bias, match: standing.product,
            rank: isCandidate ? standing.better + 1 : nil, topTenScore: standing.bar.map { $0 + offset },
            obstacles: obstacles, seen: seen.map { UserRecord.Entry($0, item: item) },
            carriers: described(carriers, in: copy.history))
    }

    /// What the user liked, by the model's own rule; where it learns ratings, those above the user's mean.
    private func liked(_ history: History, by learner: any StreamLearner, except row: Int) -> ItemBitset {
        let learned = history.entries.filter { learner.accepts($0.kind, value: $0.value) }
        var threshold = -Double.infinity
        if learner.predictsRatings {
            threshold = learned.reduce(0) { $0 + Double($1.value) } / Double(learned.count)
        }
        var liked = ItemBitset()
        for entry in learned where Int(entry.item) != row && Double(entry.value) > threshold {
            liked.insert(Int(entry.item))
        }
        return liked
    }

    private func described(_ carriers: [Candidate], in history: History) -> [Explanation.Carrier] {
        let titles = state.catalogue.withLock { catalogue in
            carriers.map {
                Int($0.row) < catalogue.entries.count ? catalogue.entries[Int($0.row)].title : nil
            }
        }
        return state.items.withLock { table in
            zip(carriers, titles).compactMap { carrier, title in
                guard let id = table.id(of: carrier.row), let entry = history[carrier.row] else { return nil }
                return Explanation.Carrier(
                    item: id, title: title, similarity: carrier.score, value: entry.value)
            }
        }
    }
}

extension UserRecord.Entry {
    init(_ entry: HistoryEntry, item: EntityID) {
        self.init(item: item, value: entry.value, isRating: entry.kind == .rating, time: entry.time)
    }
}
