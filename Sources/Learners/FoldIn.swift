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

    /// - Parameters:
    ///   - factors: a multiple of eight.
    ///   - capacity: items for which room is made at once.
    public init(factors: Int, capacity: Int = 0) {
        self.factors = factors
        vectors.reserveCapacity(capacity * factors)
        biases.reserveCapacity(capacity)
        values.reserveCapacity(capacity)
    }

    public mutating func append(vector: [Float], bias: Float, value: Float) {
        vector.withUnsafeBufferPointer { append(vector: $0, bias: bias, value: value) }
    }

    public mutating func append(vector: UnsafeBufferPointer<Float>, bias: Float, value: Float) {
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
        let penalty =
            Float(items.count) * max(options.userRegularization ?? options.regularization, Self.penaltyMin)
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
/// approximation, as the learner would move the items too. Starts at zero and draws from the negatives in turn.
///
/// What was liked most comes last, equals in their order: at a user's rate on a stream each step outweighs those before
/// it. Values above 1 count in proportion to the greatest: a step so many times the rate would go far past its aim.
public struct PairwiseFoldIn: Sendable {
    private enum Loss {
        /// Each positive against so many negatives.
        case logistic(samples: Int)
        /// Against so many that come within the margin.
        case ranked(WARP, candidates: Int)
    }

    private let loss: Loss
    private let rate: Float
    private let schedule: RateSchedule
    private let decay: Float
    private let updateGuard: UpdateGuard

    public init(_ bpr: BPR) {
        loss = .logistic(samples: bpr.options.samples)
        rate = bpr.options.userLearningRate ?? bpr.options.learningRate
        schedule = bpr.options.schedule
        decay = bpr.options.userRegularization ?? bpr.options.regularization
        updateGuard = bpr.updateGuard
    }

    /// - Parameter candidates: I, the items that each competes with.
    public init(_ warp: WARP, candidates: Int) {
        loss = .ranked(warp, candidates: candidates)
        rate = warp.options.userLearningRate ?? warp.options.learningRate
        schedule = warp.options.schedule
        decay = warp.options.userRegularization ?? warp.options.regularization
        updateGuard = warp.updateGuard
    }

    /// Negatives that `items` items may ask for; fewer are taken again and again.
    public func negativesMax(items: Int) -> Int {
        switch loss {
        case .logistic(let samples): items * samples
        case .ranked(let warp, _): items * warp.options.samples * warp.options.samplesMax
        }
    }

    /// - Parameter negatives: items that none of `items` is one of; their values are not asked.
    /// - Returns: `nil` where the guard refuses it.
    public func foldIn(_ items: FoldInItems, negatives: FoldInItems) -> FoldedUser? {
        let order = (0..<items.count).sorted { (items.values[$0], $0) < (items.values[$1], $1) }
        let scale = 1 / max(1, items.values.max() ?? 1)
        var user = Fresh(vector: Array(repeating: .zero, count: items.factors / 8), scale: scale)
        if negatives.count > 0 {
            items.vectors.withUnsafeBytes { positiveBytes in
                negatives.vectors.withUnsafeBytes { negativeBytes in
                    for row in order {
                        learn(row, of: items, positiveBytes, negatives, negativeBytes, into: &user)
                    }
                }
            }
        }
        let vector = user.vector.flatMap { lanes in (0..<8).map { lanes[$0] } }
        guard updateGuard.allows(squaredNorm: vector.reduce(0) { $0 + $1 * $1 }, bias: 0) else { return nil }
        return FoldedUser(vector: vector, bias: 0)
    }

    /// A row that is being made.
    private struct Fresh {
        var vector: [SIMD8<Float>]
        /// Makes weights of values.
        let scale: Float
        /// What the schedule remembers.
        var step: Float = 0
        /// The negative drawn next.
        var next = 0
    }

    private func learn(
        _ row: Int, of items: FoldInItems, _ bytes: UnsafeRawBufferPointer, _ negatives: FoldInItems,
        _ negativeBytes: UnsafeRawBufferPointer, into user: inout Fresh
    ) {
        let laneCount = items.factors / 8
        /// x = p·(q_i − q_j) + b_i − b_j, and which negative it was: the next.
        func compare() -> (x: Float, other: Int) {
            let other = user.next % negatives.count
            user.next += 1
            let sum = user.vector.withUnsafeBufferPointer { vector in
                var sum = SIMD8<Float>.zero
                for lane in 0..<laneCount {
                    let difference =
                        items.lanes(row, lane, bytes) - negatives.lanes(other, lane, negativeBytes)
                    sum = sum + vector[lane] * difference
                }
                return sum.sum()
            }
            return (sum + items.biases[row] - negatives.biases[other], other)
        }
        func step(_ g: Float, against other: Int) {
            let rate = rate * schedule.factor(step: user.step)
            let squares = user.vector.withUnsafeMutableBufferPointer { vector in
                var squares = SIMD8<Float>.zero
                for lane in 0..<laneCount {
                    let difference =
                        items.lanes(row, lane, bytes) - negatives.lanes(other, lane, negativeBytes)
                    let ascent = g * difference - decay * vector[lane]
                    vector[lane] = vector[lane] + rate * ascent
                    squares = squares + ascent * ascent
                }
                return squares.sum()
            }
            user.step = schedule.step(after: user.step, meanSquare: squares / Float(items.factors))
        }
        let weight = user.scale * items.values[row]
        switch loss {
        case .logistic(let samples):
            for _ in 0..<samples {
                let (x, other) = compare()
                step(weight / (1 + exp(x)), against: other)
            }
        case .ranked(let warp, let candidates):
            for _ in 0..<warp.options.samples {
                var found: (draws: Int, other: Int)?
                for draws in 1...max(1, warp.options.samplesMax) where found == nil {
                    let (x, other) = compare()
                    if warp.violates(positive: x, negative: 0) { found = (draws, other) }
                }
                guard let (draws, other) = found else { return }
                step(weight * warp.rankLoss(draws: draws, candidates: candidates), against: other)
            }
        }
    }
}

extension ALS {
    /// What a user's row of these items would be: solved exactly.
    ///
    /// - Parameters:
    ///   - items: newest first; how much each was liked.
    ///   - gramian: of all items.
    /// - Returns: `nil` where there is no solution, or the guard refuses it.
    public func foldIn(
        _ items: FoldInItems, gramian: Gramian, workspace: ALSWorkspace
    ) -> FoldedUser? {
        let table = items.table(spare: 1)
        workspace.clear()
        for row in 0..<items.count {
            let weight = items.values[row] * options.recencyWeight(eventsAgo: row)
            append(table.row(row), weight: weight, to: workspace)
        }
        let user = table.row(items.count)
        guard solve(gramian: gramian, into: user, workspace: workspace) == .applied else { return nil }
        return FoldedUser(vector: user.vector, bias: 0)
    }

    /// What each item that the user took adds to the score of `item`: c_j s_ij with s_ij = q_i W q_j, c_j = 1 + αw_j and
    /// W the inverse of the matrix that the user's row was solved by; together they are q_i·p_u as it would be solved
    /// now. Hu, Koren, Volinsky 2008, section 5.
    ///
    /// - Parameters:
    ///   - items: what the user took, newest first; how much each was liked.
    ///   - gramian: of all items.
    /// - Returns: `nil` where there is no solution.
    public func shares(
        of items: FoldInItems, in item: [Float], gramian: Gramian, workspace: ALSWorkspace
    ) -> [(similarity: Float, share: Float)]? {
        let table = items.table(spare: 1)
        workspace.clear()
        let confidences = (0..<items.count).map {
            options.alpha * items.values[$0] * options.recencyWeight(eventsAgo: $0)
        }
        for (row, confidence) in confidences.enumerated() {
            workspace.append(table.row(row), confidence: confidence, preferred: preferred(confidence))
        }
        let wanted = table.row(items.count)
        wanted.set(vector: item, bias: 0)
        guard workspace.solve(gramian: gramian, decay: decay(gramian, workspace), right: wanted) else {
            return nil
        }
        for lane in wanted.indices { wanted[lane] = workspace.solution[lane] }
        return confidences.enumerated().map { row, confidence in
            let similarity = wanted.dot(table.row(row))
            return (similarity, preferred(confidence) * similarity)
        }
    }

    /// λ_u.
    func decay(_ gramian: Gramian, _ workspace: ALSWorkspace) -> Float {
        options.regularization
            * pow(Float(gramian.rows) + workspace.confidenceSum, options.regularizationPower)
    }
}

extension FoldInItems {
    /// The rows as a table, with empty ones after them.
    fileprivate func table(spare: Int) -> FactorTable {
        let table = FactorTable(factors: factors)
        table.grow(to: count + spare) { _, _ in }
        vectors.withUnsafeBytes { bytes in
            for row in 0..<count {
                let start = row * factors * 4
                table.row(row).load(
                    littleEndian: UnsafeRawBufferPointer(rebasing: bytes[start..<start + factors * 4]),
                    bias: biases[row])
            }
        }
        return table
    }
}
