import Factors
import Foundation
import Testing

@testable import Retrieval

@Suite("Popularity that fades")
struct PopularityTests {
    private let clock = PopularityClock(now: 1_000, popularHalfLife: 500, trendHalfLife: 50)

    /// Published as the engine does it: log₂ of the count, and its age in half-lives.
    private func counted(popular: Double, trend: Double, at: Double) -> PublishedPopularity {
        PublishedPopularity(popular: log2(popular) + at / 500, trend: log2(trend) + at / 50)
    }

    private func index(_ items: [PublishedPopularity]) -> PublishedIndex {
        let table = FactorTable(factors: 8)
        table.grow(to: items.count) { _, _ in }
        let index = PublishedIndex(factors: 8)
        _ = index.publish(rows: [], from: table) { items[$0] }
        return index
    }

    @Test("a count of long ago weighs less than a smaller one of now, and the scores are the counts of now")
    func fades() {
        let items = [
            counted(popular: 100, trend: 1, at: 0), counted(popular: 40, trend: 1, at: 1_000), .untaken,
            counted(popular: 50, trend: 1, at: 500),
        ]
        let best = index(items).read { $0.mostPopular(9, clock: clock, filter: ItemFilter()) }
        #expect(best.map(\.row) == [1, 0, 3])
        for (candidate, count) in zip(best, [40, 25, 25] as [Float]) {
            #expect(abs(candidate.score - count) < 1e-3)
        }
    }

    @Test("what stands out against its own past is trending; what is merely popular is not")
    func trending() {
        // A steady rate of one event in ten sums up to rate × half-life / ln 2.
        func steady(_ halfLife: Double) -> Double { 0.1 * halfLife / log(2) * (1 - exp2(-1_000 / halfLife)) }
        let items = [
            counted(popular: steady(500), trend: steady(50), at: 1_000),
            counted(popular: 12, trend: 10, at: 1_000), counted(popular: 30, trend: 28, at: 1_000),
            counted(popular: 5, trend: 0.1, at: 900), .untaken,
        ]
        let best = index(items).read { $0.trending(9, clock: clock, filter: ItemFilter()) }
        #expect(Array(best.map(\.row).prefix(2)) == [2, 1])
        #expect(best.allSatisfy { $0.row != 3 && $0.row != 4 })
        #expect(abs(clock.trend(items[0])) < 1e-6, "an item of a steady rate stands out by nothing")
    }

    @Test("without a half-life popularity counts all alike, however long ago")
    func neverFades() {
        let clock = PopularityClock(now: 1e9, popularHalfLife: 0, trendHalfLife: 10)
        let items = [3, 7, 5].map { PublishedPopularity(popular: log2($0), trend: -.infinity) }
        let best = index(items).read { $0.mostPopular(2, clock: clock, filter: ItemFilter()) }
        #expect(best.map(\.row) == [1, 2])
        #expect(abs(best[0].score - 7) < 1e-4)
    }

    @Test(
        "lists are those of plain formulas, whatever stands beside whatever",
        arguments: 0..<6 as Range<UInt64>)
    func listsAreThoseOfPlainFormulas(seed: UInt64) {
        var random = KeyedRandom(seed: seed)
        let items = (0..<700).map { _ -> PublishedPopularity in
            if random.next(below: 3) == 0 { return .untaken }
            let popular = exp2(8 * random.nextUnit() - 2)
            // Some below what is expected of them, some above, some long faded, some equal.
            let trend = popular * [0.01, 0.1, 0.5, 1, 3][random.next(below: 5)]
            return counted(popular: popular, trend: trend, at: Double(random.next(below: 3)) * 500)
        }
        let table = FactorTable(factors: 8)
        table.grow(to: items.count) { number, row in
            row.bias = [Float(number % 9), -Float(number % 5), .nan, 0.5][number % 4]
        }
        let index = PublishedIndex(factors: 8)
        _ = index.publish(rows: [], from: table) { items[$0] }
        let filter = ItemFilter(excluded: ItemBitset((0..<200).map { _ in Int32(random.next(below: 700)) }))
        func plain(_ limit: Int, _ value: (Int) -> Float?) -> [Candidate] {
            let all = items.indices.filter { filter.allows($0) }.compactMap { row in
                value(row).map { Candidate(row: Int32(row), score: $0) }
            }
            return Array(all.filter { $0.score.isFinite }.sorted(by: >).prefix(limit))
        }
        for limit in [1, 10, 1_000] {
            index.read { view in
                let trending = plain(limit) { row in
                    let value = Float(clock.trend(items[row]))
                    return value > 0 && items[row].trend > -.infinity ? value : nil
                }
                #expect(view.trending(limit, clock: clock, filter: filter) == trending)
                for sign in [1, -1] as [Float] {
                    let biased = plain(limit) { row in
                        items[row].popular > -.infinity ? sign * view.biases[row] : nil
                    }
                    let list = view.byBias(limit, leastFirst: sign < 0, filter: filter)
                    #expect(list == biased.map { Candidate(row: $0.row, score: sign * $0.score) })
                }
            }
        }
    }
}
