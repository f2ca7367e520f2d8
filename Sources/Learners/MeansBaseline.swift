/// The means model with shrinkage, the baseline of every rating learner:
/// r̂ = μ + b_i + b_u, b_i = Σ(r − μ) / (n_i + λ_i), b_u = Σ(r − μ − b_i) / (n_u + λ_u).
/// Koren, "Factor in the Neighbors", 2010, section 2.1.
public struct MeansBaseline: Sendable {
    /// Shrinkage λ_i and λ_u, in ratings.
    public var itemShrinkage: Double = 10
    public var userShrinkage: Double = 5

    public init() {}

    public func itemOffset(ratingSum: Double, ratings: Int, mean: Double) -> Double {
        (ratingSum - Double(ratings) * mean) / (Double(ratings) + itemShrinkage)
    }

    /// `residualSum` is Σ(r − μ − b_i), each term as it stood when the rating came.
    public func userOffset(residualSum: Double, ratings: Int) -> Double {
        residualSum / (Double(ratings) + userShrinkage)
    }
}
