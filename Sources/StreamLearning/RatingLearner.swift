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
        sample(of: predict(example, context, lease: lease), example, context)
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
        var sample = sample(of: predicted, example, context)
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

    /// In the unit of the ratings.
    private func sample(
        of standardised: Float, _ example: Example, _ context: borrowing LearningContext
    ) -> ScoreSample {
        guard example.meanIsKnown else { return .none }
        let predicted = example.scaleBefore.rating(standardised)
        let (error, baselineError) = (example.value - predicted, example.value - context.meansPrediction)
        let deviation = Float(example.scaleBefore.deviation)
        return ScoreSample(
            model: error * error, baseline: baselineError * baselineError,
            worth: deviation > 0 ? CommonMeasure.worth(ofError: error / deviation) : .nan)
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

    /// Has the user's row learn some past ratings again, drawn from the history. Of items of other leases none: another
    /// queue may be writing them.
    private func replay(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) {
        guard sgd.options.replays > 0, !context.history.isEmpty else { return }
        var random = example.random(seed: context.model.seed)
        for _ in 0..<sgd.options.replays {
            // What came early is what is popular and stands dense: squared, so that those are drawn about as often as others.
            let share = random.nextUnit()
            let wanted = Int32(share * share * Double(example.itemBound))
            guard let entry = context.history.opinion(from: wanted), entry.kind == .rating,
                entry.item != example.item, lease.holds(Int(entry.item))
            else { continue }
            let result = sgd.replay(
                rating: example.scale.standardised(entry.value), mean: 0, user: context.user,
                item: lease.row(Int(entry.item), of: context.items), scratch: context.scratch)
            if result == .rejected { context.count(false, example: example) }
        }
    }
}
