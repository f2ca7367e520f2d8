internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import State

/// Learns what users took against items that they did not, by BPR or WARP.
struct RankingLearner: StreamLearner {
    enum Rule: Sendable {
        case bpr(BPR)
        case warp(WARP)
    }

    let rule: Rule
    /// Of what was learned along a user's row that has moved on since, nothing is taken back.
    private static let leastShare: Float = 1 / 16

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

    /// As many steps as a liking takes, down and of the user's row alone.
    func dislike(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        let item = lease.row(Int(example.item), of: context.model.items)
        let (strength, scratch) = (LikingWeight.saturated(abs(example.weight)), context.shard.scratch)
        let result =
            switch rule {
            case .bpr(let bpr): bpr.lower(item, weight: strength, user: context.user, scratch: scratch)
            case .warp(let warp):
                warp.lower(
                    item, weight: strength, candidates: Int(example.itemBound), user: context.user,
                    scratch: scratch)
            }
        context.count(result == .applied, example: example)
        if result == .applied { context.touchUser() }
    }

    /// Against items drawn as those were that it was learned against; which these were is not kept. `warp` learns from items
    /// that come near, and after what it learned none does.
    func unlearn(
        _ entry: HistoryEntry, userShare: Float, _ example: Example, _ context: borrowing LearningContext,
        lease: borrowing RowLease
    ) {
        guard case .bpr(let bpr) = rule, userShare >= Self.leastShare else { return }
        let (items, user) = (context.items, context.user)
        let positive = lease.row(Int(example.item), of: items)
        var random = example.random(seed: context.model.seed)
        context.withHardest(example, by: bpr, lease: lease, random: &random) { others in
            for other in others {
                let result = bpr.unlearn(
                    weight: userShare * context.weight, user: user, positive: positive,
                    negative: items.row(other),
                    scratch: context.scratch)
                finish(result, example, context, against: other)
            }
        }
    }

    private func learn(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, by bpr: BPR
    ) {
        let (items, user) = (context.items, context.user)
        let positive = lease.row(Int(example.item), of: items)
        var random = example.random(seed: context.model.seed)
        context.withHardest(example, by: bpr, lease: lease, random: &random) { others in
            assert(others.allSatisfy { lease.holds($0) })
            withUnsafeTemporaryAllocation(of: Bool.self, capacity: others.count) { applied in
                let count = bpr.update(
                    weight: context.weight, user: user, positive: positive, negatives: others, of: items,
                    scratch: context.scratch, applied: applied)
                finish(count, example, context, against: others, applied: applied)
            }
        }
    }

    private func learn(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, by warp: WARP
    ) {
        let items = context.items
        let positive = lease.row(Int(example.item), of: items)
        // No item comes within the margin of a score that is no number: there would be nothing for the guard to see.
        guard warp.score(user: context.user, item: positive).isFinite else {
            return context.count(false, example: example)
        }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: UnseenItems.atATime) { room in
            var others = UnseenItems(
                room: room, sampler: warp.options.negatives,
                random: example.random(seed: context.model.seed))
            for _ in 0..<warp.options.samples {
                guard
                    let found = violating(example, context, lease: lease, of: warp, among: &others)
                else { return }
                let result = warp.update(
                    weight: context.weight, draws: found.draws, candidates: Int(example.itemBound),
                    user: context.user, positive: positive, negative: found.item, of: items,
                    scratch: context.scratch)
                finish(result, example, context, against: found.item)
            }
        }
    }

    /// Draws until an item comes within the margin; `nil` where none does.
    private func violating(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease, of warp: WARP,
        among others: inout UnseenItems
    ) -> (item: Int, draws: Int)? {
        let (items, user) = (context.items, context.user)
        let wanted = warp.score(user: user, item: lease.row(Int(example.item), of: items))
        let drawsMax = max(1, warp.options.samplesMax)
        var draws = 0
        while draws < drawsMax {
            let next = others.next(drawsMax - draws, example, context, lease: lease)
            guard !next.isEmpty else { return nil }
            if let place = warp.firstViolation(of: wanted, user: user, among: next, in: items) {
                others.take(place + 1)
                return (next[place], draws + place + 1)
            }
            others.take(next.count)
            draws += next.count
        }
        return nil
    }

    private func finish(
        _ count: Int, _ example: Example, _ context: borrowing LearningContext,
        against others: UnsafeBufferPointer<Int>, applied: UnsafeMutableBufferPointer<Bool>
    ) {
        context.count(count)
        if count > 0 {
            context.touchUser()
            context.touch(Int(example.item))
        }
        for (place, other) in others.enumerated() {
            if applied[place] {
                context.touchDrawn(other)
            } else {
                context.count(false, example: example, against: context.items.row(other))
            }
        }
    }

    private func finish(
        _ result: UpdateResult, _ example: Example, _ context: borrowing LearningContext, against other: Int
    ) {
        context.count(result == .applied, example: example, against: context.items.row(other))
        guard result == .applied else { return }
        context.touchUser()
        context.touch(Int(example.item))
        context.touchDrawn(other)
    }
}
