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
        let products = (0..<columns.count).map { row in
            (0..<columns.factors).reduce(Int32(0)) { sum, factor in
                let place = row / 16 * 16 * columns.factors + factor / 4 * 64 + row % 16 * 4 + factor % 4
                return sum + (Int32(columns.codes[place]) - 128) * Int32(bounds.code.codes[factor])
            }
        }
        var misses = 0
        for (row, score) in scores.enumerated() {
            let (lower, upper) = bounds.interval(row, product: products[row])
            // What is not finite is never answered, but must not be taken for a surely good score.
            if score.isFinite ? score < lower || score > upper : lower > -.infinity { misses += 1 }
        }
        let finite = scores.filter(\.isFinite).sorted()
        let blocks = columns.blockCount
        var limits = [Float](repeating: 0, count: blocks + 8)
        let places = [0, finite.count / 2, 290, finite.count - 1]
        let thresholds = [0] + places.filter { finite.indices.contains($0) }.map { finite[$0] }
        for threshold in thresholds {
            bounds.setLimits(&limits, of: 0..<blocks, threshold: threshold)
            for (row, score) in scores.enumerated()
            where score.isFinite && score > threshold {
                let scale = bounds.rule.order == .cosine ? 1 : columns.scales[row]
                if Float(products[row]) * scale <= limits[row / 16] { misses += 1 }
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
