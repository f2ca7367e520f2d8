import Factors
import Testing

@testable import Learners

@Suite("Steps towards ratings, in C")
struct RatingKernelTests {
    private func sgd(normMax: Float) -> BiasedSGD {
        var options = BiasedSGD.Options()
        options.learningRate = 0.05
        options.userLearningRate = 0.25
        options.biasLearningRate = 0.003
        options.userBiasLearningRate = 0.04
        options.biasShrinkage = 8
        options.userRegularization = 0.04
        options.replayLearningRate = 0.1
        return BiasedSGD(options: options, updateGuard: UpdateGuard(normMax: normMax))
    }

    /// Bits, so that NaN equals itself and 0 differs from -0.
    private func bits(_ rows: Rows) -> [[UInt32]] {
        (0..<2).map { row in
            (rows[row].vector + [rows[row].bias, rows[row].step]).map(\.bitPattern)
        }
    }

    private func expectSame(_ sgd: BiasedSGD, factors: Int, seed: UInt64) -> [UpdateResult] {
        let (one, other) = (Rows(2, factors: factors, seed: seed), Rows(2, factors: factors, seed: seed))
        let scratch = Scratch(factors: factors)
        var random = KeyedRandom(seed: seed, stream: 2)
        var results: [UpdateResult] = []
        for number in 0..<8 {
            let rating = Float(random.nextNormal())
            let error = rating - one[0].bias - one[1].bias - one[0].dot(one[1])
            let rates = sgd.options.rates(itemRatings: number)
            let stepped = sgd.step(error, rates, remembers: false, one[0], one[1], scratch)
            #expect(sgd.kernelStep(error, rates, other[0], other[1], scratch) == stepped)
            #expect(bits(one) == bits(other))
            let replayed = sgd.replayStep(rating, factor: 1, user: one[0], item: one[1], scratch: scratch)
            #expect(
                sgd.kernelReplay(rating, user: other[0], item: other[1], scratch: scratch) == replayed)
            #expect(bits(one) == bits(other))
            results += [stepped, replayed]
        }
        return results
    }

    @Test("give to the last bit what the plain ones give", arguments: [8, 16, 64, 72, 128])
    func matchesPlain(factors: Int) {
        for seed in 0..<20 as Range<UInt64> {
            #expect(expectSame(sgd(normMax: 100), factors: factors, seed: seed).allSatisfy { $0 == .applied })
            let rows = Rows(2, factors: factors, seed: seed)
            let product = sgd(normMax: 100).product(rows[0], rows[1])
            #expect(product.bitPattern == rows[0].dot(rows[1]).bitPattern)
        }
    }

    @Test("refuse what passes the bound as the plain ones do, and change nothing then", arguments: [16, 64])
    func guards(factors: Int) {
        var results: [UpdateResult] = []
        for seed in 0..<60 as Range<UInt64> {
            // About the norms that rows have at first.
            let normMax = (Float(factors) * 0.09).squareRoot() * (0.9 + 0.006 * Float(seed))
            results += expectSame(sgd(normMax: normMax), factors: factors, seed: seed)
        }
        #expect(results.contains(.applied) && results.contains(.rejected))
    }

    @Test("learn nothing from what is no number")
    func refusesNaN() {
        let rows = Rows(2, factors: 64)
        rows[1].bias = .nan
        let before = bits(rows)
        let sgd = sgd(normMax: 100)
        let scratch = Scratch(factors: 64)
        #expect(sgd.kernelReplay(1, user: rows[0], item: rows[1], scratch: scratch) == .rejected)
        #expect(sgd.update(rating: 1, mean: 0, user: rows[0], item: rows[1], scratch: scratch) == .rejected)
        #expect(bits(rows) == before)
    }
}
