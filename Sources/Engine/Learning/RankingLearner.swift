internal import Factors
internal import Learners

/// Learns what users took by BPR, scored by recall@10 among 99 sampled items that the user has not seen, beside
/// decayed popularity on the same sample.
///
/// Sampled recall flatters every model against a ranking of the whole catalogue, and both alike (Krichene and Rendle
/// 2020): good for watching and comparing, not for reporting.
struct RankingLearner: StreamLearner {
    static let scoreNegatives = 99
    static let scoreDepth = 10
    /// One event in this many is scored: a score costs as much as some thirty updates.
    static let scoreEvery: UInt64 = 4

    let bpr: BPR
    let positive: PositiveRule

    var predictsRatings: Bool { false }

    func accepts(_ kind: HistoryEntry.Kind, value: Float) -> Bool {
        kind == .signal ? value > 0 : positive.accepts(rating: value)
    }

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        var random = example.random(seed: ~context.model.seed)
        guard random.next() % Self.scoreEvery == 0, !context.hasSeen(example.item) else { return .none }
        let items = context.model.items
        let user = context.user
        let wantedScore = bpr.score(user: user, item: lease.row(Int(example.item), of: items))
        let wantedCount = context.popularity(of: Int(example.item), example)
        var (higher, morePopular, equallyPopular, drawn) = (0, 0, 0, 0)
        while drawn < Self.scoreNegatives {
            guard let other = drawUnseen(example, context, lease: lease, random: &random) else { break }
            drawn += 1
            if bpr.score(user: user, item: lease.row(other, of: items)) > wantedScore { higher += 1 }
            let count = context.popularity(of: other, example)
            if count > wantedCount { morePopular += 1 }
            if count == wantedCount { equallyPopular += 1 }
        }
        guard drawn == Self.scoreNegatives else { return .none }
        return ScoreSample(
            model: higher < Self.scoreDepth ? 1 : 0,
            // Equal counts are broken by halves: the expected rank.
            baseline: morePopular + equallyPopular / 2 < Self.scoreDepth ? 1 : 0)
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        let items = context.model.items
        let weight = example.kind == .signal ? example.value : 1
        var random = example.random(seed: context.model.seed)
        for _ in 0..<bpr.options.samples {
            guard let other = drawUnseen(example, context, lease: lease, random: &random) else { return }
            let result = bpr.update(
                weight: weight, user: context.user, positive: lease.row(Int(example.item), of: items),
                negative: lease.row(other, of: items), scratch: context.shard.scratch)
            context.count(result == .applied, example: example)
            guard result == .applied else { continue }
            context.touchUser()
            context.touch(Int(example.item))
            context.touch(other)
        }
    }

    /// An item of this lease that the user has not seen, uniformly; `nil` if none is found in a bounded number of
    /// draws (a user who has seen nearly everything).
    private func drawUnseen(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        random: inout KeyedRandom
    ) -> Int? {
        for _ in 0..<32 * lease.assignment.shards {
            let row = random.next(below: Int(example.itemBound))
            if lease.holds(row), row != Int(example.item), !context.hasSeen(Int32(row)) { return row }
        }
        return nil
    }
}
