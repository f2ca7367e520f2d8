internal import CKernels
internal import Factors

// Steps at a constant rate, in C with whatever vectors the machine has: to the last bit what `step` and `replayStep` give.

extension BiasedSGD {
    func kernelStep(
        _ error: Float, _ rates: Rates, _ user: Row, _ item: Row, _ scratch: Scratch
    ) -> UpdateResult {
        var terms = rating_terms(
            user_rate: rates.user, item_rate: rates.item, user_bias_rate: rates.userBias,
            item_bias_rate: rates.itemBias,
            user_decay: options.userRegularization ?? options.regularization,
            item_decay: options.regularization, bias_decay: options.biasRegularization,
            norm_max: updateGuard.normMax)
        var rows = rating_rows(user: user, item: item, scratch: scratch)
        return rating_step(&terms, user.indices.count * 8, error, &rows) ? .applied : .rejected
    }

    /// - Parameter rating: about the mean.
    func kernelReplay(_ rating: Float, user: Row, item: Row, scratch: Scratch) -> UpdateResult {
        var terms = rating_terms(
            user_rate: options.replayLearningRate, item_rate: 0, user_bias_rate: options.biasLearningRate,
            item_bias_rate: 0, user_decay: options.userRegularization ?? options.regularization,
            item_decay: 0, bias_decay: options.biasRegularization, norm_max: updateGuard.normMax)
        var rows = rating_rows(user: user, item: item, scratch: scratch)
        return rating_replay(&terms, user.indices.count * 8, rating, &rows) ? .applied : .rejected
    }

    /// p_u·q_i, as `Row.dot` has it.
    @inline(__always)
    func product(_ user: Row, _ item: Row) -> Float {
        row_product(user.addresses.vector, item.addresses.vector, user.indices.count * 8)
    }
}

extension rating_rows {
    fileprivate init(user: Row, item: Row, scratch: Scratch) {
        self.init(
            user: user.addresses.vector, user_bias: user.addresses.bias, item: item.addresses.vector,
            item_bias: item.addresses.bias, room: scratch.vectors)
    }
}
