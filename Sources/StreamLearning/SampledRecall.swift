internal import Factors
internal import Learners
internal import State

/// Scores a model that ranks by recall@10 among 299 sampled items that the user has not seen, beside decayed popularity
/// on the same sample.
///
/// Sampled recall flatters every model against a ranking of the whole catalogue, and both alike (Krichene and Rendle
/// 2020): good for watching and comparing, not for reporting. Fewer negatives would ask whether an item is in the
/// better tenth of the catalogue, where popularity is hard to beat and nobody looks.
struct SampledRecall {
    static let negatives = 299
    static let depth = 10
    /// One event in this many is scored: a score costs as much as some hundred updates.
    static let every: UInt64 = 8

    /// `score` is what the model gives to the user's item of this row.
    @inline(__always)
    static func sample(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Row) -> Float
    ) -> ScoreSample {
        var random = example.random(seed: ~context.model.seed)
        guard random.next() % every == 0, !context.hasSeen(example.item) else { return .none }
        return context.withUnseen(negatives, example, lease: lease, random: &random) { others in
            guard others.count == negatives else { return .none }
            return compare(example, with: others, context, lease: lease, score: score)
        }
    }

    @inline(__always)
    private static func compare(
        _ example: Example, with others: UnsafeBufferPointer<Int>, _ context: borrowing LearningContext,
        lease: borrowing RowLease, score: (Row) -> Float
    ) -> ScoreSample {
        let items = context.model.items
        let wantedScore = score(lease.row(Int(example.item), of: items))
        let wantedCount = context.popularity(of: Int(example.item), example)
        var (higher, equal, morePopular, equallyPopular) = (0, 0, 0, 0)
        for other in others {
            let otherScore = score(lease.row(other, of: items))
            if otherScore > wantedScore { higher += 1 }
            if otherScore == wantedScore { equal += 1 }
            guard context.mayReach(wantedCount, other, example) else { continue }
            let count = context.popularity(of: other, example)
            if count > wantedCount { morePopular += 1 }
            if count == wantedCount { equallyPopular += 1 }
        }
        return ScoreSample(
            // Equal scores are broken by halves: the expected rank. A model that knows nothing must not win by it.
            model: higher + equal / 2 < depth ? 1 : 0,
            baseline: morePopular + equallyPopular / 2 < depth ? 1 : 0)
    }
}

extension LearningContext {
    /// Calls `body` with `count` items as `drawUnseen` draws them one after the other, fewer if it finds none any more.
    /// Their rows are asked for as they are drawn: in a large catalogue they are far apart, and to wait for one costs
    /// more than to learn it.
    @inline(__always)
    func withUnseen<Result>(
        _ count: Int, _ example: Example, by sampler: NegativeSampler = NegativeSampler(),
        lease: borrowing RowLease, random: inout KeyedRandom, _ body: (UnsafeBufferPointer<Int>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { drawn in
            var found = 0
            while found < count, let item = drawUnseen(example, by: sampler, lease: lease, random: &random) {
                model.items.prefetch(item)
                drawn.initializeElement(at: found, to: item)
                found += 1
            }
            return body(UnsafeBufferPointer(rebasing: drawn[..<found]))
        }
    }

    /// An item of this lease that the user has not seen, as `sampler` draws it; `nil` if none is found in a bounded
    /// number of draws (a user who has seen nearly everything).
    @inline(__always)
    func drawUnseen(
        _ example: Example, by sampler: NegativeSampler = NegativeSampler(), lease: borrowing RowLease,
        random: inout KeyedRandom
    ) -> Int? {
        let (assignment, shard) = (lease.assignment, lease.shard)
        let positives = model.positives
        let history = history
        return sampler.draw(
            below: Int(example.itemBound), triesFactor: assignment.shards, random: &random,
            count: { Int(positives[$0]) },
            isHeld: { assignment.shard(of: $0) == shard },
            isAllowed: { $0 != Int(example.item) && !history.contains(Int32($0)) })
    }
}
