internal import Factors

/// The linear map z = (W x + b) / ‖W x + b‖, learned from blocks of triplets of an anchor, something like it and something
/// unlike it (Schroff, Kalenichenko, Philbin 2015), with Adam (Kingma, Ba 2015). An anchor has to tell what is like it from
/// what is unlike it and from what the block's other triplets have, but for what is like it as well: the loss is
/// −log softmax of z_a·z_p / τ among z_a·z_c / τ (Sohn 2016; van den Oord, Li, Vinyals 2018). To W x, what letters say, the
/// mean of the tags' own vectors is added (`TagVectors`).
///
/// Shape: W is `outputs` × `TextEmbedding.dimensions`. It is kept by input, an input's row in lanes of eight, the last of
/// which is filled up with zeros that stay zeros; the row behind the last input is b.
package struct TripletModel: Sendable, Equatable {
    package static let outputs = 50
    /// Lanes of a row.
    static let lanes = (outputs + 7) / 8
    /// Numbers of a projected vector, the zeros included.
    package static let width = lanes * 8
    private static let inputs = TextEmbedding.dimensions
    private static let laneCount = (inputs + 1) * lanes

    /// τ.
    static let temperature: Float = 0.1
    private static let rate: Float = 0.006
    private static let (beta1, beta2): (Float, Float) = (0.9, 0.999)
    private static let epsilon: Float = 1e-8

    package typealias Lane = SIMD8<Float>

    /// W and b.
    package private(set) var map: ContentMap
    private(set) var first: [Lane]
    private(set) var second: [Lane]
    /// Steps taken.
    package private(set) var steps = 0

    package init(seed: UInt64) {
        var random = KeyedRandom(seed: seed, stream: 0x7472_6970)
        let deviation = 1 / Double(Self.inputs).squareRoot()
        var weights = [Lane](repeating: .zero, count: Self.laneCount)
        for row in 0...Self.inputs {
            for output in 0..<Self.outputs {
                weights[row * Self.lanes + output >> 3][output & 7] = Float(deviation * random.nextNormal())
            }
        }
        map = ContentMap(weights: weights)
        first = Array(repeating: .zero, count: Self.laneCount)
        second = first
    }

    /// As saved.
    init?(map: ContentMap, first: [Lane], second: [Lane], steps: Int) {
        guard [map.weights, first, second].allSatisfy({ $0.count == Self.laneCount }), steps >= 0 else {
            return nil
        }
        (self.map, self.first, self.second, self.steps) = (map, first, second, steps)
    }

    static var floatCount: Int { laneCount * 8 }

    package static var bytes: Int { 3 * laneCount * MemoryLayout<Lane>.stride }

    /// The mean loss over the block's triplets.
    package func loss(_ block: TripletBlock) -> Float { TripletPass(block, map).loss }

    /// One step of Adam along the mean gradient.
    ///
    /// - Returns: the mean loss before it; `nil` where the gradient is not finite, and nothing was learned.
    @discardableResult
    package mutating func learn(_ block: TripletBlock) -> Float? {
        guard block.count > 0 else { return 0 }
        let pass = TripletPass(block, map)
        let gradient = pass.gradient()
        let tags = pass.tagGradient()
        let sum = gradient.reduce(Lane.zero, +).sum() + tags.gradient.reduce(Lane.zero, +).sum()
        guard sum.isFinite, pass.loss.isFinite else { return nil }
        step(gradient)
        for (index, key) in tags.keys.enumerated() {
            map.own.step(key, tags.gradient[index * Self.lanes..<(index + 1) * Self.lanes])
        }
        return pass.loss
    }

    /// Lets go of what other tags mean, for which there is no room.
    mutating func forgetTags(but used: Set<UInt64>) { map.own.keep(used.contains) }

    private mutating func step(_ gradient: [Lane]) {
        steps += 1
        // float32 keeps neither power apart from 0 for long.
        let decayed = (Self.power(Self.beta1, steps), Self.power(Self.beta2, steps))
        let (unbias1, unbias2) = (1 / (1 - decayed.0), 1 / (1 - decayed.1))
        for index in gradient.indices {
            first[index] = first[index] * Self.beta1 + gradient[index] * (1 - Self.beta1)
            second[index] = second[index] * Self.beta2 + gradient[index] * gradient[index] * (1 - Self.beta2)
            let scale = (second[index] * unbias2).squareRoot() + Self.epsilon
            map.weights[index] -= first[index] * unbias1 / scale * Self.rate
        }
    }

    private static func power(_ base: Float, _ exponent: Int) -> Float {
        var (result, square, left) = (Float(1), base, exponent)
        while left > 0 {
            if left & 1 == 1 { result *= square }
            square *= square
            left >>= 1
        }
        return result
    }
}
