// Learners: the update rules.
//
// Here live biased SGD, BPR, WARP and ALS, each as a step on rows, with learning rates, negative sampling, fold-in,
// the guard against numbers that are not finite, and the baseline of means. Rows of factors and a judgement come in,
// and the same rows go out changed. What never comes in: ids, threads, and the order in which events come.

public import Factors

/// Biased matrix factorization by stochastic gradient descent, for explicit ratings.
///
/// r̂ = μ + b_u + b_i + p_u·q_i; e = r − r̂; b ← b + η(e − λ_b b); p_u ← p_u + η(e q_i − λ p_u), and the same for q_i
/// with the old p_u. Koren, Bell, Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009.
public struct BiasedSGD: Sendable {
    public struct Options: Sendable, Equatable {
        // The defaults are for one pass over a stream, chosen on ML-1M and confirmed on ml-latest-small.

        /// η of the vectors.
        public var learningRate: Float = 0.08
        /// η of the biases.
        public var biasLearningRate: Float = 0.04
        /// How both fall.
        public var schedule: RateSchedule = .constant
        /// λ of the vectors.
        public var regularization: Float = 0.02
        /// λ_b of the biases.
        public var biasRegularization: Float = 0.05

        public init() {}
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// r̂. `mean` is μ.
    @inline(__always)
    public func predict(mean: Float, user: Row, item: Row) -> Float {
        mean + user.bias + item.bias + user.dot(item)
    }

    /// One step towards `rating`.
    public func update(rating: Float, mean: Float, user: Row, item: Row, scratch: Scratch) -> UpdateResult {
        let error = rating - predict(mean: mean, user: user, item: item)
        if case .constant = options.schedule {
            return step(error, userFactor: 1, itemFactor: 1, remembers: false, user, item, scratch)
        }
        return step(
            error, userFactor: options.schedule.factor(step: user.step),
            itemFactor: options.schedule.factor(step: item.step), remembers: true, user, item, scratch)
    }

    /// `remembers` is a literal at both calls, so that a constant rate pays nothing for the schedules.
    @inline(__always)
    private func step(
        _ error: Float, userFactor: Float, itemFactor: Float, remembers: Bool, _ user: Row, _ item: Row,
        _ scratch: Scratch
    ) -> UpdateResult {
        let decay = options.regularization
        let (userRate, itemRate) = (options.learningRate * userFactor, options.learningRate * itemFactor)
        let (newUser, newItem) = (scratch.first, scratch.second)
        var (userNorm, userSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (itemNorm, itemSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let (p, q) = (user[lane], item[lane])
            let descentP = error * q - decay * p
            let descentQ = error * p - decay * q
            let newP = p + userRate * descentP
            let newQ = q + itemRate * descentQ
            userNorm = userNorm + newP * newP
            itemNorm = itemNorm + newQ * newQ
            if remembers {
                userSquares = userSquares + descentP * descentP
                itemSquares = itemSquares + descentQ * descentQ
            }
            newUser[lane] = newP
            newItem[lane] = newQ
        }
        let (biasRate, biasDecay) = (options.biasLearningRate, options.biasRegularization)
        newUser.bias = user.bias + biasRate * userFactor * (error - biasDecay * user.bias)
        newItem.bias = item.bias + biasRate * itemFactor * (error - biasDecay * item.bias)
        guard updateGuard.allows(squaredNorm: userNorm.sum(), bias: newUser.bias),
            updateGuard.allows(squaredNorm: itemNorm.sum(), bias: newItem.bias)
        else { return .rejected }
        user.replace(with: newUser)
        item.replace(with: newItem)
        if remembers {
            user.advance(options.schedule, squares: userSquares)
            item.advance(options.schedule, squares: itemSquares)
        }
        return .applied
    }
}
