internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import State

/// Learns standardised ratings (`RatingScale`) by biased SGD, scored by squared error beside the means baseline.
struct RatingLearner: StreamLearner {
    let sgd: BiasedSGD

    /// In the unit of the ratings.
    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        guard example.meanIsKnown else { return .none }
        let item = lease.row(Int(example.item), of: context.model.items)
        let predicted = example.scaleBefore.rating(sgd.predict(mean: 0, user: context.user, item: item))
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

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        let item = lease.row(Int(example.item), of: context.model.items)
        let result = sgd.update(
            rating: example.scale.standardised(example.value), mean: 0, user: context.user, item: item,
            itemRatings: Int(context.model.positives[Int(example.item)]), scratch: context.shard.scratch)
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
            guard let entry = context.history.entry(from: wanted), entry.kind == .rating,
                entry.item != example.item, lease.holds(Int(entry.item))
            else { continue }
            let result = sgd.replay(
                rating: example.scale.standardised(entry.value), mean: 0, user: context.user,
                item: lease.row(Int(entry.item), of: context.model.items), scratch: context.shard.scratch)
            if result == .rejected { context.count(false, example: example) }
        }
    }
}
