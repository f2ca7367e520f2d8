internal import Blending
internal import Learners
internal import Locking
internal import Retrieval
internal import State

/// What a blend has learned, as look-ups see it: copied with each publication. Written by the engine's queue.
final class PublishedBlend: Sendable {
    /// Items kept of those that each count puts first.
    private static let firstMax = 256

    private struct Learned {
        var counts: [FadingLogs] = []
        var leaders: CountLeaders
        /// By count, the items that it puts first, in their order.
        var first: [[Int32]]
        var served: ServedWeights
        /// Where the counts stand.
        var ordinal: Int64 = 0
        var time: Int64 = 0
    }

    let rule: BlendRule
    private let learned: SharedLock<Learned>

    init(rule: BlendRule) {
        self.rule = rule
        learned = SharedLock(
            Learned(
                leaders: CountLeaders(counts: rule.counts, limit: Self.firstMax),
                first: Array(repeating: [], count: rule.counts), served: BlendState(rule).served))
    }

    var bytes: Int { learned.read { $0.counts.capacity * MemoryLayout<FadingLogs>.stride } }

    /// Takes over the changed rows.
    func take(_ rows: [Int32], from blend: BlendState, state: LearnedState) {
        let served = blend.served
        learned.withLock { learned in
            let before = learned.counts.count
            for row in before..<max(before, blend.counts.count) { learned.counts.append(blend.counts[row]) }
            for row in rows { learned.counts[Int(row)] = blend.counts[Int(row)] }
            let (counts, rates) = (learned.counts, rule.rates)
            if learned.leaders.isStale { learned.leaders.rebuild(rows: [], rates) { counts[Int($0)] } }
            for row in rows + Array(Int32(before)..<Int32(counts.count)) where counts[Int(row)].isTaken {
                learned.leaders.take(row, counts[Int(row)], rates) { counts[Int($0)] }
            }
            for number in learned.first.indices {
                learned.first[number] = learned.leaders.first(number, rates) { counts[Int($0)] }
            }
            learned.served = served
            (learned.ordinal, learned.time) = (state.counters.clock, state.newestTime ?? 0)
        }
    }

    /// The weights that are served in a context.
    func weights(in context: BlendContext) -> [Float] { learned.read { $0.served(in: context) } }

    /// Each count's first items, `limit` at most, that may be answered.
    func first(_ limit: Int, _ filter: ItemFilter) -> [Int32] {
        learned.read { learned in
            learned.first.flatMap { $0.lazy.filter { filter.allows(Int($0)) }.prefix(limit) }
        }
    }

    /// The newest items below `bound` that nobody has taken and that may be answered, the newest first.
    func newcomers(below bound: Int, _ filter: ItemFilter) -> [Int32] {
        learned.read { learned in
            Newcomers.newest(below: min(bound, learned.counts.count)) { row in
                !learned.counts[Int(row)].isTaken && filter.allows(Int(row))
            }
        }
    }

    /// Whether nobody has taken them.
    func isUntaken(_ rows: [Int32]) -> [Bool] {
        learned.read { learned in
            rows.map { Int($0) >= learned.counts.count || !learned.counts[Int($0)].isTaken }
        }
    }

    /// What the slowest of the counts puts first, and its number of each.
    func leaders(_ filter: ItemFilter) -> (rows: [Int32], counts: [Float]) {
        learned.read { learned in
            let rows = learned.first[0].filter { filter.allows(Int($0)) }
            return (
                rows,
                rows.map {
                    rule.rates.values(learned.counts[Int($0)], ordinal: learned.ordinal, time: learned.time)[
                        0]
                }
            )
        }
    }

    /// Puts the counts' numbers of these items where they belong.
    func fill(_ features: inout BlendFeatures, _ rows: [Int32]) {
        learned.read { learned in
            for (place, row) in rows.enumerated() where Int(row) < learned.counts.count {
                let values = rule.rates.values(
                    learned.counts[Int(row)], ordinal: learned.ordinal, time: learned.time)
                for number in 0..<rule.counts { features.set(number, at: place, values[number]) }
            }
        }
    }
}
