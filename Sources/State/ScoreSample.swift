/// The model's prediction of an event before it was learned, and the baseline's.
package struct ScoreSample {
    /// Squared error, or 1 for a hit and 0 for a miss; NaN when the event is not scored.
    package var model: Float
    package var baseline: Float

    package init(model: Float, baseline: Float) {
        self.model = model
        self.baseline = baseline
    }

    package static let none = ScoreSample(model: .nan, baseline: .nan)
    package var isScored: Bool { !model.isNaN }
}
