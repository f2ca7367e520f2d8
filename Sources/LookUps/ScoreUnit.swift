internal import Learners

/// What the scores that an index ranks by, b_i + p_u·q_i, mean to whoever asks.
enum ScoreUnit: Sendable {
    /// What they are.
    case score
    /// Deviations from the mean of ratings: μ + σ (b_u + b_i + p_u·q_i) is answered.
    case rating(RatingScale)

    /// - Parameter userBias: b_u.
    func answer(_ score: Float, userBias: Float) -> Float {
        switch self {
        case .score: score
        case .rating(let scale): scale.rating(score + userBias)
        }
    }

    /// Of a part of a score: a bias, a product.
    func part(_ part: Float) -> Float {
        switch self {
        case .score: part
        case .rating(let scale): scale.difference(part)
        }
    }
}
