internal import Foundation

/// Where the relevant items stand in one ranking, ties kept as ties.
public struct RankedRelevance: Sendable, Equatable {
    /// Candidates of equal score, with at least one relevant among them.
    struct TieGroup: Equatable {
        /// Candidates that score higher.
        var above: Int
        var size: Int
        var relevant: Int
    }

    let groups: [TieGroup]
    public let relevant: Int
    public let candidates: Int

    /// One relevant item: `higher` candidates score above it, `equal` others as it does, of `candidates` with itself.
    public init(higher: Int, equal: Int, candidates: Int) {
        groups = [TieGroup(above: higher, size: equal + 1, relevant: 1)]
        relevant = 1
        self.candidates = candidates
    }

    /// - Parameters:
    ///   - relevantScores: scores of the relevant candidates, finite.
    ///   - others: scores of all other candidates, finite.
    public init(relevantScores: [Float], others: some Sequence<Float>) {
        let sorted = relevantScores.sorted(by: >)
        var (levels, counts): ([Float], [Int]) = ([], [])
        for score in sorted {
            if levels.last == score {
                counts[counts.count - 1] += 1
            } else {
                levels.append(score)
                counts.append(1)
            }
        }
        var between = [Int](repeating: 0, count: levels.count + 1)
        var equal = [Int](repeating: 0, count: levels.count)
        var otherCount = 0
        for score in others {
            otherCount += 1
            let place = Self.place(of: score, in: levels)
            if place < levels.count, levels[place] == score { equal[place] += 1 } else { between[place] += 1 }
        }
        var (groups, above): ([TieGroup], Int) = ([], 0)
        for index in levels.indices {
            above += between[index]
            let size = counts[index] + equal[index]
            groups.append(TieGroup(above: above, size: size, relevant: counts[index]))
            above += size
        }
        self.groups = groups
        relevant = sorted.count
        candidates = sorted.count + otherCount
    }

    /// The first of the descending `levels` that is not above `score`.
    @inline(__always)
    private static func place(of score: Float, in levels: [Float]) -> Int {
        var (low, high) = (0, levels.count)
        while low < high {
            let middle = (low + high) / 2
            if levels[middle] > score { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The metric's expected value; `nil` where it is not defined: nothing is relevant, or for AUC all is.
    public func value(_ metric: Metric) -> Double? {
        guard relevant > 0 else { return nil }
        switch metric {
        case .recall(let depth), .disliked(let depth): return hits(depth) / Double(relevant)
        case .precision(let depth): return hits(depth) / Double(depth)
        case .hitRate(let depth): return hitProbability(depth)
        case .ndcg(let depth): return ndcg(depth)
        case .mrr(let depth): return reciprocalRank(depth)
        case .map(let depth): return averagePrecision(depth)
        case .auc: return areaUnderCurve
        case .rmse, .mae, .rawRMSE, .rawMAE, .cellAUC, .coverage, .novelty, .pearson: return nil
        }
    }

    /// Expected number of relevant items among the first `depth`.
    private func hits(_ depth: Int) -> Double {
        groups.reduce(0) { sum, group in
            let inside = min(max(depth - group.above, 0), group.size)
            return sum + Double(group.relevant) * Double(inside) / Double(group.size)
        }
    }

    private func hitProbability(_ depth: Int) -> Double {
        // Only the first group can straddle the cut with nothing relevant before it.
        guard let first = groups.first, first.above < depth else { return 0 }
        return 1 - noneRelevant(first, among: min(depth - first.above, first.size))
    }

    /// Probability that the first `places` of the group hold nothing relevant: drawing without replacement.
    private func noneRelevant(_ group: TieGroup, among places: Int) -> Double {
        var none = 1.0
        for place in 0..<places {
            none *= max(0, Double(group.size - group.relevant - place)) / Double(group.size - place)
            if none == 0 { break }
        }
        return none
    }

    private func ndcg(_ depth: Int) -> Double {
        func discount(_ ranks: Range<Int>) -> Double {
            ranks.reduce(0) { $0 + 1 / log2(Double($1 + 2)) }
        }
        var gain = 0.0
        for group in groups where group.above < depth {
            let end = min(depth, group.above + group.size)
            gain += Double(group.relevant) / Double(group.size) * discount(group.above..<end)
        }
        return gain / discount(0..<min(relevant, depth))
    }

    private func reciprocalRank(_ depth: Int) -> Double {
        guard let first = groups.first, first.above < depth else { return 0 }
        var (sum, none) = (0.0, 1.0)
        for place in 0..<min(depth - first.above, first.size) {
            let left = Double(first.size - place)
            sum += none * Double(first.relevant) / left / Double(first.above + place + 1)
            none *= max(0, left - Double(first.relevant)) / left
            if none == 0 { break }
        }
        return sum
    }

    private func averagePrecision(_ depth: Int) -> Double {
        var (sum, before) = (0.0, 0.0)
        for group in groups {
            let (size, relevant) = (Double(group.size), Double(group.relevant))
            for place in 0..<min(max(depth - group.above, 0), group.size) {
                // Given a relevant item here, those expected before it within the group.
                let within = group.size > 1 ? Double(place) * (relevant - 1) / (size - 1) : 0
                sum += relevant / size * (before + within + 1) / Double(group.above + place + 1)
            }
            before += relevant
        }
        return sum / Double(min(self.relevant, depth))
    }

    private var areaUnderCurve: Double? {
        let negatives = candidates - relevant
        guard negatives > 0 else { return nil }
        var (sum, before) = (0.0, 0)
        for group in groups {
            let equal = group.size - group.relevant
            let above = group.above - before
            sum += Double(group.relevant) * (Double(negatives - above - equal) + 0.5 * Double(equal))
            before += group.relevant
        }
        return sum / (Double(relevant) * Double(negatives))
    }
}
