internal import CKernels
internal import Factors

// What the kernels in C take: see CKernels.h. They know constant rates alone.

extension PairwiseStep {
    func terms(weight: Float) -> pairwise_terms {
        pairwise_terms(
            item_rate: itemRate, user_rate: userRate, bias_rate: biasRate, item_decay: itemRegularization,
            user_decay: userRegularization, bias_decay: biasRegularization, norm_max: updateGuard.normMax,
            weight: weight)
    }
}

extension pairwise_rows {
    init(user: Row, positive: Row, scratch: Scratch) {
        self.init(
            user: user.addresses.vector, positive: positive.addresses.vector,
            positive_bias: positive.addresses.bias, room: scratch.vectors, user_bias: user.bias)
    }
}

extension row_table {
    init(_ table: FactorTable) {
        let (vectors, biases) = table.addresses
        self.init(vectors: vectors, biases: biases)
    }
}
