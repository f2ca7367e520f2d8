internal import Events
internal import Retrieval
internal import State

/// Look-ups that ask for the user's own part of the score alone.
extension LookupAnswerer {
    /// Items by p_u·q_i, without what is the same for all users: in a model of ratings what it says beyond the means, in stars.
    func answersByMatch(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        let asked = try modelNumber(query.model)
        // For a blend, which has no rows, stands the part that it asks what is similar.
        let number = query.model == nil ? relating(asked) : asked
        let model = published.models[number]
        guard model.traits.options.learnsRows else {
            throw LookupError(
                .invalid, "model '\(model.traits.name)' has no rows to match a user's with; ask another")
        }
        let freshness = query.wantsMeta ? freshness() : nil
        let selection = selection(tags: query.tags, exclude: query.exclude, keepsReasons: query.wantsMeta)
        let unit = published.unit(of: model)
        return try users.map { user throws(LookupError) in
            let wish = try wish(of: user, model: number, selection: selection, seen: query.seenRule(options))
            if let wish, hasTaste(wish.taste, model) {
                var found = nearest(
                    query.count, to: wish.taste.vector, metric: .dot, selection: wish.selection, in: model,
                    counts: query.wantsMeta)
                found.items = found.items.map { Candidate(row: $0.row, score: unit.part($0.score)) }
                return .success(answer(found, model: model, count: query.count, freshness: freshness))
            }
            guard query.fallback == .popular else {
                return .failure(wish == nil ? unknown(user) : withoutTaste(user, model))
            }
            let popular = list(
                query.count, by: .popular, selection: wish?.selection ?? selection, in: model,
                counts: query.wantsMeta)
            return .success(
                answer(popular, model: model, count: query.count, freshness: freshness, fallback: .popular))
        }
    }
}
