internal import Learners
internal import Retrieval

/// Ridge regression on the residuals of a session's standardised ratings.
struct RatingFoldIn: FoldIn {
    let sgd: BiasedSGD

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { ratings }

    /// An item without a weight counts as liked: one standard deviation above what everybody gives it.
    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        let scale = session.scale
        let liking =
            scale.deviation > 0 ? Float(Double(session.deviation) / scale.deviation) : 0
        var items = FoldInItems(factors: index.factors)
        for (row, weight) in zip(session.rows, session.weights) {
            let bias = index.biases[row]
            let residual = weight.map { scale.standardised($0) - bias } ?? liking
            items.append(vector: index.vector(row), bias: bias, value: residual)
        }
        return { sgd.foldIn(items) }
    }
}
