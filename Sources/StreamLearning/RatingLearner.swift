internal import Factors
internal import Learners
internal import State

/// Learns ratings by biased SGD, scored by squared error beside the means baseline.
struct RatingLearner: StreamLearner {
    let sgd: BiasedSGD

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        guard example.meanIsKnown else { return .none }
        let item = lease.row(Int(example.item), of: context.model.items)
        let error = example.value - sgd.predict(mean: example.mean, user: context.user, item: item)
        let baselineError = example.value - context.meansPrediction
        return ScoreSample(model: error * error, baseline: baselineError * baselineError)
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        let item = lease.row(Int(example.item), of: context.model.items)
        let result = sgd.update(
            rating: example.value, mean: example.mean, user: context.user, item: item,
            scratch: context.shard.scratch)
        context.count(result == .applied, example: example)
        guard result == .applied else { return }
        context.touchUser()
        context.touch(Int(example.item))
    }
}
