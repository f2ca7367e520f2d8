internal import CKernels

/// Between which numbers a row's score lies, from its codes alone.
///
/// **Claim.** For a row r and a query q let r̂ = s_r·c_r and q̂ = s_q·c_q be what their codes stand for, and P the
/// integer product c_r·c_q. The float32 inner product d that `ScoreRule` works out obeys |d − s_r·s_q·P| ≤ E with
///
///     E = ‖q̂‖·‖r − r̂‖ + (‖q − q̂‖ + γ‖q‖)·‖r‖ + K·2⁻¹⁴⁹,    γ = (K/8 + 8)·2⁻²⁴.
///
/// **Proof.** q·r = q̂·r̂ + q̂·(r − r̂) + (q − q̂)·r, where q̂·r̂ = s_r·s_q·P exactly; Cauchy–Schwarz bounds the other two
/// terms by ‖q̂‖‖r − r̂‖ and ‖q − q̂‖‖r‖. In the float sum each product passes through one rounding, at most K/8 additions
/// to its lane (the first, to zero, is exact) and three across the lanes, so d = Σ q_k r_k (1 + θ_k) with
/// |θ_k| ≤ n·u / (1 − n·u), n = K/8 + 4, u = 2⁻²⁴ (Higham 2002, lemma 3.1), which is below γ for K ≤ 65,536; and
/// Σ |q_k r_k| ≤ ‖q‖‖r‖. A product that underflows is off by at most 2⁻¹⁵⁰ more. ∎
///
/// ‖r − r̂‖, ‖q − q̂‖, ‖q̂‖ and ‖q‖ are stored rounded up (`RowCode`, `QueryCode`). ‖r‖ is stored as float32 arithmetic has
/// it, which by the same argument is off by a factor of at most 1 + γ, and by 2⁻⁶⁶ where squares underflow: `length`.
/// It holds while no partial sum overflows, for which ‖q‖‖r‖ < 2¹²⁰ suffices; else nothing is claimed. What follows is
/// worked out in double, or in float with a margin of 2⁻²⁰ of all magnitudes, so that its own rounding is covered too.
///
/// From d to the score: rounding is monotone, so if x ≤ X then fl(x) ≤ fl(X), and the same operations on the ends of
/// the interval, rounded to float32 once, enclose what they give on d. The distance is not computed from d: its square
/// D is Σ fl(q_k − r_k)² in float32, within a factor 1 ± 2γ and 2⁻¹²⁰ of ‖q‖² + ‖r‖² − 2 q·r, and so bounded by d's.
struct ScoreBounds {
    let rule: ScoreRule
    let code: QueryCode
    let columns: IndexColumns
    /// γ.
    private let rounding: Double
    /// What stands before ‖r − r̂‖, before ‖r‖, and alone.
    private let perResidual: Double
    private let perNorm: Double
    private let constant: Double

    private static let doubleMargin = 0x1p-40
    private static let floatMargin: Float = 0x1p-20
    private static let normMargin = 0x1p-66

    init(_ rule: ScoreRule, _ code: QueryCode, _ columns: IndexColumns) {
        self.rule = rule
        self.code = code
        self.columns = columns
        rounding = Double(columns.factors / 8 + 8) * 0x1p-24
        perResidual = code.codeNorm
        perNorm = code.residual + rounding * code.norm
        constant = Double(columns.factors) * 0x1p-149
    }

    /// Bounds of the row's score; `lower` is −∞ where the score may turn out not to be finite.
    @inline(__always)
    func interval(_ row: Int, product: Int32) -> (lower: Float, upper: Float) {
        let nothing = (-Float.infinity, Float.infinity)
        let length = Double(columns.norms[row]) * (1 + rounding) + Self.normMargin
        guard code.norm * length < 0x1p120 else { return nothing }
        let estimate = Double(product) * (Double(columns.scales[row]) * code.scale)
        let error = perResidual * Double(columns.residuals[row]) + perNorm * length + constant
        let margin = (abs(estimate) + error) * Self.doubleMargin
        let (low, high) = (estimate - error - margin, estimate + error + margin)
        switch rule.order {
        case .dot: return (Float(low), Float(high))
        case .inner:
            let bias = Double(columns.biases[row])
            guard abs(bias) < 0x1p120 else { return nothing }
            let margin = (abs(bias) + abs(estimate) + error) * Self.doubleMargin
            return (Float(low + bias - margin), Float(high + bias + margin))
        case .cosine: return cosine(columns.norms[row], low, high) ?? nothing
        case .euclidean: return distance(columns.norms[row], low, high)
        }
    }

    private func cosine(_ norm: Float, _ low: Double, _ high: Double) -> (lower: Float, upper: Float)? {
        if norm == 0 { return (0, 0) }
        guard norm >= UnitNorm.least, norm <= UnitNorm.greatest else { return nil }
        // As `ScoreRule` has it: a normal number, because the query's norm is at least 2⁻⁵⁰ too.
        let scale = Double(rule.queryNorm * norm)
        let margin = max(abs(low), abs(high)) / scale * Self.doubleMargin
        return (Float(low / scale - margin), Float(high / scale + margin))
    }

    private func distance(_ norm: Float, _ low: Double, _ high: Double) -> (lower: Float, upper: Float) {
        let longest = Double(norm) * (1 + rounding) + Self.normMargin
        let shortest = max(0, Double(norm) * (1 - rounding) - Self.normMargin)
        let queryLeast = code.norm * (1 - 0x1p-28)
        let margin = (code.norm * code.norm + longest * longest) * Self.doubleMargin + 0x1p-120
        let least = queryLeast * queryLeast + shortest * shortest - 2 * high - margin
        let greatest = code.norm * code.norm + longest * longest - 2 * low + margin
        let (near, far) = (
            max(0, least * (1 - 2 * rounding) - 0x1p-120), greatest * (1 + 2 * rounding) + 0x1p-120
        )
        // Rounded to float32 before the root is taken, as the score's square is.
        return (-Float(far).squareRoot(), -Float(near).squareRoot())
    }
}

extension ScoreBounds {
    /// Works out the limits of blocks: while a row's product with the query, times its scale in float32, is at most its
    /// block's limit with the row's own shift (`codeLimits`), its score is at most `threshold`. Infinite where the block's
    /// bounds alone say that of every row.
    ///
    /// Each order asks that d + a ≤ τ, where τ is the threshold and a the bias; for the distance h = −threshold,
    /// τ = (‖q‖² − h²)/2 and a = −‖r‖²/2; for the cosine τ is the threshold times ‖q‖, the rows are taken as scaled to norm
    /// 1, and both sides are then multiplied by ‖r‖.
    ///
    /// Shape: `limits` has room for a number for each of `blocks`.
    ///
    /// - Parameter coarse: whether they are for products of coarse codes: the claim holds of any code with its residual.
    func setLimits(
        _ limits: UnsafeMutablePointer<Float>, of blocks: Range<Int>, threshold: Float, coarse: Bool = false
    ) {
        let (bounds, first) = (columns.blocks, blocks.lowerBound)
        let isCosine = rule.order == .cosine
        let residuals =
            switch (isCosine, coarse) {
            case (false, false): bounds.residual
            case (false, true): bounds.coarseResidual
            case (true, false): bounds.unitResidual
            case (true, true): bounds.unitCoarseResidual
            }
        var columns = block_columns(
            residuals: residuals.base + first, norms: bounds.norm.base + first,
            shifts: blockShifts.base + first)
        var terms = limitTerms(threshold)
        self.columns.kernel.setLimits(limits, of: blocks.count, limitOrder, &terms, &columns)
    }

    /// What the rows of `blocks` are held against, with a limit for each block.
    @inline(__always)
    func codeLimits(
        of blocks: Range<Int>, _ limits: UnsafePointer<Float>, coarse: UnsafePointer<Float>?
    ) -> code_limits {
        let first = blocks.lowerBound * CodeKernel.rowsPerBlock
        let inverse = Float(1 / code.scale)
        return code_limits(
            order: limitOrder, scales: columns.scales.base + first,
            shifts: (rule.order == .inner ? columns.biases : columns.norms).base + first,
            block_shifts: blockShifts.base + blocks.lowerBound,
            factor: rule.order == .euclidean ? Float(Self.half(rounding)) * inverse : inverse,
            margin: Self.floatMargin, limits: limits, coarse_limits: coarse)
    }

    /// What tells rows that score more than `score` from those that score less; for the inner product.
    func standingTerms(_ score: Float) -> standing_terms {
        let terms = limitTerms(score)
        return standing_terms(
            score: score, margin: terms.margin, greatest: 0x1p119, query_scale: Float(code.scale),
            query_norm: terms.query_norm, per_residual: terms.per_residual, per_norm: terms.per_norm,
            constant: terms.constant, norm_factor: terms.norm_factor, norm_margin: terms.norm_margin)
    }

    private var blockShifts: Column<Float> {
        rule.order == .inner ? columns.blocks.bias : columns.blocks.leastNorm
    }

    private var limitOrder: limit_order {
        switch rule.order {
        case .inner: LIMIT_BIASED
        case .dot: LIMIT_PLAIN
        case .cosine: LIMIT_PER_NORM
        case .euclidean: LIMIT_SQUARED
        }
    }

    /// At most what ‖r‖²/2 is of its square in float32.
    private static func half(_ rounding: Double) -> Double { 0.5 * (1 - 4 * rounding) }

    /// τ, and the magnitude of what went into it.
    private func target(_ threshold: Float) -> (Float, Float) {
        switch rule.order {
        case .inner, .dot: return (threshold, abs(threshold))
        case .cosine:
            let target = Float(Double(threshold) * Double(rule.queryNorm))
            return (target, abs(target))
        case .euclidean:
            guard threshold > -Float.infinity else { return (-.infinity, .infinity) }
            // The square of the score has to be at least h² in float32; in real numbers that much more.
            let far = (Double(threshold) * Double(threshold) + 0x1p-120) * (1 + 4 * rounding)
            let square = code.norm * code.norm
            return (Float((square * (1 - 0x1p-26) - far) / 2), Float(square + far))
        }
    }

    /// The numbers of the bound in float. What the quotient by the query's scale, its product with the row's, the row's shift
    /// and P as a float lose, each at most 2⁻²⁴ of it, the margin covers too. No row whose norm is finite makes it overflow.
    private func limitTerms(_ threshold: Float) -> limit_terms {
        func up(_ value: Double) -> Float { Float(value * (1 + 0x1p-20)) + 0x1p-126 }
        let isCosine = rule.order == .cosine
        let (target, size) = target(threshold)
        return limit_terms(
            target: target, size: size, square: Float(-Self.half(rounding)), margin: Self.floatMargin,
            per_residual: up(perResidual), per_norm: up(perNorm),
            // Scaled to norm 1, what is absolute grows by at most 1 / UnitNorm.least.
            constant: up(constant * (isCosine ? 0x1p40 : 1)),
            query_norm: up(code.norm * (1 + rounding)), norm_factor: up(1 + rounding),
            norm_margin: isCosine ? 0x1p-26 : Float(Self.normMargin),
            // A normal number, as the scale is: the query's norm is neither small nor great.
            inverse_query_scale: Float(1 / code.scale))
    }
}
