internal import Factors

/// The linear map z = (W x + b) / ‖W x + b‖, learned by max(0, ‖z_a − z_p‖ − ‖z_a − z_n‖ + margin) over triplets of an
/// anchor, something like it and something unlike it (Schroff, Kalenichenko, Philbin 2015), with Adam (Kingma, Ba 2015).
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

    private static let margin: Float = 0.3
    private static let rate: Float = 0.003
    private static let (beta1, beta2): (Float, Float) = (0.9, 0.999)
    private static let epsilon: Float = 1e-8
    /// Below this a length says nothing of a direction.
    private static let lengthMin: Float = 1e-6

    package typealias Lane = SIMD8<Float>

    /// Three inputs, each of `TextEmbedding.dimensions` numbers.
    package struct Example: Sendable {
        package var anchor: [Float]
        package var positive: [Float]
        package var negative: [Float]

        package init(anchor: [Float], positive: [Float], negative: [Float]) {
            (self.anchor, self.positive, self.negative) = (anchor, positive, negative)
        }
    }

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

    /// The mean loss over the examples.
    package func loss(_ examples: [Example]) -> Float {
        examples.reduce(0) { sum, example in
            let passes = (forward(example.anchor), forward(example.positive), forward(example.negative))
            let near = Self.distance(passes.0.unit, passes.1.unit)
            let far = Self.distance(passes.0.unit, passes.2.unit)
            return sum + max(0, near - far + Self.margin)
        } / Float(max(1, examples.count))
    }

    /// One step of Adam along the mean gradient.
    ///
    /// - Returns: the mean loss before it; `nil` where the gradient is not finite, and nothing was learned.
    @discardableResult
    package mutating func learn(_ examples: [Example]) -> Float? {
        guard !examples.isEmpty else { return 0 }
        let (gradient, loss) = gradient(examples)
        guard let gradient else { return nil }
        step(gradient)
        return loss
    }

    /// The mean gradient, as `map` is laid out, and the mean loss.
    func gradient(_ examples: [Example]) -> (gradient: [Lane]?, loss: Float) {
        var gradient = [Lane](repeating: .zero, count: Self.laneCount)
        var loss: Float = 0
        let share = 1 / Float(examples.count)
        for example in examples { loss += add(example, share: share, to: &gradient) }
        let sum = gradient.reduce(Lane.zero, +).sum()
        return (sum.isFinite && loss.isFinite ? gradient : nil, loss * share)
    }

    // MARK: - One example

    /// What comes of an input.
    private struct Pass {
        var unit: [Lane]
        /// ‖W x + b‖.
        var length: Float
    }

    private func forward(_ input: [Float]) -> Pass {
        var projected = map.project(input)
        let length = Self.length(projected)
        guard length >= Self.lengthMin else {
            return Pass(unit: Array(repeating: .zero, count: Self.lanes), length: 0)
        }
        for lane in projected.indices { projected[lane] /= length }
        return Pass(unit: projected, length: length)
    }

    /// Adds the example's part of the gradient, and answers its loss.
    private func add(_ example: Example, share: Float, to gradient: inout [Lane]) -> Float {
        let (anchor, positive, negative) = (
            forward(example.anchor), forward(example.positive), forward(example.negative)
        )
        guard anchor.length > 0, positive.length > 0, negative.length > 0 else { return 0 }
        let near = Self.distance(anchor.unit, positive.unit)
        let far = Self.distance(anchor.unit, negative.unit)
        let loss = near - far + Self.margin
        guard loss > 0 else { return 0 }
        // Two that lie at one place have no direction from one to the other: 0 is as good as any.
        let (pull, push) = (
            near > Self.lengthMin ? share / near : 0, far > Self.lengthMin ? share / far : 0
        )
        var (forAnchor, forPositive, forNegative) = (anchor.unit, positive.unit, negative.unit)
        for lane in 0..<Self.lanes {
            let toPositive = (anchor.unit[lane] - positive.unit[lane]) * pull
            let toNegative = (anchor.unit[lane] - negative.unit[lane]) * push
            forAnchor[lane] = toPositive - toNegative
            forPositive[lane] = -toPositive
            forNegative[lane] = toNegative
        }
        spread(forAnchor, of: anchor, input: example.anchor, to: &gradient)
        spread(forPositive, of: positive, input: example.positive, to: &gradient)
        spread(forNegative, of: negative, input: example.negative, to: &gradient)
        return loss
    }

    /// From the gradient of z to that of W and b: ∂/∂y = (g − z (z·g)) / ‖y‖.
    private func spread(_ ofUnit: [Lane], of pass: Pass, input: [Float], to gradient: inout [Lane]) {
        var (along, inner) = (ofUnit, Lane.zero)
        for lane in 0..<Self.lanes { inner = inner + pass.unit[lane] * ofUnit[lane] }
        let part = inner.sum()
        for lane in 0..<Self.lanes { along[lane] = (ofUnit[lane] - pass.unit[lane] * part) / pass.length }
        gradient.withUnsafeMutableBufferPointer { gradient in
            along.withUnsafeBufferPointer { along in
                for (place, value) in input.enumerated() where value != 0 {
                    for lane in 0..<Self.lanes {
                        gradient[place * Self.lanes + lane] =
                            gradient[place * Self.lanes + lane] + along[lane] * value
                    }
                }
                for lane in 0..<Self.lanes {
                    gradient[Self.inputs * Self.lanes + lane] =
                        gradient[Self.inputs * Self.lanes + lane] + along[lane]
                }
            }
        }
    }

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

    private static func length(_ vector: [Lane]) -> Float {
        var sum = Lane.zero
        for lane in vector { sum = sum + lane * lane }
        return sum.sum().squareRoot()
    }

    private static func distance(_ left: [Lane], _ right: [Lane]) -> Float {
        var sum = Lane.zero
        for lane in left.indices {
            let difference = left[lane] - right[lane]
            sum = sum + difference * difference
        }
        return sum.sum().squareRoot()
    }
}

/// W and b, with which inputs are projected. A value, so that whoever holds a copy projects as when it was taken.
package struct ContentMap: Sendable, Equatable {
    /// See `TripletModel`.
    var weights: [TripletModel.Lane]

    /// W x + b.
    func project(_ input: [Float]) -> [TripletModel.Lane] {
        var sum = bias
        add(to: &sum) { body in
            for (place, value) in input.enumerated() where value != 0 { body(place, value) }
        }
        return sum
    }

    /// W x alone.
    func image(_ input: SparseVector) -> [TripletModel.Lane] {
        var sum = [TripletModel.Lane](repeating: .zero, count: TripletModel.lanes)
        add(to: &sum) { input.forEach($0) }
        return sum
    }

    /// (W x + b) / ‖W x + b‖; `nil` where that has no direction.
    package func unit(_ input: [Float]) -> [Float]? {
        ContentVectors.unit(project(input))?.unit.flatMap { lane in (0..<8).map { lane[$0] } }
    }

    var bias: [TripletModel.Lane] { Array(weights.suffix(TripletModel.lanes)) }

    @inline(__always)
    private func add(to sum: inout [TripletModel.Lane], _ forEach: ((Int, Float) -> Void) -> Void) {
        let lanes = TripletModel.lanes
        weights.withUnsafeBufferPointer { weights in
            sum.withUnsafeMutableBufferPointer { sum in
                forEach { place, value in
                    for lane in 0..<lanes { sum[lane] = sum[lane] + weights[place * lanes + lane] * value }
                }
            }
        }
    }
}
