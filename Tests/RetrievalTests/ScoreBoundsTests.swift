import CKernels
import Factors
import Testing

@testable import Retrieval

@Suite("Bounds from codes")
struct ScoreBoundsTests {
    @Test(
        "a score lies within its bounds, and below a threshold where its block's limit says so",
        arguments: RowKind.allCases, ScoreOrder.allCases)
    func scoresAreBounded(kind: RowKind, order: ScoreOrder) {
        let factors = 24
        let (_, index) = published(300, kind, factors: factors, seed: 3)
        var random = KeyedRandom(seed: 4)
        var outside = 0
        for draw in 0..<12 {
            let scale: Float = [1, 0x1p-40, 0x1p40, 1][draw % 4]
            var query = (0..<factors).map { _ in scale * Float(random.nextNormal()) }
            // A row asked for itself: distance 0, cosine 1.
            if draw % 4 == 3 { query = index.read { $0.vector(draw) } }
            let prepared = PreparedQuery(query, factors: factors)
            guard let code = prepared.code else { continue }
            index.read { view in
                let rule = ScoreRule(order, prepared)
                outside += Self.misses(ScoreBounds(rule, code, view.columns), rule, view.columns)
            }
            withExtendedLifetime(prepared) {}
        }
        #expect(outside == 0)
    }

    private static func misses(_ bounds: ScoreBounds, _ rule: ScoreRule, _ columns: IndexColumns) -> Int {
        let scores = (0..<columns.count).map { rule.score($0, in: columns) }
        func products(coarse: Bool) -> [Int32] {
            (0..<columns.count).map { row in
                (0..<columns.factors).reduce(Int32(0)) { sum, factor in
                    let code = columns.code(row, factor: factor)
                    let taken = coarse ? (code + 128) / 16 * 16 - 120 : code
                    return sum + taken * Int32(bounds.code.codes[factor])
                }
            }
        }
        let (fine, coarse) = (products(coarse: false), products(coarse: true))
        var misses = 0
        for (row, score) in scores.enumerated() {
            let (lower, upper) = bounds.interval(row, product: fine[row])
            // What is not finite is never answered, but must not be taken for a surely good score.
            if score.isFinite ? score < lower || score > upper : lower > -.infinity { misses += 1 }
        }
        let finite = scores.filter(\.isFinite).sorted()
        let blocks = columns.blockCount
        var limits = [Float](repeating: 0, count: blocks + 8)
        let places = [0, finite.count / 2, 290, finite.count - 1]
        let thresholds = [0] + places.filter { finite.indices.contains($0) }.map { finite[$0] }
        for threshold in thresholds {
            for (isCoarse, products) in [(false, fine), (true, coarse)] {
                bounds.setLimits(&limits, of: 0..<blocks, threshold: threshold, coarse: isCoarse)
                let against = bounds.codeLimits(of: 0..<blocks, limits, coarse: nil)
                for (row, score) in scores.enumerated() where score.isFinite && score > threshold {
                    let scaled = Float(products[row]) * columns.scales[row]
                    let limit = limits[row / 16]
                    if limit == .infinity || scaled <= against.own(limit, row: row) { misses += 1 }
                }
            }
        }
        return misses
    }

    @Test(
        "every kernel works out the same limits, wherever a part begins and ends",
        arguments: ScoreOrder.allCases)
    func limitsAgree(order: ScoreOrder) {
        for kind in RowKind.allCases {
            let kernels = CodeKernel.allCases.filter(\.isSupported)
            let indices = kernels.map { published(900, kind, factors: 16, seed: 8, kernel: $0).index }
            var random = KeyedRandom(seed: 9)
            let query = (0..<16).map { _ in Float(random.nextNormal()) }
            for (threshold, blocks) in zip(
                [-.infinity, 0, 2, -3] as [Float], [0..<57, 3..<4, 7..<40, 50..<57])
            {
                let limits = indices.map { Self.limits(order, query, blocks, threshold: threshold, in: $0) }
                #expect(Set(limits).count == 1, "\(kind) \(threshold) \(blocks)")
            }
        }
    }

    /// Bits, because NaN equals nothing.
    private static func limits(
        _ order: ScoreOrder, _ query: [Float], _ blocks: Range<Int>, threshold: Float,
        in index: PublishedIndex
    ) -> [UInt32] {
        let prepared = PreparedQuery(query, factors: query.count)
        return withExtendedLifetime(prepared) {
            guard let code = prepared.code else { return [] }
            var limits = [Float](repeating: 0, count: blocks.count)
            index.read {
                ScoreBounds(ScoreRule(order, prepared), code, $0.columns)
                    .setLimits(&limits, of: blocks, threshold: threshold)
            }
            return limits.map(\.bitPattern)
        }
    }

    @Test("bounds are close enough to rule out nearly all of a catalogue")
    func boundsAreUseful() {
        let (_, index) = published(4_096, .normal, factors: 64, seed: 5)
        var random = KeyedRandom(seed: 6)
        let prepared = PreparedQuery((0..<64).map { _ in Float(random.nextNormal()) }, factors: 64)
        let ruledOut = index.read { view -> Int in
            let rule = ScoreRule(.dot, prepared)
            guard let code = prepared.code else { return 0 }
            let bounds = ScoreBounds(rule, code, view.columns)
            var limits = [Float](repeating: 0, count: view.columns.blockCount + 8)
            bounds.setLimits(&limits, of: 0..<view.columns.blockCount, threshold: 28)
            // The scores' deviation is 8; 2 are given away at most.
            return limits.prefix(view.columns.blockCount).count { $0 * Float(code.scale) > 26 }
        }
        #expect(ruledOut == 256)
    }
}

extension code_limits {
    /// What a row's product has to exceed, as CKernels.h has it.
    fileprivate func own(_ limit: Float, row: Int) -> Float {
        let number = shifts[row]
        let (own, shift): (Float, Float) =
            switch order {
            case LIMIT_PLAIN: (limit, 0)
            case LIMIT_BIASED: (limit - number * factor, number * factor)
            case LIMIT_SQUARED: (limit + number * number * factor, number * number * factor)
            default: (limit * number, limit * number)
            }
        return own - abs(shift) * margin
    }
}
