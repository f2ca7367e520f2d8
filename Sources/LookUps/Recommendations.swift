internal import Counting
package import Events
internal import Factors
internal import Retrieval
internal import State

extension LookupAnswerer {
    package func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        try answers(for: [query.user], like: query)[0].get()
    }

    /// Users that one view of the items serves. Who holds it longer holds up the next publication, and with it
    /// whatever others wait for; and each user brings a set as large as the catalogue.
    private static let usersPerView = 64

    package func answers(
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
        switch query.by {
        case .model: break
        case .content: return try answersByContent(for: users, like: query)
        case .match: return try answersByMatch(for: users, like: query)
        }
        let asked = try asked(query.model)
        let (number, model) = (asked.number, published.models[asked.number])
        // Where no model is healthy nobody's taste is known.
        func hasTaste(_ taste: Taste) -> Bool { asked.fallback != .popular && self.hasTaste(taste, model) }
        let freshness = query.wantsMeta ? freshness() : nil
        let selection = selection(tags: query.tags, exclude: query.exclude, keepsReasons: query.wantsMeta)
        let wishes = try users.map { user throws(LookupError) in
            try wish(of: user, model: number, selection: selection, seen: query.seenRule(options))
        }
        var found = best(
            query.count, for: wishes.compactMap { $0.flatMap { hasTaste($0.taste) ? $0 : nil } },
            in: model, counts: query.wantsMeta
        ).makeIterator()
        let unit = published.unit(of: model)
        return zip(users, wishes).map { user, wish in
            if let wish, hasTaste(wish.taste), let found = found.next() {
                return .success(
                    answer(
                        found, as: unit, userBias: wish.taste.bias, model: model, count: query.count,
                        freshness: freshness, fallback: asked.fallback))
            }
            guard query.fallback == .popular else {
                if asked.fallback == .popular { return .failure(Self.noneHealthy) }
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

    package func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        if query.by == .content { return try answerByContent(query) }
        let asked = try asked(query.model)
        let model = published.models[relating(asked.number)]
        let freshness = query.wantsMeta ? freshness() : nil
        let row = try rows(of: [query.item])[0]
        var selection = selection(tags: query.tags, exclude: [], keepsReasons: query.wantsMeta)
        selection.leaveOut([Int32(row)], because: .excluded)
        let vector = model.index.read { row < $0.count ? $0.vector(row) : nil }
        guard let vector else { throw withoutFactors(query.item) }
        if let counters = model.counters {
            let found = try following(query, row: row, selection: selection, in: model, counters)
            return answer(found, model: model, count: query.count, freshness: freshness, fallback: asked.meta)
        }
        let found = nearest(
            query.count, to: vector, metric: SimilarityMetric(query.metric), selection: selection, in: model,
            counts: query.wantsMeta)
        return answer(found, model: model, count: query.count, freshness: freshness, fallback: asked.meta)
    }

    package func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer {
        let asked = try modelNumber(query.model)
        let isOfBiases = query.order == .bias || query.order == .leastBias
        if query.among != nil, !isOfBiases {
            throw LookupError(
                .invalid, "AMONG goes with BY bias and BY -bias; BY \(query.order.rawValue) ranks all")
        }
        let model = published.models[isOfBiases ? relating(asked) : asked]
        let freshness = query.wantsMeta ? freshness() : nil
        let selection = selection(tags: query.tags, exclude: [], keepsReasons: query.wantsMeta)
        let found = list(
            query.count, by: query.order, among: query.among, selection: selection, in: model,
            counts: query.wantsMeta)
        guard model.counters == nil, isOfBiases else {
            return answer(found, model: model, count: query.count, freshness: freshness)
        }
        let unit = published.unit(of: model)
        var biases = found
        biases.items = found.items.map { Candidate(row: $0.row, score: unit.part($0.score)) }
        return answer(biases, model: model, count: query.count, freshness: freshness)
    }

    package func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        let number = try modelNumber(model)
        let model = published.models[number]
        guard let taste = try taste(of: user, model: number) else { throw unknown(user) }
        guard hasTaste(taste, model) else { throw withoutTaste(user, model) }
        let rows = try rows(of: items)
        let unit = published.unit(of: model)
        if let blend = model.blend, let blended = taste.blended {
            let scores = scores(rows, blended, in: model, blend)
            guard let bad = scores.firstIndex(where: { !$0.isFinite }) else { return scores }
            throw withoutFactors(items[bad])
        }
        if let counters = model.counters {
            let personal = taste.trail.map { counters.personal($0) } ?? [:]
            let scores = scores(rows, personal: personal, in: model, rule: counters.rule)
            guard let bad = scores.firstIndex(where: { !$0.isFinite }) else { return scores }
            throw withoutFactors(items[bad])
        }
        // As `recommend` does it: both answer the same score.
        let matched =
            if let network = model.network {
                scores(rows, taste, in: model, network)
            } else {
                model.index.read { $0.scores(rows, taste.vector) }
            }
        let scores = matched.map {
            unit.answer($0, userBias: taste.bias)
        }
        guard let bad = scores.firstIndex(where: { !$0.isFinite }) else { return scores }
        throw withoutFactors(items[bad])
    }

    package func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        let scores = try predict(user: user, items: items, model: model)
        let order = items.indices.sorted {
            scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
        }
        return order.map { ScoredItem(id: items[$0], score: scores[$0]) }
    }
}

extension RecommendQuery {
    func seenRule(_ options: LookupOptions) -> SeenRule { includeSeen ? .allow : seen ?? options.seen }
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
