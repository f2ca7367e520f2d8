internal import Factors

/// The step that BPR and WARP share: along p_u·(q_i − q_j) + b_i − b_j, scaled by g, with weight decay.
struct PairwiseStep {
    let schedule: RateSchedule
    /// η of items' vectors, of users' and of biases.
    let itemRate: Float
    let userRate: Float
    let biasRate: Float
    /// λ of items' vectors and of users'.
    var itemRegularization: Float
    var userRegularization: Float
    var biasRegularization: Float
    let updateGuard: UpdateGuard

    /// What the rates of the three rows are multiplied by.
    private struct Factors {
        var user: Float
        var positive: Float
        var negative: Float
    }

    @inline(__always)
    func apply(_ g: Float, user: Row, positive: Row, negative: Row, scratch: Scratch) -> UpdateResult {
        if case .constant = schedule {
            return step(
                g, Factors(user: 1, positive: 1, negative: 1), remembers: false, user: user,
                positive: positive, negative: negative,
                scratch: scratch)
        }
        let factors = Factors(
            user: schedule.factor(step: user.step), positive: schedule.factor(step: positive.step),
            negative: schedule.factor(step: negative.step))
        return step(
            g, factors, remembers: true, user: user, positive: positive, negative: negative, scratch: scratch)
    }

    /// `remembers` is a literal at both calls, so that a constant rate pays nothing for the schedules.
    @inline(__always)
    private func step(
        _ g: Float, _ factors: Factors, remembers: Bool, user: Row, positive: Row, negative: Row,
        scratch: Scratch
    ) -> UpdateResult {
        let (decay, userDecay) = (itemRegularization, userRegularization)
        let rates = Factors(
            user: userRate * factors.user, positive: itemRate * factors.positive,
            negative: itemRate * factors.negative)
        let (newUser, newPositive, newNegative) = (scratch.first, scratch.second, scratch.third)
        var (userNorm, userSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (positiveNorm, positiveSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (negativeNorm, negativeSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let (p, qi, qj) = (user[lane], positive[lane], negative[lane])
            let ascentP = g * (qi - qj) - userDecay * p
            let ascentQi = g * p - decay * qi
            let descentQj = g * p + decay * qj
            let newP = p + rates.user * ascentP
            let newQi = qi + rates.positive * ascentQi
            let newQj = qj - rates.negative * descentQj
            userNorm = userNorm + newP * newP
            positiveNorm = positiveNorm + newQi * newQi
            negativeNorm = negativeNorm + newQj * newQj
            if remembers {
                userSquares = userSquares + ascentP * ascentP
                positiveSquares = positiveSquares + ascentQi * ascentQi
                negativeSquares = negativeSquares + descentQj * descentQj
            }
            newUser[lane] = newP
            newPositive[lane] = newQi
            newNegative[lane] = newQj
        }
        newUser.bias = user.bias
        newPositive.bias =
            positive.bias + biasRate * factors.positive * (g - biasRegularization * positive.bias)
        newNegative.bias =
            negative.bias - biasRate * factors.negative * (g + biasRegularization * negative.bias)
        guard updateGuard.allows(squaredNorm: userNorm.sum(), bias: newUser.bias),
            updateGuard.allows(squaredNorm: positiveNorm.sum(), bias: newPositive.bias),
            updateGuard.allows(squaredNorm: negativeNorm.sum(), bias: newNegative.bias)
        else { return .rejected }
        user.replace(with: newUser)
        positive.replace(with: newPositive)
        negative.replace(with: newNegative)
        if remembers {
            user.advance(schedule, squares: userSquares)
            positive.advance(schedule, squares: positiveSquares)
            negative.advance(schedule, squares: negativeSquares)
        }
        return .applied
    }
}
