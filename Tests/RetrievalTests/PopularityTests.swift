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
}
