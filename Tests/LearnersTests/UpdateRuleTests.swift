import Factors
import Foundation
import Testing

@testable import Learners

/// Rows of a small table, filled by a seed.
struct Rows {
    let table: FactorTable

    init(_ count: Int, factors: Int = 16, seed: UInt64 = 1) {
        table = FactorTable(factors: factors)
        table.grow(to: count) { index, row in
            var random = KeyedRandom(seed: seed, index: UInt64(index))
            row.set(
                vector: (0..<factors).map { _ in Float(random.nextNormal()) * 0.3 },
                bias: Float(random.nextUnit()))
        }
    }

    subscript(index: Int) -> Row { table.row(index) }
}

func expectClose(_ row: Row, _ values: Reference.Values, sourceLocation: SourceLocation = #_sourceLocation) {
    for (a, b) in zip(row.vector, values.vector) {
        #expect(abs(a - b) < 1e-5, sourceLocation: sourceLocation)
    }
    #expect(abs(row.bias - values.bias) < 1e-5, sourceLocation: sourceLocation)
    #expect(abs(row.step - values.step) < 1e-4, sourceLocation: sourceLocation)
}

@Suite("Update rules")
struct UpdateRuleTests {
    let wide = UpdateGuard(normMax: 100)

    static let schedules: [RateSchedule] = [.constant, .inverseTime(halfAfter: 4), .adaGrad]

    @Test("an SGD step is that of the reference", arguments: 0..<20 as Range<UInt64>, schedules)
    func sgdMatchesReference(seed: UInt64, schedule: RateSchedule) {
        let rows = Rows(2, factors: 64, seed: seed)
        rows[1].step = 3
        var (user, item) = (Reference.Values(rows[0]), Reference.Values(rows[1]))
        var options = BiasedSGD.Options()
        options.schedule = schedule
        let sgd = BiasedSGD(options: options, updateGuard: wide)
        Reference.sgd(rating: 4.5, mean: 3.5, user: &user, item: &item, sgd.options)
        let result = sgd.update(
            rating: 4.5, mean: 3.5, user: rows[0], item: rows[1], scratch: Scratch(factors: 64))
        #expect(result == .applied)
        expectClose(rows[0], user)
        expectClose(rows[1], item)
    }

    @Test("a BPR step is that of the reference", arguments: 0..<20 as Range<UInt64>, schedules)
    func bprMatchesReference(seed: UInt64, schedule: RateSchedule) {
        let rows = Rows(3, factors: 64, seed: seed)
        rows[2].step = 3
        var values = (Reference.Values(rows[0]), Reference.Values(rows[1]), Reference.Values(rows[2]))
        var options = BPR.Options()
        options.schedule = schedule
        let bpr = BPR(options: options, updateGuard: wide)
        Reference.bpr(user: &values.0, positive: &values.1, negative: &values.2, bpr.options)
        let result = bpr.update(
            weight: 1, user: rows[0], positive: rows[1], negative: rows[2], scratch: Scratch(factors: 64))
        #expect(result == .applied)
        expectClose(rows[0], values.0)
        expectClose(rows[1], values.1)
        expectClose(rows[2], values.2)
    }

    @Test("a WARP step is that of the reference", arguments: 1..<40, schedules)
    func warpMatchesReference(draws: Int, schedule: RateSchedule) {
        let rows = Rows(3, factors: 64, seed: UInt64(draws))
        rows[0].step = 3
        var values = (Reference.Values(rows[0]), Reference.Values(rows[1]), Reference.Values(rows[2]))
        var options = WARP.Options()
        options.schedule = schedule
        let warp = WARP(options: options, updateGuard: wide)
        Reference.warp(
            weight: 0.5, draws: draws, candidates: 1_000, user: &values.0, positive: &values.1,
            negative: &values.2, warp.options)
        let result = warp.update(
            weight: 0.5, draws: draws, candidates: 1_000, user: rows[0], positive: rows[1],
            negative: rows[2], scratch: Scratch(factors: 64))
        #expect(result == .applied)
        expectClose(rows[0], values.0)
        expectClose(rows[1], values.1)
        expectClose(rows[2], values.2)
    }

    @Test("an SGD step without decay follows the numeric gradient of the squared error")
    func sgdFollowsGradient() {
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate) = (1e-3, 1e-3)
        (options.regularization, options.biasRegularization) = (0, 0)
        let sgd = BiasedSGD(options: options, updateGuard: wide)
        func loss(_ rows: Rows) -> Double {
            let error = Double(4 - sgd.predict(mean: 3, user: rows[0], item: rows[1]))
            return error * error / 2
        }
        let (stepped, before) = (Rows(2), Rows(2))
        _ = sgd.update(rating: 4, mean: 3, user: stepped[0], item: stepped[1], scratch: Scratch(factors: 16))
        for row in 0..<2 {
            for factor in 0..<16 {
                let gradient = numericGradient(row: row, factor: factor, loss: loss)
                let step = Double(stepped[row].vector[factor] - before[row].vector[factor])
                #expect(abs(step + 1e-3 * gradient) < 2e-6)
            }
        }
    }

    @Test("a BPR step without decay ascends the numeric gradient of ln σ(x)")
    func bprFollowsGradient() {
        var options = BPR.Options()
        (options.learningRate, options.regularization, options.biasRegularization) = (1e-3, 0, 0)
        let bpr = BPR(options: options, updateGuard: wide)
        func loss(_ rows: Rows) -> Double {
            let x = Double(bpr.score(user: rows[0], item: rows[1]) - bpr.score(user: rows[0], item: rows[2]))
            return log(1 + exp(-x))
        }
        let (stepped, before) = (Rows(3), Rows(3))
        _ = bpr.update(
            weight: 1, user: stepped[0], positive: stepped[1], negative: stepped[2],
            scratch: Scratch(factors: 16))
        for row in 0..<3 {
            for factor in 0..<16 {
                let gradient = numericGradient(row: row, factor: factor, loss: loss)
                let step = Double(stepped[row].vector[factor] - before[row].vector[factor])
                #expect(abs(step + 1e-3 * gradient) < 2e-6)
            }
        }
    }

    @Test("a WARP step without decay descends the numeric gradient of the weighted hinge")
    func warpFollowsGradient() {
        var options = WARP.Options()
        (options.learningRate, options.regularization, options.biasRegularization) = (1e-3, 0, 0)
        // Wide enough that the pair is within it however far a factor is shifted.
        options.margin = 10
        let warp = WARP(options: options, updateGuard: wide)
        func loss(_ rows: Rows) -> Double {
            let positive = warp.score(user: rows[0], item: rows[1])
            let negative = warp.score(user: rows[0], item: rows[2])
            #expect(warp.violates(positive: positive, negative: negative))
            return (1 + 1 / 2.0 + 1 / 3.0) * max(0, Double(options.margin - positive + negative))
        }
        let (stepped, before) = (Rows(3), Rows(3))
        _ = warp.update(
            weight: 1, draws: 3, candidates: 10, user: stepped[0], positive: stepped[1],
            negative: stepped[2], scratch: Scratch(factors: 16))
        for row in 0..<3 {
            for factor in 0..<16 {
                let gradient = numericGradient(row: row, factor: factor, loss: loss)
                let step = Double(stepped[row].vector[factor] - before[row].vector[factor])
                #expect(abs(step + 1e-3 * gradient) < 2e-6)
            }
        }
    }

    /// Central difference of `loss` in one factor of one row of `Rows(3)`.
    private func numericGradient(row: Int, factor: Int, loss: (Rows) -> Double) -> Double {
        let width: Float = 1e-2
        func shifted(_ by: Float) -> Double {
            let rows = Rows(3)
            var vector = rows[row].vector
            vector[factor] += by
            rows[row].set(vector: vector, bias: rows[row].bias)
            return loss(rows)
        }
        return (shifted(width) - shifted(-width)) / Double(2 * width)
    }

    @Test(
        "an update that is not finite or passes the bound changes nothing",
        arguments: [Float.nan, .infinity, -.infinity, 1e30])
    func guardRestores(rating: Float) {
        let rows = Rows(2)
        let before = (Reference.Values(rows[0]), Reference.Values(rows[1]))
        let sgd = BiasedSGD(options: .init(), updateGuard: wide)
        let result = sgd.update(
            rating: rating, mean: 3, user: rows[0], item: rows[1], scratch: Scratch(factors: 16))
        #expect(result == .rejected)
        #expect(Reference.Values(rows[0]) == before.0)
        #expect(Reference.Values(rows[1]) == before.1)
    }

    @Test("a BPR update past the bound changes nothing")
    func bprGuardRestores() {
        let rows = Rows(3)
        let before = (0..<3).map { Reference.Values(rows[$0]) }
        let bpr = BPR(options: .init(), updateGuard: UpdateGuard(normMax: 1e-3))
        let result = bpr.update(
            weight: 1, user: rows[0], positive: rows[1], negative: rows[2], scratch: Scratch(factors: 16))
        #expect(result == .rejected)
        #expect((0..<3).map { Reference.Values(rows[$0]) } == before)
    }

    @Test("a WARP update past the bound changes nothing, the step included")
    func warpGuardRestores() {
        let rows = Rows(3)
        let before = (0..<3).map { Reference.Values(rows[$0]) }
        var options = WARP.Options()
        options.schedule = .adaGrad
        let warp = WARP(options: options, updateGuard: UpdateGuard(normMax: 1e-3))
        let result = warp.update(
            weight: 1, draws: 1, candidates: 10, user: rows[0], positive: rows[1], negative: rows[2],
            scratch: Scratch(factors: 16))
        #expect(result == .rejected)
        #expect((0..<3).map { Reference.Values(rows[$0]) } == before)
    }

    @Test("a score that is no number violates no margin")
    func notANumberViolatesNothing() {
        let warp = WARP(options: .init(), updateGuard: wide)
        #expect(!warp.violates(positive: 1, negative: .nan))
        #expect(!warp.violates(positive: .nan, negative: 1))
        #expect(warp.violates(positive: 1, negative: 0.5))
        #expect(!warp.violates(positive: 1, negative: 0))
    }

    @Test("the loss of a rank is its harmonic number")
    func rankLoss() {
        var sum = 0.0
        for k in 1...2_000 {
            sum += 1 / Double(k)
            #expect(abs(Double(WARP.harmonic(k)) - sum) < 2e-6 * sum)
        }
        let warp = WARP(options: .init(), updateGuard: wide)
        #expect(warp.rankLoss(draws: 1, candidates: 4) > 1.83)
        #expect(warp.rankLoss(draws: 50, candidates: 4) == 1)
        #expect(warp.rankLoss(draws: 1, candidates: 1) == 1)
    }

    @Test("rates fall as their schedules say, and a constant one leaves no trace")
    func fallingRates() {
        #expect(RateSchedule.inverseTime(halfAfter: 10).factor(step: 10) == 0.5)
        #expect(RateSchedule.adaGrad.factor(step: 3) == 0.5)
        let rows = Rows(2)
        let sgd = BiasedSGD(options: .init(), updateGuard: wide)
        _ = sgd.update(rating: 4, mean: 3, user: rows[0], item: rows[1], scratch: Scratch(factors: 16))
        #expect(rows[0].step == 0 && rows[1].step == 0)
    }

    @Test("the means baseline shrinks an item of few ratings towards the mean")
    func meansShrink() {
        let means = MeansBaseline()
        #expect(means.itemOffset(ratingSum: 5, ratings: 1, mean: 3) == 2.0 / 11)
        #expect(abs(means.itemOffset(ratingSum: 5000, ratings: 1000, mean: 3) - 2000.0 / 1010) < 1e-12)
        #expect(means.userOffset(residualSum: 0, ratings: 0) == 0)
    }
}
