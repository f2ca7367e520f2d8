import Foundation
import Testing

@testable import Evaluation

@Suite("Metrics of one ranking")
struct RankedRelevanceTests {
    // Relevant at ranks 1, 3 and 6 of 8.
    private let worked = RankedRelevance(
        relevantScores: [8, 6, 3], others: [7, 5, 4, 2, 1] as [Float])

    @Test("recall and precision count the relevant among the first N")
    func recallAndPrecision() {
        #expect(isClose(worked.value(.recall(1)), 1.0 / 3))
        #expect(isClose(worked.value(.recall(5)), 2.0 / 3))
        #expect(isClose(worked.value(.recall(6)), 1))
        #expect(isClose(worked.value(.precision(5)), 2.0 / 5))
        // N counts even where there are fewer candidates.
        #expect(isClose(worked.value(.precision(20)), 3.0 / 20))
    }

    @Test("NDCG discounts by the logarithm of the rank, and is 1 for the best order")
    func ndcg() {
        let gain = 1 + 1 / log2(4.0)
        let ideal = 1 + 1 / log2(3.0) + 1 / log2(4.0)
        #expect(isClose(worked.value(.ndcg(5)), gain / ideal))
        let ideal1 = RankedRelevance(relevantScores: [9, 8], others: [1, 2, 3] as [Float])
        #expect(isClose(ideal1.value(.ndcg(10)), 1))
        #expect(isClose(ideal1.value(.ndcg(1)), 1))
    }

    @Test("MRR is one over the first relevant rank, and nothing beyond N")
    func reciprocalRank() {
        let late = RankedRelevance(relevantScores: [1], others: [4, 3, 2] as [Float])
        #expect(isClose(worked.value(.mrr(10)), 1))
        #expect(isClose(late.value(.mrr(4)), 0.25))
        #expect(isClose(late.value(.mrr(3)), 0))
    }

    @Test("MAP averages the precision at each relevant rank")
    func averagePrecision() {
        let expected = (1.0 + 2.0 / 3 + 3.0 / 6) / 3
        #expect(isClose(worked.value(.map(8)), expected))
        // At most N could stand among the first N.
        #expect(isClose(worked.value(.map(2)), 1.0 / 2))
    }

    @Test("HR asks whether anything relevant is among the first N")
    func hitRate() {
        let late = RankedRelevance(relevantScores: [1, 0], others: [4, 3, 2] as [Float])
        #expect(isClose(late.value(.hitRate(3)), 0))
        #expect(isClose(late.value(.hitRate(4)), 1))
    }

    @Test("AUC is the part of the pairs in the right order")
    func areaUnderCurve() {
        // 8 beats all 5; 6 beats 4 of them; 3 beats 2.
        #expect(isClose(worked.value(.auc), 11.0 / 15))
        #expect(RankedRelevance(relevantScores: [1, 2], others: [Float]()).value(.auc) == nil)
        #expect(RankedRelevance(relevantScores: [], others: [1] as [Float]).value(.auc) == nil)
    }

    @Test("a model that scores all equal gets what chance gets")
    func allEqual() {
        let flat = RankedRelevance(relevantScores: [0], others: [Float](repeating: 0, count: 99))
        #expect(isClose(flat.value(.hitRate(10)), 0.1))
        #expect(isClose(flat.value(.recall(10)), 0.1))
        #expect(isClose(flat.value(.auc), 0.5))
        let harmonic = (1...10).reduce(0.0) { $0 + 1 / Double($1) }
        #expect(isClose(flat.value(.mrr(10)), harmonic / 100))
    }

    @Test("ties are worth the mean over all orders of the tied", arguments: [1, 2, 3, 4, 5, 6])
    func tiesAreExpectations(depth: Int) {
        // Two levels of ties: 2 of 3 relevant at the top, 1 of 3 below.
        let tied = RankedRelevance(relevantScores: [5, 5, 1], others: [5, 1, 1] as [Float])
        let metrics: [Metric] = [
            .recall(depth), .precision(depth), .ndcg(depth), .mrr(depth), .map(depth), .hitRate(depth), .auc,
        ]
        var means = [Double](repeating: 0, count: metrics.count)
        var orders = 0.0
        for top in permutations([true, true, false]) {
            for bottom in permutations([true, false, false]) {
                let order = top + bottom
                let scored = order.enumerated().map { (relevant: $1, score: Float(-$0)) }
                let strict = RankedRelevance(
                    relevantScores: scored.filter(\.relevant).map(\.score),
                    others: scored.filter { !$0.relevant }.map(\.score))
                for (index, metric) in metrics.enumerated() { means[index] += strict.value(metric) ?? .nan }
                orders += 1
            }
        }
        for (index, metric) in metrics.enumerated() {
            #expect(isClose(tied.value(metric), means[index] / orders, within: 1e-12), "\(metric.name)")
        }
    }

    @Test("a rank given by counts is that of the scores")
    func counts() {
        let byScores = RankedRelevance(relevantScores: [2], others: [3, 2, 2, 1] as [Float])
        #expect(byScores == RankedRelevance(higher: 1, equal: 2, candidates: 5))
    }

    private func permutations(_ values: [Bool]) -> [[Bool]] {
        guard let first = values.first else { return [[]] }
        return permutations(Array(values.dropFirst())).flatMap { rest in
            (0...rest.count).map { place in
                var all = rest
                all.insert(first, at: place)
                return all
            }
        }
    }
}
