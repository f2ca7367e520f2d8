internal import Learners

/// Items of which one was taken, and what an order of them is worth.
public struct BlendSample: Sendable {
    public var features: BlendFeatures
    /// How many items of the catalogue each stands for.
    public var weights: [Float]
    /// Where the one that was taken stands.
    public var taken: Int
    public var context: BlendContext

    public init(features: BlendFeatures, weights: [Float], taken: Int, context: BlendContext) {
        (self.features, self.weights, self.taken, self.context) = (features, weights, taken, context)
    }

    /// How many items come before the one that was taken, as far as the sample tells; half of those level with it.
    public func rank(_ scores: [Float]) -> Float {
        let (wanted, count) = (scores[taken], scores.count)
        var (above, level) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        scores.withUnsafeBufferPointer { scores in
            weights.withUnsafeBufferPointer { weights in
                for start in stride(from: 0, to: count, by: 8) {
                    let (score, weight) = (scores.eight(from: start), weights.eight(from: start))
                    above += weight.replacing(with: 0, where: .!(score .> wanted))
                    level += weight.replacing(with: 0, where: score .!= wanted)
                }
            }
        }
        return above.sum() + max(0, level.sum() - weights[taken]) / 2
    }

    /// What at most `limit` scores are above; `nil` where there are no more.
    public static func least(_ scores: [Float], first limit: Int) -> Float? {
        guard scores.count > limit else { return nil }
        // Negated, as the greatest are wanted. In runs: what stands too low is seen at once.
        var (negated, most): ([Float], Float) = ([], .infinity)
        negated.reserveCapacity(2 * (limit + 1))
        for score in scores where -score < most {
            negated.append(-score)
            guard negated.count == 2 * (limit + 1) else { continue }
            negated.select(limit)
            negated.removeLast(limit + 1)
            most = negated[limit]
        }
        guard negated.count > limit else { return -most }
        negated.select(limit)
        return -negated[limit]
    }

    /// Of the logarithm of the likelihood of the item that was taken, among all (a multinomial logit; McFadden 1974):
    /// slope and curvature in the weights.
    ///
    /// - Parameter scores: of the items by the weights that are to be learned.
    public func step(_ scores: [Float]) -> BlendStep {
        let (features, count) = (features.shape.features, features.count)
        let chances = chances(scores)
        var means = [Double](repeating: 0, count: features)
        var products = [Double](repeating: 0, count: features * features)
        self.features.values.withUnsafeBufferPointer { values in
            chances.withUnsafeBufferPointer { chances in
                for first in 0..<features {
                    let row = first * count
                    var mean: Float = 0
                    for place in 0..<count { mean += chances[place] * values[row + place] }
                    means[first] = Double(mean)
                    for second in 0...first {
                        let other = second * count
                        // Eight sums side by side: one would wait for itself.
                        var sums = SIMD8<Float>.zero
                        var place = 0
                        while place + 8 <= count {
                            let (left, right) = (
                                values.eight(from: row + place), values.eight(from: other + place)
                            )
                            sums = sums + chances.eight(from: place) * left * right
                            place += 8
                        }
                        var sum = sums.sum()
                        while place < count {
                            sum += chances[place] * values[row + place] * values[other + place]
                            place += 1
                        }
                        products[first * features + second] = Double(sum)
                    }
                }
            }
        }
        var step = BlendStep(features: features, context: context)
        for first in 0..<features {
            step.slope[first] = Double(self.features.values[first * count + taken]) - means[first]
            for second in 0...first {
                let covariance = products[first * features + second] - means[first] * means[second]
                step.curvature[first * features + second] = covariance
                step.curvature[second * features + first] = covariance
            }
        }
        return step
    }

    /// How likely each is to be taken, by the scores.
    private func chances(_ scores: [Float]) -> [Float] {
        let greatest = scores.max() ?? 0
        var chances = [Float](repeating: 0, count: scores.count)
        var sum: Float = 0
        for place in scores.indices {
            let below = scores[place] - greatest
            if below > -20 { chances[place] = weights[place] * Logarithm.power(below) }
            sum += chances[place]
        }
        let scale = 1 / sum
        for place in chances.indices { chances[place] *= scale }
        return chances
    }
}

/// What one event says of the weights, and of whose order was right.
public struct BlendStep: Sendable {
    public var slope: [Double]
    /// Features × features.
    public var curvature: [Double]
    public var context: BlendContext
    /// Per order that was looked at whether the item was among the first ten.
    public var hits: [Float] = []

    /// Of the recall by which orders are compared.
    public static let depth = 10

    /// Says nothing of the weights.
    public init(hits: [Float], features: Int, context: BlendContext) {
        self.init(features: features, context: context)
        self.hits = hits
    }

    init(features: Int, context: BlendContext) {
        slope = Array(repeating: 0, count: features)
        curvature = Array(repeating: 0, count: features * features)
        self.context = context
    }

    /// Says what another step of the same event says as well.
    public mutating func add(_ other: BlendStep) {
        precondition(slope.count == other.slope.count)
        for place in slope.indices { slope[place] += other.slope[place] }
        for place in curvature.indices { curvature[place] += other.curvature[place] }
    }

    /// Says nothing of features outside of these.
    public mutating func confine(to features: Range<Int>) {
        let count = slope.count
        for first in 0..<count {
            if !features.contains(first) { slope[first] = 0 }
            for second in 0..<count where !features.contains(first) || !features.contains(second) {
                curvature[first * count + second] = 0
            }
        }
    }

    public var isFinite: Bool {
        slope.allSatisfy(\.isFinite) && curvature.allSatisfy(\.isFinite) && hits.allSatisfy(\.isFinite)
    }
}

extension UnsafeBufferPointer<Float> {
    /// Eight numbers from `start` on; 0 beyond the last one.
    @inline(__always)
    fileprivate func eight(from start: Int) -> SIMD8<Float> {
        if start + 8 <= count, let baseAddress {
            // Eight are there; without an alignment that an array does not promise.
            return UnsafeRawPointer(baseAddress + start).loadUnaligned(as: SIMD8<Float>.self)
        }
        var numbers = SIMD8<Float>.zero
        for lane in 0..<8 where start + lane < count { numbers[lane] = self[start + lane] }
        return numbers
    }
}
