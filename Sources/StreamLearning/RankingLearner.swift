internal import Factors
internal import Learners
internal import State

/// Learns what users took against items that they did not, by BPR or WARP.
struct RankingLearner: StreamLearner {
    enum Rule: Sendable {
        case bpr(BPR)
        case warp(WARP)
    }

    let rule: Rule

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        let user = context.user
        // Both rank by b_i + p_u·q_i.
        return SampledRecall.sample(example, context, lease: lease) { $0.bias + user.dot($0) }
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        switch rule {
        case .bpr(let bpr): learn(example, context, lease: lease, by: bpr)
        case .warp(let warp): learn(example, context, lease: lease, by: warp)
        }
    }

    private func learn(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, by bpr: BPR
    ) {
        let (items, user) = (context.model.items, context.user)
        let positive = lease.row(Int(example.item), of: items)
        var random = example.random(seed: context.model.seed)
        context.withUnseen(
            bpr.options.samples, example, by: bpr.options.negatives, lease: lease, random: &random
        ) { others in
            for other in others {
                let result = bpr.update(
                    weight: example.weight, user: user, positive: positive,
                    negative: lease.row(other, of: items), scratch: context.shard.scratch)
                finish(result, example, context, against: other)
            }
        }
    }

    private func learn(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, by warp: WARP
    ) {
        let (items, user) = (context.model.items, context.user)
        let positive = lease.row(Int(example.item), of: items)
        var random = example.random(seed: context.model.seed)
        for _ in 0..<warp.options.samples {
            guard let found = violating(example, context, lease: lease, of: warp, random: &random) else {
                return
            }
            let result = warp.update(
                weight: example.weight, draws: found.draws, candidates: Int(example.itemBound), user: user,
                positive: positive, negative: lease.row(found.item, of: items),
                scratch: context.shard.scratch)
            finish(result, example, context, against: found.item)
        }
    }

    /// Draws until an item comes within the margin; `nil` where none does.
    private func violating(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, of warp: WARP,
        random: inout KeyedRandom
    ) -> (item: Int, draws: Int)? {
        let (items, user) = (context.model.items, context.user)
        let wanted = warp.score(user: user, item: lease.row(Int(example.item), of: items))
        for draw in 1...max(1, warp.options.samplesMax) {
            guard
                let other = context.drawUnseen(
                    example, by: warp.options.negatives, lease: lease, random: &random)
            else { return nil }
            let score = warp.score(user: user, item: lease.row(other, of: items))
            if warp.violates(positive: wanted, negative: score) { return (other, draw) }
        }
        return nil
    }

    private func finish(
        _ result: UpdateResult, _ example: Example, _ context: borrowing LearningContext, against other: Int
    ) {
        context.count(result == .applied, example: example)
        guard result == .applied else { return }
        context.touchUser()
        context.touch(Int(example.item))
        context.touch(other)
    }
}

extension Example {
    /// How much a liked event counts.
    var weight: Float { kind == .signal ? value : 1 }
}
