internal import Counting
internal import Events
internal import Factors
internal import Identities
internal import Learners
internal import LiveScores
internal import Retrieval
internal import State

extension LookupAnswerer {
    package func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer {
        let asked = try asked(query.model)
        let (number, model) = (asked.number, published.models[asked.number])
        let freshness = query.wantsMeta ? freshness() : nil
        let named = try named(query, in: model)
        var selection = selection(tags: query.tags, exclude: query.exclude, keepsReasons: query.wantsMeta)
        if !query.includeSeen, options.seen != .allow {
            selection.leaveOut(named.rows.map { Int32($0) }.sorted(), because: .seen)
        }
        if asked.fallback == .popular {
            let popular = list(
                query.count, by: .popular, selection: selection, in: model, counts: query.wantsMeta)
            return answer(
                popular, model: model, count: query.count, freshness: freshness, fallback: .popular,
                ignored: named.ignored)
        }
        if let blend = model.blend {
            let taste = taste(of: named.rows, weights: named.weights, blend, deviation: deviation)
            let found = best(
                query.count, taste, selection: selection, in: model, blend, counts: query.wantsMeta)
            return answer(
                found, model: model, count: query.count, freshness: freshness, fallback: asked.fallback,
                ignored: named.ignored)
        }
        if let counters = model.counters {
            let trail = trail(of: named.rows, weights: named.weights, counters.rule)
            let found = best(
                query.count, personal: counters.personal(trail), selection: selection, in: model,
                rule: counters.rule, counts: query.wantsMeta)
            return answer(
                found, model: model, count: query.count, freshness: freshness, fallback: asked.fallback,
                ignored: named.ignored)
        }
        let session = FoldInSession(
            rows: named.rows, weights: named.weights, scale: published.scale,
            deviation: deviation(of: number))
        let work = model.index.read { model.foldIn.foldIn(session, index: $0) }
        guard let user = work() else {
            throw LookupError(
                .invalid, "the items make no taste within engine.norm-max; smaller weights may")
        }
        let taste = Taste(vector: user.vector, bias: user.bias)
        guard hasTaste(taste, model) else {
            let popular = list(
                query.count, by: .popular, selection: selection, in: model, counts: query.wantsMeta)
            return answer(
                popular, model: model, count: query.count, freshness: freshness, fallback: .popular,
                ignored: named.ignored)
        }
        let found = best(
            query.count, for: [Wish(taste: taste, selection: selection)], in: model, counts: query.wantsMeta)
        let unit: ScoreUnit = model.traits.predictsRatings ? .rating(session.scale) : .score
        return answer(
            found[0], as: unit, userBias: taste.bias, model: model, count: query.count,
            freshness: freshness, fallback: asked.fallback, ignored: named.ignored)
    }

    /// A session's items as rows.
    private struct Named {
        var rows: [Int] = []
        var weights: [Float?] = []
        var ignored: [EntityID] = []
    }

    /// Passes over what is not known, as long as anything is.
    private func named(_ query: SessionQuery, in model: PublishedModel) throws(LookupError) -> Named {
        try check(query, model.foldIn)
        let rows = view.readItemIDs { table in query.items.map { table.row(of: $0) } }
        let published = model.index.read { $0.count }
        var (named, known, isNamed) = (Named(), false, ItemBitset())
        // From the last on, because of an item named twice the last mention holds.
        for index in query.items.indices.reversed() {
            known = known || rows[index] != nil
            guard let row = rows[index].map(Int.init), row < published else {
                named.ignored.append(query.items[index])
                continue
            }
            guard !isNamed.contains(row) else { continue }
            isNamed.insert(row)
            named.rows.append(row)
            named.weights.append(query.weights.isEmpty ? nil : query.weights[index])
        }
        named.rows.reverse()
        named.weights.reverse()
        named.ignored.reverse()
        guard named.rows.isEmpty else { return named }
        if known { throw withoutFactors(named.ignored[0]) }
        let others = named.ignored.count > 1 ? ", nor any of the others" : ""
        throw LookupError(.noItem, "no item '\(named.ignored[0])'\(others)")
    }

    private func check(_ query: SessionQuery, _ foldIn: any FoldIn) throws(LookupError) {
        guard (1...SessionQuery.itemsMax).contains(query.items.count) else {
            throw LookupError(
                .invalid, "\(query.items.count) items; 1 to \(SessionQuery.itemsMax) are allowed")
        }
        guard query.weights.isEmpty || query.weights.count == query.items.count else {
            throw LookupError(.invalid, "\(query.weights.count) weights for \(query.items.count) items")
        }
        let allowed = foldIn.weights(options.ratings)
        for weight in query.weights where !allowed.contains(Double(weight)) {
            throw LookupError(
                .invalid,
                "weight \(weight) is outside \(allowed.lowerBound) to \(allowed.upperBound) of this model")
        }
    }

    /// Of ratings about the means baseline, as the live score has it; 1 before anything was scored.
    private func deviation(of model: Int) -> Float {
        let total = published.snapshot.models[model].score.total
        guard total.count > 0, total.baseline > 0 else { return 1 }
        return Float((total.baseline / Double(total.count)).squareRoot())
    }
}
