internal import Events
internal import Retrieval
internal import State

/// How fresh what look-ups see is. Taken before an answer is worked out, so that it never says too much.
package struct Freshness: Sendable {
    /// Next offset per partition: every event before it is seen.
    package var positions: [Int32: Int64]
    /// Since when the newest event before `positions` is seen.
    package var since: ContinuousClock.Instant
    /// Events taken from the log and not learned yet.
    package var unlearned: Int

    package init(positions: [Int32: Int64], since: ContinuousClock.Instant, unlearned: Int) {
        self.positions = positions
        self.since = since
        self.unlearned = unlearned
    }
}

extension LookupAnswerer {
    /// The answer of what was found; with what it stands on where `freshness` is given.
    func answer(
        _ found: Found, as unit: ScoreUnit = .score, userBias: Float = 0, model: PublishedModel, count: Int,
        freshness: Freshness?,
        fallback: AnswerMeta.Fallback = .none, ignored: [EntityID] = []
    ) -> ItemAnswer {
        answer(
            found, as: unit, userBias: userBias, by: model.traits.name, count: count, freshness: freshness,
            fallback: fallback, ignored: ignored)
    }

    /// - Parameter name: of the model, or of what else was asked.
    func answer(
        _ found: Found, as unit: ScoreUnit = .score, userBias: Float = 0, by name: String, count: Int,
        freshness: Freshness?,
        fallback: AnswerMeta.Fallback = .none, ignored: [EntityID] = []
    ) -> ItemAnswer {
        let items = found.items.map {
            Candidate(row: $0.row, score: unit.answer($0.score, userBias: userBias))
        }
        var answer = ItemAnswer(items: scored(items))
        guard let freshness, let census = found.census else { return answer }
        let isShort = answer.items.count < count
        answer.meta = AnswerMeta(
            model: name, positions: freshness.positions,
            age: freshness.since.duration(to: ContinuousClock().now), unlearned: freshness.unlearned,
            path: found.path, fallback: fallback, candidates: census.candidates,
            shortfall: isShort ? Shortfall(catalogue: census.catalogue, counts: census.counts) : nil,
            ignored: ignored)
        return answer
    }
}
