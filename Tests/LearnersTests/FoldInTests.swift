import Factors
import Testing

@testable import Learners

@Suite("Folding a user in from items")
struct FoldInTests {
    private let factors = 16

    private func items(_ count: Int, seed: UInt64 = 7, values: (Int) -> Float) -> FoldInItems {
        var random = KeyedRandom(seed: seed)
        var items = FoldInItems(factors: factors)
        for row in 0..<count {
            let vector = (0..<factors).map { _ in Float(random.nextNormal()) * 0.4 }
            items.append(vector: vector, bias: Float(random.nextNormal()) * 0.2, value: values(row))
        }
        return items
    }

    private func dot(_ items: FoldInItems, _ row: Int, _ vector: [Float]) -> Float {
        zip(items.vectors[row * factors..<(row + 1) * factors], vector).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(
        "the ridge regression's gradient is zero, with fewer items than factors and with more",
        arguments: [1, 5, 40])
    func ridge(count: Int) throws {
        let sgd = BiasedSGD(options: .init(), updateGuard: UpdateGuard(normMax: 100))
        let items = items(count) { Float($0 % 5) - 2 }
        let user = try #require(sgd.foldIn(items))
        let errors = (0..<count).map { items.values[$0] - user.bias - dot(items, $0, user.vector) }
        let scale = Float(count)
        #expect(abs(errors.reduce(0, +) - scale * sgd.options.biasRegularization * user.bias) < 1e-3)
        for factor in 0..<factors {
            let gradient = (0..<count).reduce(Float(0)) {
                $0 + errors[$1] * items.vectors[$1 * factors + factor]
            }
            #expect(abs(gradient - scale * sgd.options.regularization * user.vector[factor]) < 1e-3)
        }
    }

    @Test("pairwise steps put the items above the negatives, and the guard refuses what is too large")
    func pairwise() throws {
        let (positives, negatives) = (items(8) { _ in 1 }, items(60, seed: 9) { _ in 0 })
        func margin(_ steps: PairwiseFoldIn) throws -> Float {
            let user = try #require(steps.foldIn(positives, negatives: negatives))
            let high = (0..<8).reduce(Float(0)) { $0 + dot(positives, $1, user.vector) } / 8
            let low = (0..<60).reduce(Float(0)) { $0 + dot(negatives, $1, user.vector) } / 60
            return high - low
        }
        let updateGuard = UpdateGuard(normMax: 100)
        #expect(try margin(PairwiseFoldIn(BPR(options: .init(), updateGuard: updateGuard))) > 0.1)
        let warp = WARP(options: .init(), updateGuard: updateGuard)
        #expect(try margin(PairwiseFoldIn(warp, candidates: 68)) > 0.1)
        let tight = PairwiseFoldIn(BPR(options: .init(), updateGuard: UpdateGuard(normMax: 1e-3)))
        #expect(tight.foldIn(positives, negatives: negatives) == nil)
        let mad = items(2) { _ in .infinity }
        #expect(
            PairwiseFoldIn(BPR(options: .init(), updateGuard: updateGuard)).foldIn(mad, negatives: negatives)
                == nil)
        let nothing = PairwiseFoldIn(warp, candidates: 8).foldIn(
            positives, negatives: FoldInItems(factors: factors))
        #expect(nothing?.vector == Array(repeating: 0, count: factors))
    }

    @Test("by pairwise steps what was liked more weighs more, wherever it stands, and only beside the others")
    func weighted() throws {
        var bpr = BPR.Options()
        (bpr.learningRate, bpr.userLearningRate, bpr.samples) = (0.05, 0.8, 16)
        var warp = WARP.Options()
        (warp.userLearningRate, warp.userRegularization, warp.samples) = (0.03, 1.6, 10)
        let updateGuard = UpdateGuard(normMax: 100)
        let negatives = items(60, seed: 9) { _ in 0 }
        for steps in [
            PairwiseFoldIn(BPR(options: bpr, updateGuard: updateGuard)),
            PairwiseFoldIn(WARP(options: warp, updateGuard: updateGuard), candidates: 68),
        ] {
            func scores(_ value: (Int) -> Float) throws -> [Float] {
                let positives = items(8, values: value)
                let user = try #require(steps.foldIn(positives, negatives: negatives))
                return (0..<8).map { dot(positives, $0, user.vector) }
            }
            let (first, last) = (try scores { $0 < 4 ? 5 : 1 }, try scores { $0 < 4 ? 1 : 5 })
            #expect(first[..<4].reduce(0, +) > last[..<4].reduce(0, +))
            #expect(first[4...].reduce(0, +) < last[4...].reduce(0, +))
            #expect(try scores { _ in 1 } == scores { _ in 4 })
        }
    }

    @Test(
        "by ALS the shares of the items add up to the score of the row that is solved",
        arguments: [Float(0), 3])
    func shares(halfLife: Float) throws {
        var options = ALS.Options()
        options.halfLifeEvents = halfLife
        let als = ALS(options: options, updateGuard: UpdateGuard(normMax: 100))
        let catalogue = FactorTable(factors: factors)
        catalogue.grow(to: 50) { index, row in
            var random = KeyedRandom(seed: 3, index: UInt64(index))
            row.set(vector: (0..<factors).map { _ in Float(random.nextNormal()) * 0.4 }, bias: 0)
        }
        var taken = FoldInItems(factors: factors)
        for row in 0..<6 { taken.append(vector: catalogue.row(row).vector, bias: 0, value: Float(row % 2)) }
        let (gramian, workspace) = (Gramian(of: catalogue), ALSWorkspace(factors: factors))
        let user = try #require(als.foldIn(taken, gramian: gramian, workspace: workspace))
        for row in [0, 7, 30] {
            let item = catalogue.row(row).vector
            let shares = try #require(
                als.shares(of: taken, in: item, gramian: gramian, workspace: workspace))
            let score = zip(user.vector, item).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(shares.reduce(0) { $0 + $1.share } - score) < 1e-4)
            #expect(shares[0].share == 0, "it was not liked at all")
        }
    }
}
