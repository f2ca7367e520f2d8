import Factors
import Foundation
import Testing

@testable import Learners

@Suite("Ratings without a scale")
struct RatingScaleTests {
    private func ratings(_ count: Int, mean: Double, spread: Double, seed: UInt64 = 1) -> [Float] {
        var random = KeyedRandom(seed: seed)
        return (0..<count).map { _ in Float(mean + spread * random.nextNormal()) }
    }

    @Test(
        "the running mean and deviation are those of two passes",
        arguments: [(3.5, 1.0), (0, 1e-3), (1_000_000, 3), (-4, 2e5)])
    func moments(mean: Double, spread: Double) {
        let values = ratings(2_000, mean: mean, spread: spread)
        let scale = RatingMoments(of: values).scale
        let exact = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        let squares = values.reduce(0) { $0 + (Double($1) - exact) * (Double($1) - exact) }
        #expect(abs(scale.mean - exact) <= 1e-9 * max(1, abs(exact)))
        let deviation = (squares / Double(values.count)).squareRoot()
        #expect(abs(scale.deviation - deviation) < 1e-6 * deviation)
    }

    @Test("ratings that are all equal have no deviation, and nothing to teach", arguments: [0.1, 3, 1e6])
    func constant(value: Float) {
        let scale = RatingMoments(of: Array(repeating: value, count: 10_000)).scale
        #expect(scale.deviation == 0)
        #expect(scale.standardised(value) == 0 && scale.standardised(value + 1) == 0)
        #expect(abs(scale.rating(2) - value) <= 1e-6 * value)
        #expect(RatingMoments().scale == RatingScale(mean: 0, deviation: 0))
    }

    @Test("a rating goes there and back, and one far out teaches no more than six deviations")
    func thereAndBack() {
        let scale = RatingScale(mean: 60, deviation: 20)
        for rating in stride(from: Float(0), through: 100, by: 12.5) {
            #expect(abs(scale.rating(scale.standardised(rating)) - rating) < 1e-4)
        }
        #expect(scale.standardised(1e9) == 6 && scale.standardised(-1e9) == -6)
        #expect(scale.difference(0.5) == 10)
    }

    @Test("times twenty, ratings are the same but for rounding")
    func timesTwenty() {
        let values = (0..<500).map { Float($0 * 7 % 5 + 1) }
        var (five, hundred) = (RatingMoments(), RatingMoments())
        for value in values {
            five.add(value)
            hundred.add(value * 20)
            let (a, b) = (five.scale.standardised(value), hundred.scale.standardised(value * 20))
            #expect(abs(a - b) <= 2 * a.ulp)
        }
    }

    @Test(
        "a replayed rating moves the user's row as the reference does, and no item",
        arguments: 0..<10 as Range<UInt64>)
    func replay(seed: UInt64) {
        let rows = Rows(2, factors: 64, seed: seed)
        var options = BiasedSGD.Options()
        (options.replayLearningRate, options.userRegularization) = (0.2, 0.3)
        let sgd = BiasedSGD(options: options, updateGuard: UpdateGuard(normMax: 100))
        let (user, item) = (Reference.Values(rows[0]), Reference.Values(rows[1]))
        let error = 1.5 - (user.bias + item.bias + Reference.dot(user.vector, item.vector))
        let result = sgd.replay(
            rating: 1.5, mean: 0, user: rows[0], item: rows[1], scratch: Scratch(factors: 64))
        #expect(result == .applied)
        var expected = user
        for k in user.vector.indices {
            expected.vector[k] += 0.2 * (error * item.vector[k] - 0.3 * user.vector[k])
        }
        expected.bias += options.biasLearningRate * (error - options.biasRegularization * user.bias)
        expectClose(rows[0], expected)
        #expect(Reference.Values(rows[1]) == item)
        let strict = BiasedSGD(options: options, updateGuard: UpdateGuard(normMax: 1e-3))
        let before = Reference.Values(rows[0])
        #expect(
            strict.replay(
                rating: 1.5, mean: 0, user: rows[0], item: rows[1], scratch: Scratch(factors: 64))
                == .rejected)
        #expect(Reference.Values(rows[0]) == before)
    }

    @Test("users and items have rates and decays of their own")
    func ownRates() {
        let rows = Rows(2, factors: 16)
        let (user, item) = (Reference.Values(rows[0]), Reference.Values(rows[1]))
        var options = BiasedSGD.Options()
        (options.userLearningRate, options.userBiasLearningRate) = (0, 0)
        (options.learningRate, options.userRegularization) = (0.1, 5)
        let sgd = BiasedSGD(options: options, updateGuard: UpdateGuard(normMax: 100))
        _ = sgd.update(rating: 2, mean: 0, user: rows[0], item: rows[1], scratch: Scratch(factors: 16))
        #expect(Reference.Values(rows[0]) == user)
        #expect(Reference.Values(rows[1]) != item)
    }

    @Test("an item's bias begins as a shrunk mean of its ratings, and then fades")
    func shrunkMean() {
        var options = BiasedSGD.Options()
        (options.biasShrinkage, options.biasLearningRate, options.biasRegularization) = (4, 0.01, 0)
        (options.learningRate, options.userBiasLearningRate) = (0, 0)
        let sgd = BiasedSGD(options: options, updateGuard: UpdateGuard(normMax: 100))
        let table = FactorTable(factors: 8)
        table.grow(to: 2) { _, _ in }
        let ratings: [Float] = [2, 1, 3, 0.5, 2.5]
        for (number, rating) in ratings.enumerated() {
            _ = sgd.update(
                rating: rating, mean: 0, user: table.row(0), item: table.row(1), itemRatings: number,
                scratch: Scratch(factors: 8))
        }
        // Steps of 1 / (n + 4) are the mean of n ratings and of three of nothing.
        #expect(abs(table.bias(1) - ratings.reduce(0, +) / 8) < 1e-6)
        let before = table.bias(1)
        _ = sgd.update(
            rating: before + 1, mean: 0, user: table.row(0), item: table.row(1), itemRatings: 100_000,
            scratch: Scratch(factors: 8))
        #expect(abs(table.bias(1) - before - 0.01) < 1e-6)
    }
}
