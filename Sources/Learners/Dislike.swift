public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

// What is disliked: the user's row turns away from the item, which stays as it is, because what others think of it is
// theirs to say. Without weight decay, which would raise a score that is low already; what the schedule remembers stays.

extension BPR {
    /// Lowers the item's score for the user, in as many steps as a liking takes: down ln(1 + e^x), x = p_u·q_i + b_i.
    ///
    /// - Parameter weight: scales the gradient, as in `update`; above 0.
    public func lower(_ item: Row, weight: Float, user: Row, scratch: Scratch) -> UpdateResult {
        let rate =
            (options.userLearningRate ?? options.learningRate) * options.schedule.factor(step: user.step)
        for _ in 0..<options.samples {
            let g = weight / (1 + exp(-score(user: user, item: item)))
            guard updateGuard.turn(user, from: item, by: rate * g, scratch) else { return .rejected }
        }
        return .applied
    }
}

extension WARP {
    /// Lowers the item's score x for the user, in as many steps as a liking takes, until it lies the margin below 0: down
    /// L(I − 1) · (margin + x), as if the item stood first of all.
    ///
    /// - Parameters:
    ///   - weight: scales the gradient, as in `update`; above 0.
    ///   - candidates: I.
    public func lower(
        _ item: Row, weight: Float, candidates: Int, user: Row, scratch: Scratch
    ) -> UpdateResult {
        let rate =
            (options.userLearningRate ?? options.learningRate) * options.schedule.factor(step: user.step)
        let loss = weight * rankLoss(draws: 1, candidates: candidates)
        for _ in 0..<options.samples where violates(positive: 0, negative: score(user: user, item: item)) {
            guard updateGuard.turn(user, from: item, by: rate * loss, scratch) else { return .rejected }
        }
        return .applied
    }
}

extension UpdateGuard {
    /// p_u ← p_u − step · q_i; false, and the row as it was, where that is refused.
    fileprivate func turn(_ user: Row, from item: Row, by step: Float, _ scratch: Scratch) -> Bool {
        let new = scratch.first
        var norm = SIMD8<Float>.zero
        for lane in user.indices {
            let p = user[lane] - step * item[lane]
            norm = norm + p * p
            new[lane] = p
        }
        new.bias = user.bias
        guard allows(squaredNorm: norm.sum(), bias: new.bias) else { return false }
        user.replace(with: new)
        return true
    }
}
