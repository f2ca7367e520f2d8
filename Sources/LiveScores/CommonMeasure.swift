// LiveScores: what models were worth on the events just learned.
//
// Here live each model's prequential score, the comparison of models on the same events, and which of them is the
// default and why. What each model made of an event comes in, scores, leads and promotions go out. What never comes in:
// rows, items, users, and how a score is taken.

/// What the models of a state are compared by, on each event by the same.
package enum CommonMeasure: String, Sendable, Equatable {
    /// Whether a liked item comes among the first ten of 300 (1 or 0): wherever any model ranks, because all models can.
    case recall = "recall@10"
    /// How much of a rating's variance the prediction explains, where all models predict ratings.
    case explained = "explained-variance"

    /// Errors beyond so many standard deviations are worth nothing, as are those of just as many: a bound is what makes
    /// a comparison hold whatever the ratings.
    private static let deviationsMax: Float = 3

    package init(allPredictRatings: Bool) { self = allPredictRatings ? .explained : .recall }

    /// The worth of a prediction, from 0 to 1, by its error in standard deviations of the ratings.
    package static func worth(ofError deviations: Float) -> Float {
        let share = deviations / deviationsMax
        return 1 - min(1, share * share)
    }

    /// What a worth of 1 is in the measure's own unit.
    package var unit: Double {
        switch self {
        case .recall: 1
        case .explained: Double(Self.deviationsMax * Self.deviationsMax)
        }
    }
}
