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
        /// By count, the items that it puts first, in their order.
        var first: [FirstItems]
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
                first: (0..<rule.counts).map { _ in FirstItems(limit: Self.firstMax) },
                served: BlendState(rule).served))
    }

    var bytes: Int { learned.read { $0.counts.capacity * MemoryLayout<FadingLogs>.stride } }

    /// Takes over the changed rows.
    func take(_ rows: [Int32], from blend: BlendState, state: LearnedState) {
        let served = blend.served
        learned.withLock { learned in
            let before = learned.counts.count
            for row in before..<max(before, blend.counts.count) { learned.counts.append(blend.counts[row]) }
            for row in rows { learned.counts[Int(row)] = blend.counts[Int(row)] }
            for number in learned.first.indices {
                learned.first[number].take(rows + Array(Int32(before)..<Int32(learned.counts.count))) { row in
                    rule.rates.standing(learned.counts[Int(row)], number)
                }
            }
            learned.served = served
            (learned.ordinal, learned.time) = (state.counters.applied, state.newestTime ?? 0)
        }
    }

    /// The weights that are served in a context.
    func weights(in context: BlendContext) -> [Float] { learned.read { $0.served(in: context) } }

    /// Each count's first items, `limit` at most, that may be answered.
    func first(_ limit: Int, _ filter: ItemFilter) -> [Int32] {
        learned.read { learned in
            learned.first.flatMap { $0.rows.lazy.filter { filter.allows(Int($0)) }.prefix(limit) }
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

/// The items that a fading count puts first. All fade alike, so only what is taken changes its place.
private struct FirstItems {
    private let limit: Int
    private(set) var rows: [Int32] = []
    private var standings: [Double] = []

    init(limit: Int) { self.limit = limit }

    mutating func take(_ changed: [Int32], standing: (Int32) -> Double) {
        var isIn = Set(rows)
        var least = rows.count < limit ? -Double.infinity : standings.last ?? -.infinity
        var all = zip(rows, standings).map { (row: $0, standing: $1) }
        var isChanged = false
        for row in changed {
            let now = standing(row)
            if isIn.contains(row) {
                isChanged = true
            } else if now > least {
                isChanged = true
                isIn.insert(row)
                all.append((row, now))
            }
        }
        guard isChanged else { return }
        for place in all.indices { all[place].standing = standing(all[place].row) }
        all.sort { ($1.standing, $0.row) < ($0.standing, $1.row) }
        if all.count > limit { all.removeLast(all.count - limit) }
        (rows, standings) = (all.map(\.row), all.map(\.standing))
        least = standings.last ?? -.infinity
    }
}
