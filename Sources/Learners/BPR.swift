public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Bayesian personalised ranking: an item that the user took should score above one that the user did not see.
///
/// x = p_u·(q_i − q_j) + b_i − b_j; g = σ(−x); ascend ln σ(x) with weight decay.
/// Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009.
public struct BPR: Sendable {
    public struct Options: Sendable, Equatable {
        // The defaults are for one pass over a stream, chosen on ML-1M and confirmed on ml-latest-small.

        /// η of vectors and biases.
        public var learningRate: Float = 0.1
        /// η of users' vectors and of biases; `nil` for `learningRate`. A user has few events and moves on: on a stream a
        /// rate many times that of items, which all users share, follows each taste of the moment.
        public var userLearningRate: Float?
        public var biasLearningRate: Float?
        /// How η falls.
        public var schedule: RateSchedule = .constant
        /// λ of the vectors.
        public var regularization: Float = 0.02
        /// λ of users' vectors; `nil` for `regularization`.
        public var userRegularization: Float?
        /// λ_b of the biases.
        public var biasRegularization: Float = 0.02
        /// Negatives drawn for each positive event.
        public var samples: Int = 8
        /// Items drawn for each negative, of which the one is taken that scores highest; 1 takes what is drawn. Zhang et al.,
        /// "Optimizing Top-N Collaborative Filtering via Dynamic Negative Item Sampling", 2013.
        public var hardestOf: Int = 1
        /// How they are drawn.
        public var negatives = NegativeSampler()

        public init() {}
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// The score by which items are ranked; without the user's bias, which is the same for all items.
    @inline(__always)
    public func score(user: Row, item: Row) -> Float {
        item.bias + user.dot(item)
    }

    /// One step. `weight` scales the gradient (1 for a liked rating, the signal's weight otherwise).
    public func update(weight: Float, user: Row, positive: Row, negative: Row, scratch: Scratch)
        -> UpdateResult
    {
        var difference = SIMD8<Float>.zero
        for lane in user.indices {
            difference = difference + user[lane] * (positive[lane] - negative[lane])
        }
        let x = difference.sum() + positive.bias - negative.bias
        return step.apply(
            weight / (1 + exp(x)), user: user, positive: positive, negative: negative, scratch: scratch)
    }

    var step: PairwiseStep {
        PairwiseStep(
            schedule: options.schedule, itemRate: options.learningRate,
            userRate: options.userLearningRate ?? options.learningRate,
            biasRate: options.biasLearningRate ?? options.learningRate,
            itemRegularization: options.regularization,
            userRegularization: options.userRegularization ?? options.regularization,
            biasRegularization: options.biasRegularization, updateGuard: updateGuard)
    }
}
