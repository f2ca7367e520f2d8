internal import Learners
internal import LiveScores
internal import Locking
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

    /// Ratings after which a model that has learned from none of them is told of.
    private static let ratingsUntilTold = 1_000

    /// Says once that ratings come and models that rank learn from none: say because they go from 0 to 1, and only from 4 on
    /// something is liked. Look-ups then have nothing but the newest items.
    private func tellUntaught() {
        guard !confined.hasToldUntaught, state.ratings.count >= Self.ratingsUntilTold else { return }
        // What is solved in blocks learns later.
        let untaught = state.models.filter {
            !$0.rule.predictsRatings && $0.alternating == nil && $0.updates == 0
        }
        guard !untaught.isEmpty else { return }
        confined.hasToldUntaught = true
        logger.warning(
            "models have learned nothing: no rating or signal passes their 'positive' in the configuration, which says what is liked",
            metadata: [
                "models": "\(untaught.map(\.options.name).joined(separator: " "))",
                "ratings": "\(state.ratings.count)",
                "mean-rating": "\(Float(state.ratings.sum / Double(state.ratings.count)))",
            ])
    }

    /// Says once when a model begins to lose to its baseline, and once when it no longer does.
    func judgeModels() {
        tellUntaught()
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
