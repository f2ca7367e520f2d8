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
        /// η of the vectors.
        public var learningRate: Float = 0.08
        /// η of users' vectors; `nil` for `learningRate`.
        public var userLearningRate: Float?
        /// η of the biases.
        public var biasLearningRate: Float = 0.04
        /// η of users' biases; `nil` for `biasLearningRate`.
        public var userBiasLearningRate: Float?
        /// Ratings that an item's bias starts as if it had at 0: its rate after n ratings is 1 / (n + this) until that falls
        /// below `biasLearningRate`. A bias then begins as the mean of a few ratings, and goes on as one that fades. 0: the
        /// rate is `biasLearningRate` from the first on.
        public var biasShrinkage: Float = 0
        /// How all rates fall.
        public var schedule: RateSchedule = .constant
        /// λ of the vectors.
        public var regularization: Float = 0.02
        /// λ of users' vectors; `nil` for `regularization`.
        public var userRegularization: Float?
        /// λ_b of the biases.
        public var biasRegularization: Float = 0.05
        /// Past ratings of the user that each event learns again (`replay`), on a stream.
        public var replays = 0
        /// η of users' vectors in these.
        public var replayLearningRate: Float = 0.1

        public init() {}
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// r̂. `mean` is μ.
    public func predict(mean: Float, user: Row, item: Row) -> Float {
        mean + user.bias + item.bias + product(user, item)
    }

    /// One step towards `rating`.
    ///
    /// - Parameter itemRatings: ratings of the item before this one, for `Options.biasShrinkage`.
    public func update(
        rating: Float, mean: Float, user: Row, item: Row, itemRatings: Int = 0, scratch: Scratch
    ) -> UpdateResult {
        update(
            error: rating - predict(mean: mean, user: user, item: item), user: user, item: item,
            itemRatings: itemRatings, scratch: scratch)
    }

    /// The same where r̂ is known: `error` is by how much the rating is above it.
    public func update(
        error: Float, user: Row, item: Row, itemRatings: Int = 0, scratch: Scratch
    ) -> UpdateResult {
        let rates = options.rates(itemRatings: itemRatings)
        if case .constant = options.schedule { return kernelStep(error, rates, user, item, scratch) }
        let (userFactor, itemFactor) = (
            options.schedule.factor(step: user.step), options.schedule.factor(step: item.step)
        )
        let scaled = Rates(
            user: rates.user * userFactor, item: rates.item * itemFactor,
            userBias: rates.userBias * userFactor, itemBias: rates.itemBias * itemFactor)
        return step(error, scaled, remembers: true, user, item, scratch)
    }

    /// One step of the user alone towards a rating of the past, the item held fixed: a row that a single step an event would
    /// lead to only after many of them settles with the few ratings that a new user has. What the schedule remembers stays.
    public func replay(rating: Float, mean: Float, user: Row, item: Row, scratch: Scratch) -> UpdateResult {
        if case .constant = options.schedule {
            return kernelReplay(rating - mean, user: user, item: item, scratch: scratch)
        }
        return replayStep(
            rating - mean, factor: options.schedule.factor(step: user.step), user: user, item: item,
            scratch: scratch)
    }

    /// - Parameter rating: about the mean.
    func replayStep(_ rating: Float, factor: Float, user: Row, item: Row, scratch: Scratch) -> UpdateResult {
        let error = rating - predict(mean: 0, user: user, item: item)
        let rate = options.replayLearningRate * factor
        let decay = options.userRegularization ?? options.regularization
        let newUser = scratch.first
        var norm = SIMD8<Float>.zero
        for lane in user.indices {
            let (p, q) = (user[lane], item[lane])
            let newP = p + rate * (error * q - decay * p)
            norm = norm + newP * newP
            newUser[lane] = newP
        }
        newUser.bias =
            user.bias + options.biasLearningRate * factor * (error - options.biasRegularization * user.bias)
        guard updateGuard.allows(squaredNorm: norm.sum(), bias: newUser.bias) else { return .rejected }
        user.replace(with: newUser)
        return .applied
    }

    struct Rates {
        var user: Float
        var item: Float
        var userBias: Float
        var itemBias: Float
    }

    /// - Parameter remembers: whether the rows' steps advance: not where the rate is constant, which the kernel does.
    func step(
        _ error: Float, _ rates: Rates, remembers: Bool, _ user: Row, _ item: Row, _ scratch: Scratch
    ) -> UpdateResult {
        let decay = options.regularization
        let userDecay = options.userRegularization ?? decay
        let (newUser, newItem) = (scratch.first, scratch.second)
        var (userNorm, userSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (itemNorm, itemSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let (p, q) = (user[lane], item[lane])
            let descentP = error * q - userDecay * p
            let descentQ = error * p - decay * q
            let newP = p + rates.user * descentP
            let newQ = q + rates.item * descentQ
            userNorm = userNorm + newP * newP
            itemNorm = itemNorm + newQ * newQ
            if remembers {
                userSquares = userSquares + descentP * descentP
                itemSquares = itemSquares + descentQ * descentQ
            }
            newUser[lane] = newP
            newItem[lane] = newQ
        }
        let biasDecay = options.biasRegularization
        newUser.bias = user.bias + rates.userBias * (error - biasDecay * user.bias)
        newItem.bias = item.bias + rates.itemBias * (error - biasDecay * item.bias)
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

extension BiasedSGD.Options {
    /// Before the schedule.
    ///
    /// - Parameter itemRatings: ratings of the item before this one, for `biasShrinkage`.
    func rates(itemRatings: Int) -> BiasedSGD.Rates {
        var rates = BiasedSGD.Rates(
            user: userLearningRate ?? learningRate, item: learningRate,
            userBias: userBiasLearningRate ?? biasLearningRate, itemBias: biasLearningRate)
        if biasShrinkage > 0 {
            rates.itemBias = max(rates.itemBias, 1 / (Float(itemRatings) + biasShrinkage))
        }
        return rates
    }
}
