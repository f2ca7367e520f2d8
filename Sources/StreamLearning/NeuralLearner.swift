internal import Factors
internal import Learners
internal import LiveScores
internal import State

/// Learns standardised ratings (`RatingScale`) by a network over the rows, scored by squared error beside the means
/// baseline.
///
/// The rows are leased as ever. The network is not: each queue reads it as it stood when the block of events began, and sums
/// what it would have it learn (`NetworkState`).
struct NeuralLearner: StreamLearner {
    let rule: NeuralRating

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        guard let (network, own) = networks(context) else { return .none }
        let predicted = rule.predict(
            user: context.user, item: lease.row(Int(example.item), of: context.items),
            network: network.network, room: own.room)
        return context.ratingSample(of: predicted, example)
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        _ = learned(example, context, lease: lease)
    }

    /// With one prediction for both.
    func take(
        _ example: Example, by measure: CommonMeasure, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) -> ScoreSample {
        endBlock(before: example, context)
        // Asked before the rows change.
        let hit =
            measure == .recall
            ? worth(of: .none, by: measure, example, context, lease: lease) : .nan
        guard let predicted = learned(example, context, lease: lease) else { return .none }
        var sample = context.ratingSample(of: predicted, example)
        if measure == .recall { sample.worth = hit }
        return sample
    }

    /// Beside models that rank it is put to the same liked items as they are, by what it predicts for each.
    func worth(
        of sample: ScoreSample, by measure: CommonMeasure, _ example: Example,
        _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float {
        guard measure == .recall else { return sample.worth }
        guard let (network, own) = networks(context) else { return .nan }
        let user = context.user
        return SampledRecall.hit(example, context, lease: lease) {
            rule.predict(user: user, item: $0, network: network.network, room: own.room)
        }
    }

    private func networks(_ context: borrowing LearningContext) -> (NetworkState, ShardNetwork)? {
        guard let network = context.model.network, let own = context.shard.networks[context.modelIndex]
        else { return nil }
        return (network, own)
    }

    /// One shard alone takes the network's step as the next block begins; of several the engine's queue does.
    private func endBlock(before example: Example, _ context: borrowing LearningContext) {
        guard context.shard.shards == 1, let network = context.model.network else { return }
        let block = network.block(of: example.ordinal)
        guard block != network.block else { return }
        if network.begin(block) == .rejected { context.count(false, example: example) }
    }

    /// ŷ before the event.
    private func learned(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> Float? {
        endBlock(before: example, context)
        guard let (network, own) = networks(context) else { return nil }
        let (predicted, result) = rule.update(
            rating: example.scale.standardised(example.value), user: context.user,
            item: lease.row(Int(example.item), of: context.items),
            itemRatings: Int(context.model.positives[Int(example.item)]), network: network.network,
            sums: own.sums ?? network.sums, room: own.room,
            key: UInt64(bitPattern: example.ordinal))
        context.count(result == .applied, example: example)
        guard result == .applied else { return predicted }
        context.forEachReplay(rule.options.rows.replays, example, lease: lease) { rating, item in
            rule.replay(
                rating: rating, user: context.user, item: item, network: network.network, room: own.room)
        }
        context.touchUser()
        context.touch(Int(example.item))
        return predicted
    }
}
