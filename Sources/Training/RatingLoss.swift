internal import Learners

/// What the errors of a training on standardised ratings come to, in the unit of the ratings.
struct RatingLoss {
    /// Of the mean alone.
    let untrained: Double
    /// Where all ratings are equal the mean alone is perfect, and new rows are a little beside it.
    let max: Double
    private let deviation: Double

    /// - Parameter interactions: the ratings as they are.
    init(_ interactions: Interactions, scale: RatingScale) {
        let squares = interactions.values.reduce(0.0) {
            $0 + (Double($1) - scale.mean) * (Double($1) - scale.mean)
        }
        untrained = (squares / Double(interactions.count)).squareRoot()
        let greatest = interactions.values.reduce(0.0) { Swift.max($0, abs(Double($1))) }
        max = 1.1 * untrained + 0.01 * greatest
        deviation = scale.deviation
    }

    /// The root mean squared error of what was summed.
    func error(_ tally: EpochTally) -> Double {
        deviation * (tally.lossSum / Double(Swift.max(1, tally.lossCount))).squareRoot()
    }
}
