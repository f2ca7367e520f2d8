internal import CKernels
internal import Factors

/// The weights of a layer of rectified units over a user's and an item's vector, of another over these where there is one,
/// and of what sums the last units up.
///
/// Shape: of U units (`hidden`, rounded up to 16; those beyond have weights of 0 and keep them) and 2K inputs, the user's
/// factors first: W is U × 2K, b has U numbers and w as many; with a second layer of V units (`second`, rounded up likewise) w has V
/// numbers, and W₂ is V × U, b₂ has V. Adam's moments and the number of its steps belong to it.
///
/// Changed by `step` alone, while nobody reads it: by whoever owns the model between the rounds. That is what
/// `@unchecked Sendable` stands on.
public final class RatingNetwork: @unchecked Sendable {
    public let hidden: Int
    /// Units of the second layer; 0 where there is none.
    public let second: Int
    public let factors: Int
    /// U.
    public let units: Int
    /// V; 0 where there is no second layer.
    public let upperUnits: Int
    /// W, b, w, and of a second layer W₂ and b₂, one after the other; their moments; and those that a step is about to give.
    private let values: NumberBlock
    private let (firstMoments, secondMoments, updated): (NumberBlock, NumberBlock, NumberBlock)
    /// W the other way round, 2K × U, for halves; and W₂, U × V.
    private let byInput: NumberBlock
    let byUnit: NumberBlock
    /// Steps of Adam so far.
    public private(set) var steps = 0

    /// - Parameters:
    ///   - second: units of a second layer; 0 for none.
    ///   - factors: K, a multiple of eight.
    ///   - seed: of the first weights.
    public init(hidden: Int, second: Int = 0, factors: Int, seed: UInt64) {
        (self.hidden, self.second, self.factors) = (hidden, second, factors)
        (units, upperUnits) = (Self.units(hidden), Self.units(second))
        let size = Self.size(units: units, upper: upperUnits, factors: factors)
        (values, firstMoments, secondMoments, updated) = (
            NumberBlock(size), NumberBlock(size), NumberBlock(size), NumberBlock(size)
        )
        byInput = NumberBlock(units * 2 * factors)
        byUnit = NumberBlock(units * upperUnits)
        // He et al., "Delving Deep into Rectifiers", 2015: what comes out is as large as what goes in.
        var random = KeyedRandom(seed: seed, stream: 0x6E65_7477)
        let (inputDeviation, outputDeviation) = (
            (1 / Double(factors)).squareRoot(), (1 / Double(hidden)).squareRoot()
        )
        for place in 0..<hidden * 2 * factors {
            values.numbers[place] = Float(inputDeviation * random.nextNormal())
        }
        guard second > 0 else {
            for unit in 0..<hidden { outputs[unit] = Float(outputDeviation * random.nextNormal()) }
            turn()
            return
        }
        let (upperDeviation, lastDeviation) = (
            (2 / Double(hidden)).squareRoot(), (1 / Double(second)).squareRoot()
        )
        for unit in 0..<second {
            outputs[unit] = Float(lastDeviation * random.nextNormal())
            for input in 0..<hidden {
                upperWeights[unit * units + input] = Float(upperDeviation * random.nextNormal())
            }
        }
        turn()
    }

    /// U of so many units.
    public static func units(_ hidden: Int) -> Int { (hidden + 15) / 16 * 16 }

    /// W, b and w: U · (2K + 2), to a multiple of 16, which it is; with a second layer U · (2K + 1) + V · (U + 2).
    static func size(units: Int, upper: Int, factors: Int) -> Int {
        upper > 0 ? units * (2 * factors + 1) + upper * (units + 2) : units * (2 * factors + 2)
    }

    private var biases: UnsafeMutablePointer<Float> { values.numbers + units * 2 * factors }
    private var outputs: UnsafeMutablePointer<Float> { biases + units }
    private var upperWeights: UnsafeMutablePointer<Float> { outputs + upperUnits }
    private var upperBiases: UnsafeMutablePointer<Float> { upperWeights + upperUnits * units }
    /// Units of the last layer.
    var lastUnits: Int { upperUnits > 0 ? upperUnits : units }

    /// Memory of weights and moments.
    public var bytes: Int { Self.bytes(hidden: hidden, second: second, factors: factors) }

    /// The same before there is one.
    public static func bytes(hidden: Int, second: Int, factors: Int) -> Int {
        let (units, upper) = (units(hidden), units(second))
        return (4 * size(units: units, upper: upper, factors: factors) + units * (2 * factors + upper))
            * MemoryLayout<Float>.stride
    }

    /// Weights by which the halves are worked out, turned.
    private func turn() {
        let (inputs, weights, turned) = (2 * factors, values.numbers, byInput.numbers)
        for unit in 0..<units {
            for input in 0..<inputs { turned[input * units + unit] = weights[unit * inputs + input] }
        }
        for unit in 0..<upperUnits {
            for input in 0..<units {
                byUnit.numbers[input * upperUnits + unit] = upperWeights[unit * units + input]
            }
        }
    }

    /// The first layer with what its units count above, which is w where there is no second one.
    func lower(_ above: UnsafePointer<Float>?) -> dense_network {
        dense_network(
            by_unit: values.numbers, outputs: above ?? UnsafePointer(outputs), units: units,
            inputs: 2 * factors)
    }

    /// The second layer.
    func upper(_ above: UnsafePointer<Float>?) -> dense_network {
        dense_network(
            by_unit: upperWeights, outputs: above ?? UnsafePointer(outputs), units: upperUnits, inputs: units)
    }

    /// w, and b₂.
    var lastOutputs: UnsafePointer<Float> { UnsafePointer(outputs) }
    var lastBiases: UnsafePointer<Float> { UnsafePointer(upperBiases) }
}

// MARK: - What comes of rows

extension RatingNetwork {
    /// b + W's user part · p.
    public func userHalf(_ vector: UnsafePointer<Float>, into half: UnsafeMutablePointer<Float>) {
        network_half(byInput.numbers, biases, vector, factors, units, half)
    }

    /// W's item part · q.
    public func itemHalf(_ vector: UnsafePointer<Float>, into half: UnsafeMutablePointer<Float>) {
        network_half(byInput.numbers + factors * units, nil, vector, factors, units, half)
    }

    /// Works out both halves.
    func look(at user: Row, _ item: Row, _ room: NetworkRoom) {
        userHalf(user.addresses.vector, into: room.userHalf)
        itemHalf(item.addresses.vector, into: room.itemHalf)
        room.take(user, item)
    }
}

// MARK: - Steps

extension RatingNetwork {
    /// Takes the step that `sums` ask for, and clears them. Where that gives what is no number, or a unit's weights longer
    /// than the guard allows, the weights stay as they were and Adam begins anew.
    public func step(_ sums: NetworkSums, _ options: NeuralRating.Adam, _ updateGuard: UpdateGuard)
        -> UpdateResult
    {
        guard sums.count > 0 else { return .applied }
        defer { sums.clear() }
        steps += 1
        var terms = adam_terms(
            rate: options.learningRate, decay: options.regularization, share: 1 / Float(sums.count),
            first_decay: options.firstDecay, second_decay: options.secondDecay,
            first_correction: 1 / (1 - Self.power(options.firstDecay, steps)),
            second_correction: 1 / (1 - Self.power(options.secondDecay, steps)), epsilon: options.epsilon)
        let isFinite = network_adam(
            &terms, values.numbers, sums.block.numbers, firstMoments.numbers, secondMoments.numbers,
            updated.numbers,
            values.count)
        guard isFinite, isAllowed(updated.numbers, updateGuard) else {
            restartAdam()
            return .rejected
        }
        values.numbers.update(from: updated.numbers, count: values.count)
        turn()
        return .applied
    }

    private func restartAdam() {
        firstMoments.clear()
        secondMoments.clear()
        steps = 0
    }

    /// Multiplied out, so that it is the same on every machine.
    private static func power(_ base: Float, _ exponent: Int) -> Float {
        var (result, factor, left) = (1.0, Double(base), exponent)
        while left > 0 {
            if left & 1 == 1 { result *= factor }
            factor *= factor
            left >>= 1
        }
        return Float(result)
    }

    private func isAllowed(_ numbers: UnsafeMutablePointer<Float>, _ updateGuard: UpdateGuard) -> Bool {
        let inputs = 2 * factors
        func squares(_ start: Int, _ count: Int) -> Float {
            var sum = SIMD8<Float>.zero
            for place in stride(from: start, to: start + count, by: 8) {
                let lane = UnsafeRawPointer(numbers + place).load(as: SIMD8<Float>.self)
                sum = sum + lane * lane
            }
            return sum.sum()
        }
        let (biases, outputs) = (units * inputs, units * inputs + units)
        let (upper, last) = (outputs + upperUnits, outputs + upperUnits + upperUnits * units)
        return (0..<units).allSatisfy {
            updateGuard.allows(squaredNorm: squares($0 * inputs, inputs), bias: numbers[biases + $0])
        } && updateGuard.allows(squaredNorm: squares(outputs, lastUnits), bias: 0)
            && (0..<upperUnits).allSatisfy {
                updateGuard.allows(squaredNorm: squares(upper + $0 * units, units), bias: numbers[last + $0])
            }
    }

    /// Goes over to rows `rows` times as long and an output `output` times as large.
    public func rescale(rows: Float, output: Float) {
        for place in 0..<units * 2 * factors { values.numbers[place] /= rows }
        for unit in 0..<lastUnits { outputs[unit] *= output }
        turn()
    }
}

// MARK: - To keep it

extension RatingNetwork {
    public func copy() -> RatingNetwork {
        let copy = RatingNetwork(hidden: hidden, second: second, factors: factors, seed: 0)
        copy.take(from: self)
        return copy
    }

    /// Takes over weights and moments of a network of the same shape.
    public func take(from other: RatingNetwork) {
        precondition(
            other.units == units && other.upperUnits == upperUnits && other.factors == factors)
        for (own, others) in zip(blocks, other.blocks) {
            own.numbers.update(from: others.numbers, count: own.count)
        }
        steps = other.steps
        turn()
    }

    private var blocks: [NumberBlock] { [values, firstMoments, secondMoments] }

    /// Weights, first moments and second moments, for a file.
    public var numbers: [[Float]] { blocks.map(\.array) }

    /// False, and nothing is changed, for what is of another shape or not finite.
    public func restore(_ numbers: [[Float]], steps: Int) -> Bool {
        guard numbers.count == blocks.count, steps >= 0,
            zip(numbers, blocks).allSatisfy({ $0.count == $1.count && $0.allSatisfy(\.isFinite) })
        else { return false }
        for (own, others) in zip(blocks, numbers) { own.set(others) }
        self.steps = steps
        turn()
        return true
    }

    /// Whether all weights and moments are numbers.
    public var isFinite: Bool {
        blocks.allSatisfy { block in (0..<block.count).allSatisfy { block.numbers[$0].isFinite } }
    }
}
