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
    /// One event in this many is scored: a score costs as much as some hundred updates, so this is a twentieth of the time.
    static let every: UInt64 = 16

    /// `score` is what the model gives to the user's item of this row.
    @inline(__always)
    static func sample(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Row) -> Float
    ) -> ScoreSample {
        sampleItems(example, context, lease: lease) { score(lease.row($0, of: context.items)) }
    }

    /// Whether the event is one that is scored.
    @inline(__always)
    static func isScored(_ example: Example, _ context: borrowing LearningContext) -> Bool {
        var random = example.random(seed: ~context.model.seed)
        return random.next() % every == 0 && context.mayBeShown(example.item, example)
    }

    /// The same by the items' numbers. Only items that may be shown to the user are drawn.
    @inline(__always)
    static func sampleItems(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Int) -> Float
    ) -> ScoreSample {
        guard isScored(example, context) else { return .none }
        var random = example.random(seed: ~context.model.seed)
        _ = random.next()
        return context.withShown(negatives, example, lease: lease, random: &random) { others in
            guard others.count == negatives else { return .none }
            return compare(example, with: others, context, score: score)
        }
    }

    @inline(__always)
    private static func compare(
        _ example: Example, with others: UnsafeBufferPointer<Int>, _ context: borrowing LearningContext,
        score: (Int) -> Float
    ) -> ScoreSample {
        let items = context.items
        let wantedScore = score(Int(example.item))
        let model = isAmongFirst(of: others) { place in
            // Far apart in a large catalogue: asked for some time before they are looked at.
            if place + ahead < others.count { items.prefetch(others[place + ahead]) }
            let otherScore = score(others[place])
            return (otherScore > wantedScore, otherScore == wantedScore)
        }
        let wantedCount = context.popularity(of: Int(example.item), example)
        let baseline = isAmongFirst(of: others) { place in
            guard context.mayReach(wantedCount, others[place], example) else { return (false, false) }
            let count = context.popularity(of: others[place], example)
            return (count > wantedCount, count == wantedCount)
        }
        return ScoreSample(model: model ? 1 : 0, baseline: baseline ? 1 : 0)
    }

    private static let ahead = 8

    /// Whether fewer than `depth` of the others come first, as `compare` says of each: above, or level. No more of them
    /// are asked than that takes.
    ///
    /// Equal scores are broken by halves: the expected rank. A model that knows nothing must not win by it.
    @inline(__always)
    private static func isAmongFirst(
        of others: UnsafeBufferPointer<Int>, _ compare: (Int) -> (isAbove: Bool, isLevel: Bool)
    ) -> Bool {
        var (above, level) = (0, 0)
        for place in others.indices {
            let (isAbove, isLevel) = compare(place)
            guard isAbove || isLevel else { continue }
            if isAbove { above += 1 } else { level += 1 }
            if above + level / 2 >= depth { return false }
        }
        return true
    }
}
