import Factors
import Foundation
import Testing

@testable import Learners

@Suite("Negative sampling")
struct NegativeSamplerTests {
    /// Shares of 20,000 draws among items taken 0, 1, 3, 9, … times.
    private func shares(_ sampler: NegativeSampler, counts: [Int]) -> [Double] {
        var drawn = [Double](repeating: 0, count: counts.count)
        var random = KeyedRandom(seed: 3)
        for _ in 0..<20_000 {
            let item = sampler.draw(
                from: RowPool(below: counts.count), random: &random, count: { counts[$0] },
                isAllowed: { _ in true })
            drawn[item ?? 0] += 1 / 20_000
        }
        return drawn
    }

    @Test("uniform draws fall evenly and ask for no counts")
    func uniform() {
        var random = KeyedRandom(seed: 1)
        var drawn = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let item = NegativeSampler().draw(
                from: RowPool(below: 10), random: &random,
                count: { _ in
                    Issue.record("a count was asked for")
                    return 0
                }, isAllowed: { _ in true })
            drawn[item ?? 0] += 1
        }
        #expect(drawn.allSatisfy { (850...1_150).contains($0) })
    }

    @Test("draws by popularity come near to (1 + count)^power", arguments: [0.5, 0.75, 1] as [Float])
    func popularity(power: Float) {
        let counts = [0, 1, 3, 9, 27, 81, 0, 1, 3, 9]
        let weights = counts.map { pow(1 + Double($0), Double(power)) }
        let total = weights.reduce(0, +)
        var sampler = NegativeSampler(popularityPower: power)
        sampler.candidatesPerDraw = 64
        for (share, weight) in zip(shares(sampler, counts: counts), weights) {
            #expect(abs(share - weight / total) < 0.02 + 0.1 * weight / total)
        }
    }

    @Test("with few candidates the order of shares is still that of the counts")
    func fewCandidates() {
        let shares = shares(NegativeSampler(popularityPower: 0.75), counts: [0, 10, 100, 1_000])
        #expect(shares == shares.sorted())
        #expect(shares[0] < 0.1 && shares[3] > 0.5)
    }

    @Test("a seen item is never drawn, and one that is left is found", arguments: [0, 0.75] as [Float])
    func neverSeen(power: Float) {
        var sampler = NegativeSampler(popularityPower: power)
        sampler.triesMax = 200
        var random = KeyedRandom(seed: 1)
        for _ in 0..<200 {
            let item = sampler.draw(
                from: RowPool(below: 20), random: &random, count: { $0 == 7 ? 0 : 1_000 },
                isAllowed: { $0 == 7 })
            #expect(item == 7)
        }
    }

    @Test(
        "nothing is drawn where nothing is left, in a bounded number of tries", arguments: [0, 1] as [Float])
    func nothingLeft(power: Float) {
        var random = KeyedRandom(seed: 1)
        var asked = 0
        let item = NegativeSampler(popularityPower: power).draw(
            from: RowPool(below: 1_000), random: &random, count: { _ in 1 },
            isAllowed: { _ in
                asked += 1
                return false
            })
        #expect(item == nil)
        #expect(asked == (power == 0 ? 32 : 32 + 8))
        let none = NegativeSampler().draw(
            from: RowPool(below: 0), random: &random, count: { _ in 1 }, isAllowed: { _ in true })
        #expect(none == nil)
    }

    @Test("an event replayed draws the same negatives", arguments: [0, 0.5] as [Float])
    func replay(power: Float) {
        func draws(_ index: UInt64) -> [Int?] {
            var random = KeyedRandom(seed: 1, stream: 2, index: index)
            return (0..<20).map { _ in
                NegativeSampler(popularityPower: power).draw(
                    from: RowPool(below: 1_000), random: &random, count: { $0 }, isAllowed: { $0 % 3 != 0 })
            }
        }
        #expect(draws(5) == draws(5))
        #expect(draws(5) != draws(6))
    }
}
