internal import Factors
internal import Learners
internal import LiveScores
internal import State

/// Scores a model that ranks by recall@10 among 299 sampled items that the user has not seen, beside decayed popularity
/// on the same sample. Which events are scored, and against which items, is the same for all models: only so can one be
/// set against another.
///
/// Sampled recall flatters every model against a ranking of the whole catalogue, and both alike (Krichene and Rendle
/// 2020): good for watching and comparing, not for reporting. Fewer negatives would ask whether an item is in the
/// better tenth of the catalogue, where popularity is hard to beat and nobody looks.
struct SampledRecall {
    static let negatives = 299
    static let depth = 10

    /// One event in this many is scored: a score costs as much as some hundred updates. More of the first ones, so that a
    /// small stream is told of as surely as a large one, of which fewer are enough.
    private static func every(at ordinal: Int64) -> UInt64 {
        ordinal < 100_000 ? 16 : ordinal < 500_000 ? 64 : 128
    }

    /// `score` is what the model gives to the user's item of this row.
    @inline(__always)
    static func sample(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Row) -> Float
    ) -> ScoreSample {
        sampleItems(example, context, lease: lease) { score(lease.row($0, of: context.items)) }
    }

    /// Whether the event is among those that are scored: of which nothing but its place in the log is asked.
    @inline(__always)
    static func mayBeScored(_ example: Example, seed: UInt64) -> Bool {
        var random = example.random(seed: ~seed)
        return random.next() % every(at: example.ordinal) == 0
    }

    /// Items that an event is scored against; none where it is not one that is scored. Only such as may be shown to the user
    /// are drawn.
    ///
    /// - Parameters:
    ///   - seed: the state's, so that no model has draws of its own.
    ///   - context: of any model.
    static func draw(
        _ example: Example, seed: UInt64, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> [Int] {
        var random = example.random(seed: ~seed)
        guard random.next() % every(at: example.ordinal) == 0, context.mayBeShown(example.item, example)
        else { return [] }
        return context.withShown(negatives, example, lease: lease, random: &random) { others in
            others.count == negatives ? Array(others) : []
        }
    }

    /// Whether the event is one that is scored.
    @inline(__always)
    static func isScored(_ example: Example, _ context: borrowing LearningContext) -> Bool {
        !context.sampled.isEmpty
    }

    /// The same by the items' numbers.
    @inline(__always)
    static func sampleItems(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Int) -> Float
    ) -> ScoreSample {
        guard isScored(example, context) else { return .none }
        return context.sampled.withUnsafeBufferPointer { others in
            let isHit = isHit(example, among: others, context, score: score)
            let baseline = popularityIsHit(example, among: others, context)
            return ScoreSample(model: isHit ? 1 : 0, baseline: baseline ? 1 : 0)
        }
    }

    /// The same by scores that are worked out for some items at once: no more of them than it takes.
    ///
    /// - Parameter scores: of these items, in their order.
    static func sample(
        _ example: Example, _ context: borrowing LearningContext, scores: ([Int32]) -> [Float]
    ) -> ScoreSample {
        guard isScored(example, context) else { return .none }
        return context.sampled.withUnsafeBufferPointer { others in
            func rows(_ places: Range<Int>) -> [Int32] {
                others[places].map { Int32(truncatingIfNeeded: $0) }
            }
            var block = 0..<min(others.count, perBlock)
            // The item's own first.
            var known = scores([example.item] + rows(block))[...]
            let wanted = known.removeFirst()
            let isHit =
                !wanted.isNaN
                && isAmongFirst(of: others) { place in
                    if place == block.upperBound {
                        block = place..<min(others.count, place + perBlock)
                        known = scores(rows(block))[...]
                    }
                    let score = known[known.startIndex + place - block.lowerBound]
                    return (score > wanted, score == wanted)
                }
            let baseline = popularityIsHit(example, among: others, context)
            return ScoreSample(model: isHit ? 1 : 0, baseline: baseline ? 1 : 0)
        }
    }

    private static let perBlock = 60

    /// 1 where the item comes among the first, 0 where it does not, NaN where the event is not scored.
    @inline(__always)
    static func hit(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        score: (Row) -> Float
    ) -> Float {
        guard isScored(example, context) else { return .nan }
        return context.sampled.withUnsafeBufferPointer { others in
            isHit(example, among: others, context) { score(lease.row($0, of: context.items)) } ? 1 : 0
        }
    }

    @inline(__always)
    private static func isHit(
        _ example: Example, among others: UnsafeBufferPointer<Int>, _ context: borrowing LearningContext,
        score: (Int) -> Float
    ) -> Bool {
        let items = context.items
        let wantedScore = score(Int(example.item))
        // Nothing is above what is no number: a model that gives no numbers would win by it.
        guard !wantedScore.isNaN else { return false }
        return isAmongFirst(of: others) { place in
            // Far apart in a large catalogue: asked for some time before they are looked at.
            if place + ahead < others.count { items.prefetch(others[place + ahead]) }
            let otherScore = score(others[place])
            return (otherScore > wantedScore, otherScore == wantedScore)
        }
    }

    @inline(__always)
    private static func popularityIsHit(
        _ example: Example, among others: UnsafeBufferPointer<Int>, _ context: borrowing LearningContext
    ) -> Bool {
        let wantedCount = context.popularity(of: Int(example.item), example)
        return isAmongFirst(of: others) { place in
            guard context.mayReach(wantedCount, others[place], example) else { return (false, false) }
            let count = context.popularity(of: others[place], example)
            return (count > wantedCount, count == wantedCount)
        }
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
