public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Items that stand for a user of whom nothing else is known: copies of their rows, and what each says.
///
/// Shape: `vectors` is count × factors, row-major; `biases` and `values` are count.
public struct FoldInItems: Sendable {
    public let factors: Int
    public private(set) var vectors: [Float] = []
    public private(set) var biases: [Float] = []
    /// For ratings r − μ − b_i; else how much each was liked, 1 being what an event without a weight counts.
    public private(set) var values: [Float] = []

    public var count: Int { values.count }

    /// - Parameter factors: a multiple of eight.
    public init(factors: Int) { self.factors = factors }

    public mutating func append(vector: [Float], bias: Float, value: Float) {
        precondition(vector.count == factors)
        vectors += vector
        biases.append(bias)
        values.append(value)
    }

    /// Eight factors of a row.
    @inline(__always)
    func lanes(_ row: Int, _ lane: Int, _ bytes: UnsafeRawBufferPointer) -> SIMD8<Float> {
        bytes.loadUnaligned(fromByteOffset: (row * factors + lane * 8) * 4, as: SIMD8<Float>.self)
    }
}

/// What a model makes of such items: p_u and b_u.
public struct FoldedUser: Sendable, Equatable {
    public var vector: [Float]
    public var bias: Float

    public init(vector: [Float], bias: Float) {
        self.vector = vector
        self.bias = bias
    }
}

extension BiasedSGD {
    /// Weakest penalty that keeps the solution unique.
    private static let penaltyMin: Float = 1e-4

    /// The row that the steps of `update` would settle at with the items held fixed: the ridge regression
    /// Σ (y_j − b − p·q_j)² + n(λ‖p‖² + λ_b b²) over the n items. The order of the items does not matter.
    ///
    /// - Returns: `nil` where the guard refuses it.
    public func foldIn(_ items: FoldInItems) -> FoldedUser? {
        guard items.count > 0 else { return nil }
        let penalty = Float(items.count) * max(options.regularization, Self.penaltyMin)
        let biasPenalty = Float(items.count) * max(options.biasRegularization, Self.penaltyMin)
        let (scale, biasScale) = (1 / penalty.squareRoot(), 1 / biasPenalty.squareRoot())
        var features: [Double] = []
        features.reserveCapacity(items.count * (items.factors + 1))
        for row in 0..<items.count {
            for value in items.vectors[row * items.factors..<(row + 1) * items.factors] {
                features.append(Double(value * scale))
            }
            features.append(Double(biasScale))
        }
        let regression = RidgeRegression(features: features, columns: items.factors + 1)
        let weights = regression.solve(items.values.map(Double.init))
        let vector = weights.dropLast().map { Float($0) * scale }
        let bias = Float(weights[items.factors]) * biasScale
        let squaredNorm = vector.reduce(0) { $0 + $1 * $1 }
        guard updateGuard.allows(squaredNorm: squaredNorm, bias: bias) else { return nil }
        return FoldedUser(vector: vector, bias: bias)
    }
}

/// A user's row by the steps that a pairwise learner takes for a new user, with the items held fixed: an
/// approximation, as the learner would move the items too. Starts at zero and takes the items in their order, each
/// against `samples` of the negatives in turn.
public struct PairwiseFoldIn: Sendable {
    /// η and λ of the learner.
    public let learningRate: Float
    public let regularization: Float
    /// Steps for each item.
    public let samples: Int
    public let updateGuard: UpdateGuard

    public init(learningRate: Float, regularization: Float, samples: Int, updateGuard: UpdateGuard) {
        self.learningRate = learningRate
        self.regularization = regularization
        self.samples = samples
        self.updateGuard = updateGuard
    }

    /// - Parameter negatives: items that none of `items` is one of; their values are not asked.
    /// - Returns: `nil` where the guard refuses it.
    public func foldIn(_ items: FoldInItems, negatives: FoldInItems) -> FoldedUser? {
        var user = [SIMD8<Float>](repeating: .zero, count: items.factors / 8)
        if negatives.count > 0 {
            items.vectors.withUnsafeBytes { positiveBytes in
                negatives.vectors.withUnsafeBytes { negativeBytes in
                    for turn in 0..<items.count * samples {
                        let (row, other) = (turn / samples, turn % negatives.count)
                        let biases = items.biases[row] - negatives.biases[other]
                        step(
                            &user, weight: items.values[row], biases: biases,
                            difference: {
                                items.lanes(row, $0, positiveBytes)
                                    - negatives.lanes(other, $0, negativeBytes)
                            })
                    }
                }
            }
        }
        let vector = user.flatMap { lanes in (0..<8).map { lanes[$0] } }
        guard updateGuard.allows(squaredNorm: vector.reduce(0) { $0 + $1 * $1 }, bias: 0) else { return nil }
        return FoldedUser(vector: vector, bias: 0)
    }

    /// p ← p + η(w σ(−x) (q_i − q_j) − λp), x = p·(q_i − q_j) + b_i − b_j.
    @inline(__always)
    private func step(
        _ user: inout [SIMD8<Float>], weight: Float, biases: Float, difference: (Int) -> SIMD8<Float>
    ) {
        var sum = SIMD8<Float>.zero
        for lane in user.indices { sum = sum + user[lane] * difference(lane) }
        let g = weight / (1 + exp(sum.sum() + biases))
        for lane in user.indices {
            let p = user[lane]
            user[lane] = p + learningRate * (g * difference(lane) - regularization * p)
        }
    }
}

extension ALS {
    /// The row that solves for a user who took just these items: exact, as for a known user.
    ///
    /// - Parameter gramian: of all items.
    /// - Returns: `nil` where there is no solution or the guard refuses it.
    public func foldIn(_ items: FoldInItems, gramian: Gramian) -> FoldedUser? {
        guard items.count > 0 else { return nil }
        // One row more, for the solution.
        let table = FactorTable(factors: items.factors)
        table.grow(to: items.count + 1) { index, row in
            guard index < items.count else { return }
            items.vectors[index * items.factors..<(index + 1) * items.factors].withUnsafeBytes {
                row.load(littleEndian: $0, bias: 0)
            }
        }
        let target = table.row(items.count)
        let workspace = ALSWorkspace(factors: items.factors)
        let result = solve(
            gramian: gramian, others: table, rows: 0..<Int32(items.count), weights: items.values,
            into: target, workspace: workspace)
        return result == .applied ? FoldedUser(vector: target.vector, bias: 0) : nil
    }
}

extension WARP {
    /// How a stranger is folded in: by steps without a margin, as drawing for violations would need the catalogue.
    public var foldIn: PairwiseFoldIn {
        PairwiseFoldIn(
            learningRate: options.learningRate, regularization: options.regularization,
            samples: Self.foldInSamples, updateGuard: updateGuard)
    }

    private static let foldInSamples = 10
}

extension BPR {
    /// How a stranger is folded in.
    public var foldIn: PairwiseFoldIn {
        PairwiseFoldIn(
            learningRate: options.learningRate, regularization: options.regularization,
            samples: options.samples, updateGuard: updateGuard)
    }
}
