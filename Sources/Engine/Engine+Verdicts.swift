internal import LiveScores
internal import Logging
internal import State

extension Engine {
    func tell(_ promotions: [Promotion]) {
        for promotion in promotions {
            logger.notice(
                "a model is the default from here on",
                metadata: [
                    "model": "\(promotion.model)", "before": "\(promotion.over)",
                    "token": "\(promotion.token)", "because": "\(promotion.because)",
                ])
        }
    }

    /// At the start: the configuration names another default than it did when the state was saved.
    func tellOverruled() {
        guard let overruled = state.comparison.defaultModel.overruled else { return }
        logger.notice(
            "default-model has changed since the state was saved, and takes the place of what was the default",
            metadata: [
                "default-model": "\(state.comparison.defaultModel.configured)", "before": "\(overruled)",
            ])
    }

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
