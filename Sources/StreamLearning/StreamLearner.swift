internal import Counting
internal import Factors
internal import FeatureMaps
internal import Histories
internal import LiveScores
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

    /// What the prediction of an event was worth by the measure that all models are compared by; NaN where the event is not
    /// one that they are compared on. Asked also of events that the model does not learn from, with a sample of none.
    func worth(
        of sample: ScoreSample, by measure: CommonMeasure, _ example: Example,
        _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float

    /// Learns the event, which is of what the user likes. The user's history does not hold it yet.
    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)

    /// Scores the event, by its own and by the common measure, and learns it: for learners that score with what they need
    /// for learning anyway.
    func take(
        _ example: Example, by measure: CommonMeasure, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) -> ScoreSample

    /// Learns that the user dislikes the item, for this user alone: what others think of it is theirs to say. The history
    /// does not hold it yet.
    func dislike(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)

    /// Takes a step against what it learned when the user said this of the item, which the event takes back. The history holds
    /// it still. For learners that keep nothing of which they could be solved anew.
    ///
    /// - Parameters:
    ///   - entry: of a positive weight to the model.
    ///   - userShare: how much of it there may still be in the user's row.
    func unlearn(
        _ entry: HistoryEntry, userShare: Float, _ example: Example, _ context: borrowing LearningContext,
        lease: borrowing RowLease)

    /// Called when the event has changed what the history says that the user took, as this model sees it.
    func historyChanged(_ example: Example, _ context: borrowing LearningContext)
}

extension StreamLearner {
    var countsHistory: Bool { false }

    /// Of a model that ranks its score: whether the item came among the first.
    func worth(
        of sample: ScoreSample, by measure: CommonMeasure, _ example: Example,
        _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float { sample.model }

    func take(
        _ example: Example, by measure: CommonMeasure, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) -> ScoreSample {
        var sample = score(example, context, lease: lease)
        sample.worth = worth(of: sample, by: measure, example, context, lease: lease)
        learn(example, context, lease: lease)
        return sample
    }

    func dislike(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {}

    func unlearn(
        _ entry: HistoryEntry, userShare: Float, _ example: Example, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) {}

    func historyChanged(_ example: Example, _ context: borrowing LearningContext) {}
}

/// The stream learner of each update rule: where a new one is entered.
///
/// - Parameters:
///   - models: all of the state, of which a blend has its parts.
///   - features: what is known of items' features, which do not change while a cell is learned.
///   - learns: false where only histories and counts are made, for models that are trained afterwards.
func streamLearner(
    of rule: UpdateRule, among models: [ModelState], features: ItemPriors, learns: Bool
) -> any StreamLearner {
    switch rule {
    case .sgd(let sgd): RatingLearner(sgd: sgd)
    case .bpr(let bpr, _): RankingLearner(rule: .bpr(bpr))
    case .warp(let warp, _): RankingLearner(rule: .warp(warp))
    case .mlp(let rule): NeuralLearner(rule: rule)
    case .counter(let rule, _): CounterLearner(rule: rule)
    case .blend: BlendLearner(models: models, features: features, learnsWeights: learns)
    case .als(let als, let positive): AlternatingLearner(als: als, positive: positive)
    }
}
