public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Alternating least squares for what users took, weighted by confidence: a row of one side is solved exactly while
/// the other side stands still.
///
/// p_u = (QᵀQ + Σ αw q qᵀ + λ_u I)⁻¹ Σ (1 + αw) q over the items that u took, q their rows; items likewise. Items not
/// taken count with confidence 1 through the Gramian QᵀQ. Hu, Koren, Volinsky, "Collaborative Filtering for Implicit
/// Feedback Datasets", 2008. Rows have no bias. What is disliked has the preference −1 in place of 1, with the confidence of
/// its weight; with `Options.dislikesAreZero` the preference 0, as what is not known has, but with that confidence.
///
/// λ_u = λ (N + Σ αw)^ν, N the rows of the other side, so that a row weighed against more evidence is held back more.
/// Rendle et al., "Revisiting the Performance of iALS on Item Recommendation Benchmarks", 2021, whose unobserved
/// weight α₀ is 1/α here and whose λ is λ/α.
public struct ALS: Sendable {
    public struct Options: Sendable, Equatable {
        /// α: confidence that an item taken adds to that of one not taken, which is 1.
        public var alpha: Float = 10
        /// λ.
        public var regularization: Float = 0.1
        /// ν: 0 leaves λ the same for all rows, 1 makes it proportional to a row's total confidence.
        public var regularizationPower: Float = 0
        /// Events after which the w of what a user took counts half for the user's row; 0 lets all count alike. What is
        /// long past keeps the confidence 1 of any item, and is still an item taken: a taste of old, beside the recent.
        public var halfLifeEvents: Float = 0
        /// Whether what is disliked is a confident zero: in the matrix and not on the right side. Else it is wanted at −1.
        public var dislikesAreZero = false

        public init() {}

        /// The factor on the weight of what a user took `eventsAgo` events of the same user ago.
        public func recencyWeight(eventsAgo: Int) -> Float {
            halfLifeEvents > 0 ? exp2(-Float(eventsAgo) / halfLifeEvents) : 1
        }
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// The score by which items are ranked: 1 is what the model gives to an item taken, 0 to one that is not.
    @inline(__always)
    public func score(user: Row, item: Row) -> Float { user.dot(item) }

    /// Adds what is known of a row of the other side: above 0 how much it was liked, below 0 how much disliked.
    @inline(__always)
    public func append(_ row: Row, weight: Float, to workspace: ALSWorkspace) {
        let confidence = options.alpha * weight
        workspace.append(row, confidence: confidence, preferred: preferred(confidence))
    }

    /// Confidence times preference, of αw: what stands on the right side.
    @inline(__always)
    func preferred(_ confidence: Float) -> Float {
        if confidence == 0 { return 0 }
        guard confidence < 0 else { return 1 + confidence }
        return options.dislikesAreZero ? 0 : confidence - 1
    }

    /// Solves `target` from what was appended to `workspace` since it was cleared.
    ///
    /// - Parameter gramian: of the whole other side.
    /// - Returns: `.rejected`, and leaves the row as it was, where the matrix is not positive definite (λ = 0 and too
    ///   little to go by) or the guard refuses the result.
    public func solve(gramian: Gramian, into target: Row, workspace: ALSWorkspace) -> UpdateResult {
        guard workspace.solve(gramian: gramian, decay: decay(gramian, workspace)) else { return .rejected }
        let solution = workspace.solution
        var norm = SIMD8<Float>.zero
        for lane in solution.indices { norm = norm + solution[lane] * solution[lane] }
        guard updateGuard.allows(squaredNorm: norm.sum(), bias: 0) else { return .rejected }
        for lane in target.indices { target[lane] = solution[lane] }
        target.bias = 0
        return .applied
    }

    /// Solves `target` from rows of the other side and the weight of each.
    public func solve(
        gramian: Gramian, others: FactorTable, rows: some Collection<Int32>, weights: some Collection<Float>,
        into target: Row, workspace: ALSWorkspace
    ) -> UpdateResult {
        workspace.clear()
        for (row, weight) in zip(rows, weights) {
            append(others.row(Int(row)), weight: weight, to: workspace)
        }
        return solve(gramian: gramian, into: target, workspace: workspace)
    }
}
