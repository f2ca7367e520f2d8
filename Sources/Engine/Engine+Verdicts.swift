internal import Logging
internal import State

extension Engine {
    /// Says once when a model begins to lose to its baseline, and once when it no longer does.
    func judgeModels() {
        for model in state.models where model.judge() {
            let window = model.score.window
            let (mean, error) = window.difference
            let metadata: Logger.Metadata = [
                "model": "\(model.options.name)", "scored": "\(window.count)",
                "baseline": model.rule.predictsRatings ? "means" : "popularity",
                "difference": "\(Float(mean))", "standard-error": "\(Float(error))",
            ]
            if model.losesToBaseline {
                logger.warning(
                    "a model loses to its baseline over the score's window; look at its learner and settings",
                    metadata: metadata)
            } else {
                logger.notice("a model no longer loses to its baseline", metadata: metadata)
            }
        }
    }
}
