internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import State

/// Learns standardised ratings (`RatingScale`) by biased SGD, scored by squared error beside the means baseline.
struct RatingLearner: StreamLearner {
    let sgd: BiasedSGD

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        context.ratingSample(of: predict(example, context, lease: lease), example)
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        learn(example, predicted: predict(example, context, lease: lease), context, lease: lease)
    }

    /// With one prediction for both.
    func take(
        _ example: Example, by measure: CommonMeasure, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) -> ScoreSample {
        let predicted = predict(example, context, lease: lease)
        var sample = context.ratingSample(of: predicted, example)
        sample.worth = worth(of: sample, by: measure, example, context, lease: lease)
        learn(example, predicted: predicted, context, lease: lease)
        return sample
    }

    /// Standardised.
    private func predict(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float {
        sgd.predict(
            mean: 0, user: context.user, item: lease.row(Int(example.item), of: context.items))
    }

    /// Beside models that rank it is put to the same liked items as they are, by what it predicts for each.
    func worth(
        of sample: ScoreSample, by measure: CommonMeasure, _ example: Example,
        _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float {
        guard measure == .recall else { return sample.worth }
        let user = context.user
        return SampledRecall.hit(example, context, lease: lease) { $0.bias + user.dot($0) }
    }

    private func learn(
        _ example: Example, predicted: Float, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) {
        let result = sgd.update(
            error: example.scale.standardised(example.value) - predicted, user: context.user,
            item: lease.row(Int(example.item), of: context.items),
            itemRatings: Int(context.model.positives[Int(example.item)]), scratch: context.scratch)
        context.count(result == .applied, example: example)
        guard result == .applied else { return }
        replay(example, context, lease: lease)
        context.touchUser()
        context.touch(Int(example.item))
    }

    func unlearn(
        _ entry: HistoryEntry, userShare: Float, _ example: Example, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) {
        let result = sgd.unlearn(
            rating: example.scale.standardised(entry.value), user: context.user,
            item: lease.row(Int(example.item), of: context.items),
            itemRatings: max(0, Int(context.model.positives[Int(example.item)]) - 1), userShare: userShare,
            scratch: context.scratch
        )
        context.count(result == .applied, example: example)
        guard result == .applied else { return }
        context.touchUser()
        context.touch(Int(example.item))
    }

    private func replay(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) {
        context.forEachReplay(sgd.options.replays, example, lease: lease) { rating, item in
            sgd.replay(
                rating: rating, mean: 0, user: context.user, item: item, scratch: context.scratch)
        }
    }
}
