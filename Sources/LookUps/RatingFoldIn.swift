internal import Learners
internal import Retrieval

/// Ridge regression on the residuals of a session's ratings.
struct RatingFoldIn: FoldIn {
    let sgd: BiasedSGD

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { ratings }

    /// An item without a weight counts as liked: one standard deviation above what everybody gives it.
    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        var items = FoldInItems(factors: index.factors)
        for (row, weight) in zip(session.rows, session.weights) {
            let bias = index.biases[row]
            let residual = weight.map { $0 - session.mean - bias } ?? session.deviation
            items.append(vector: index.vector(row), bias: bias, value: residual)
        }
        return { sgd.foldIn(items) }
    }
}
