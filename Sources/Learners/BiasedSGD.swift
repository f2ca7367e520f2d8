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
        let (rate, decay) = (options.learningRate, options.regularization)
        let (newUser, newItem) = (scratch.first, scratch.second)
        var userNorm = SIMD8<Float>.zero
        var itemNorm = SIMD8<Float>.zero
        for lane in user.indices {
            let (p, q) = (user[lane], item[lane])
            let newP = p + rate * (error * q - decay * p)
            let newQ = q + rate * (error * p - decay * q)
            userNorm = userNorm + newP * newP
            itemNorm = itemNorm + newQ * newQ
            newUser[lane] = newP
            newItem[lane] = newQ
        }
        let (biasRate, biasDecay) = (options.biasLearningRate, options.biasRegularization)
        newUser.bias = user.bias + biasRate * (error - biasDecay * user.bias)
        newItem.bias = item.bias + biasRate * (error - biasDecay * item.bias)
        guard updateGuard.allows(squaredNorm: userNorm.sum(), bias: newUser.bias),
            updateGuard.allows(squaredNorm: itemNorm.sum(), bias: newItem.bias)
        else { return .rejected }
        user.replace(with: newUser)
        item.replace(with: newItem)
        return .applied
    }
}
