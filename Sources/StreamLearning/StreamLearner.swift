internal import Counting
internal import Factors
internal import State

/// A learner on the stream: predicts an event, then learns it. Items outside the lease are never written, and
/// read only by learners whose items nobody writes during the rounds.
protocol StreamLearner: Sendable {
    /// Whether the event alone is learned from, once: then it is, too, while a history is gone through whose models are
    /// trained afterwards.
    var countsHistory: Bool { get }

    /// What the model thinks of the event before it learns it.
    func score(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)
        -> ScoreSample

    /// Learns the event. The user's history does not hold it yet.
    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)

    /// Scores the event and learns it: for learners that score with what they need for learning anyway.
    func take(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)
        -> ScoreSample

    /// Called when the event has changed what the history says that the user took, as this model sees it.
    func historyChanged(_ example: Example, _ context: borrowing LearningContext)
}

extension StreamLearner {
    var countsHistory: Bool { false }

    func take(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)
        -> ScoreSample
    {
        let sample = score(example, context, lease: lease)
        learn(example, context, lease: lease)
        return sample
    }

    func historyChanged(_ example: Example, _ context: borrowing LearningContext) {}
}

/// The stream learner of each update rule: where a new one is entered.
func streamLearner(of rule: UpdateRule) -> any StreamLearner {
    switch rule {
    case .sgd(let sgd): RatingLearner(sgd: sgd)
    case .bpr(let bpr, _): RankingLearner(rule: .bpr(bpr))
    case .warp(let warp, _): RankingLearner(rule: .warp(warp))
    case .counter(let rule, _): CounterLearner(rule: rule)
    case .als(let als, let positive): AlternatingLearner(als: als, positive: positive)
    }
}
