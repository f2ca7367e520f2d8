internal import Events
internal import Locking
internal import Retrieval
internal import Synchronization

extension Engine {
    /// How fresh what look-ups see is. Taken before an answer is worked out, so that it never says too much.
    struct Freshness: Sendable {
        var positions: [Int32: Int64]
        var since: ContinuousClock.Instant
        var unlearned: Int
    }

    func freshness() -> Freshness {
        let unlearned = inFlight.load(ordering: .relaxed)
        let (positions, since) = waiters.visibleSince
        return Freshness(positions: positions, since: since, unlearned: unlearned)
    }

    /// The answer of what was found; with what it stands on where `freshness` is given.
    func answer(
        _ found: Found, offset: Float = 0, model: ModelState, count: Int, freshness: Freshness?,
        fallback: RecommendQuery.Fallback = .none, ignored: [EntityID] = []
    ) -> ItemAnswer {
        var items = found.items
        if offset != 0 { items = items.map { Candidate(row: $0.row, score: $0.score + offset) } }
        var answer = ItemAnswer(items: scored(items))
        guard let freshness, let census = found.census else { return answer }
        let isShort = answer.items.count < count
        answer.meta = AnswerMeta(
            model: model.options.name, positions: freshness.positions,
            age: freshness.since.duration(to: ContinuousClock().now), unlearned: freshness.unlearned,
            path: found.path, fallback: fallback, candidates: census.candidates,
            shortfall: isShort ? Shortfall(catalogue: census.catalogue, counts: census.counts) : nil,
            ignored: ignored)
        return answer
    }
}
