public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

// What is taken back: a step against the one that was taken when it was said. What the step was is not kept; it is worked
// out from what the rows say now. Without weight decay, and what a schedule remembers stays.
//
// A user's row takes large steps, and with each further event less of an earlier one is left in it.

extension BiasedSGD {
    /// No step is taken for more than this many times what the rows say now.
    private static let growthMax: Float = 4

    /// One step back from `rating`. The step to it left of its error e the part 1 − η_u |q|² − η_i |p|² − η_b (user's and
    /// item's): e is what is left now, divided by that.
    ///
    /// - Parameters:
    ///   - rating: about the mean.
    ///   - itemRatings: ratings of the item without this one.
    ///   - userShare: how much of the step is taken back in the user's row, from 0 to 1.
    public func unlearn(
        rating: Float, user: Row, item: Row, itemRatings: Int = 0, userShare: Float = 1, scratch: Scratch
    ) -> UpdateResult {
        var rates = options.rates(itemRatings: itemRatings).scaled(options.schedule, user, item)
        (rates.user, rates.userBias) = (rates.user * userShare, rates.userBias * userShare)
        var (userSquares, itemSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            userSquares = userSquares + user[lane] * user[lane]
            itemSquares = itemSquares + item[lane] * item[lane]
        }
        let left =
            1 - rates.user * itemSquares.sum() - rates.item * userSquares.sum() - rates.userBias
            - rates.itemBias
        // Below 0 where the step went past the rating.
        let share = max(abs(left), 1 / Self.growthMax) * (left < 0 ? -1 : 1)
        let error = (rating - predict(mean: 0, user: user, item: item)) / share
        return updateGuard.step(
            -error, user: user, rates.user, item: item, rates.item, biases: (rates.userBias, rates.itemBias),
            scratch)
    }
}

extension BiasedSGD.Rates {
    fileprivate func scaled(_ schedule: RateSchedule, _ user: Row, _ item: Row) -> Self {
        if case .constant = schedule { return self }
        let (users, items) = (schedule.factor(step: user.step), schedule.factor(step: item.step))
        return Self(
            user: self.user * users, item: self.item * items, userBias: userBias * users,
            itemBias: itemBias * items)
    }
}

extension BPR {
    /// One step back from the one that took `positive` above `negative`: down ln σ(x) by the gradient g that it had at the
    /// x of before, which is x less what that step added.
    ///
    /// - Parameter weight: as `update` had it, or less where the user's row, along which the item's moved, has moved on.
    public func unlearn(
        weight: Float, user: Row, positive: Row, negative: Row, scratch: Scratch
    ) -> UpdateResult {
        var (product, squares, gaps) = (SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let gap = positive[lane] - negative[lane]
            product = product + user[lane] * gap
            squares = squares + user[lane] * user[lane]
            gaps = gaps + gap * gap
        }
        let x = product.sum() + positive.bias - negative.bias
        var step = step
        let added =
            step.userRate * gaps.sum() + 2 * step.itemRate * squares.sum() + 2 * step.biasRate
        // The least of the fixed points of g = σ(added · g − x), from below.
        var g = 1 / (1 + exp(x))
        for _ in 0..<8 { g = 1 / (1 + exp(x - weight * added * g)) }
        (step.itemRegularization, step.userRegularization, step.biasRegularization) = (0, 0, 0)
        return step.apply(-weight * g, user: user, positive: positive, negative: negative, scratch: scratch)
    }
}

extension UpdateGuard {
    /// p ← p + η_u e q, q ← q + η_i e p, b ← b + η_b e.
    fileprivate func step(
        _ error: Float, user: Row, _ userRate: Float, item: Row, _ itemRate: Float,
        biases: (user: Float, item: Float), _ scratch: Scratch
    ) -> UpdateResult {
        let (newUser, newItem) = (scratch.first, scratch.second)
        var (userNorm, itemNorm) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let p = user[lane] + userRate * error * item[lane]
            let q = item[lane] + itemRate * error * user[lane]
            userNorm = userNorm + p * p
            itemNorm = itemNorm + q * q
            (newUser[lane], newItem[lane]) = (p, q)
        }
        (newUser.bias, newItem.bias) = (user.bias + biases.user * error, item.bias + biases.item * error)
        guard allows(squaredNorm: userNorm.sum(), bias: newUser.bias),
            allows(squaredNorm: itemNorm.sum(), bias: newItem.bias)
        else { return .rejected }
        user.replace(with: newUser)
        item.replace(with: newItem)
        return .applied
    }
}
