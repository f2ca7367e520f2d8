internal import Learners
internal import Retrieval

/// Ridge regression on the residuals of a session's standardised ratings.
struct RatingFoldIn: FoldIn {
    let sgd: BiasedSGD

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { ratings }

    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        let items = session.rated(index)
        return { sgd.foldIn(items) }
    }
}

extension FoldInSession {
    /// The items with their ratings about the mean and the items' biases. One without a weight counts as liked: one standard
    /// deviation above what everybody gives it.
    func rated(_ index: borrowing IndexView) -> FoldInItems {
        let liking =
            scale.deviation > 0 ? Float(Double(deviation) / scale.deviation) : 0
        var items = FoldInItems(factors: index.factors)
        for (row, weight) in zip(rows, weights) {
            let bias = index.biases[row]
            let residual = weight.map { scale.standardised($0) - bias } ?? liking
            items.append(vector: index.vector(row), bias: bias, value: residual)
        }
        return items
    }
}
