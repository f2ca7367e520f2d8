/// The model's prediction of an event before it was learned, and the baseline's.
package struct ScoreSample {
    /// Squared error, or 1 for a hit and 0 for a miss; NaN when the event is not scored.
    package var model: Float
    package var baseline: Float
    /// What the prediction was worth by the measure that all models are compared by (`CommonMeasure`), from 0 to 1; NaN when
    /// the event is not one that they are compared on.
    package var worth: Float

    package init(model: Float, baseline: Float, worth: Float = .nan) {
        self.model = model
        self.baseline = baseline
        self.worth = worth
    }

    package static let none = ScoreSample(model: .nan, baseline: .nan)
    /// Of an event that the model does not learn from.
    package static let notLearned = ScoreSample(model: .nan, baseline: .infinity)
    package var isLearned: Bool { baseline != .infinity }
    package var isScored: Bool { !model.isNaN }
}
