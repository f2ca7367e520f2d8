internal import Counting
internal import Factors
internal import Learners
internal import LiveScores
internal import State

/// Counts what is taken: over all users, again by the same user, and after what.
///
/// A user's trail is written on the queue of its shard, an item's successors by the holder of the item's lease; transitions
/// from an item of another lease wait for the end of the rounds. So no two queues touch one row.
struct CounterLearner: StreamLearner {
    /// One event in so many counts what else the user might have taken again.
    private static let exposedEvery: UInt64 = 8
    /// Items that are looked at then, about.
    private static let exposedMax = 24

    let rule: CounterRule
    var countsHistory: Bool { true }

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        let (model, shard, local, number) = (
            context.model, context.shard, context.local, context.modelIndex
        )
        guard SampledRecall.isScored(example, context) else { return .none }
        // Nothing that was taken is among what is compared where it is not shown again.
        let isPlain = rule.options.kind == .repeat && context.seen == .exclude
        let scores =
            isPlain
            ? CounterScores(model: model, rule: rule, ordinal: example.instant(of: model))
            : context.memo.scores(of: number, at: example) {
                self.scores(
                    example, model: model, shard: shard, local: local, number: number, lease: lease)
            }
        let (personal, item) = (scores.personal, Int(example.item))
        let (wanted, count) = (scores(item), context.popularity(of: item, example))
        let passesPlain = personal[example.item] != nil && wanted >= CounterRule.filling(.infinity)
        return SampledRecall.sampleItems(example, context, lease: lease) { row in
            if let own = personal[Int32(row)] { return scores.base(row) + own }
            // Below for sure, and by how much does not matter: most items, and nothing to work out.
            if row != item, passesPlain || !context.mayReach(count, row, example) { return -.infinity }
            return scores.base(row)
        }
    }

    /// Where nothing that was taken is ever shown again, nobody has to know when it will be taken again: half a hundred
    /// bytes a pair, and time.
    private func countsUsers(_ seen: SeenRule) -> Bool { rule.options.kind != .repeat || seen != .exclude }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        let (model, item) = (context.model, Int(example.item))
        let ordinal = example.instant(of: model)
        model.decay.add(Double(example.weight), at: ordinal, to: &model.counts[item])
        model.items.mark(.recounted, at: item)
        context.touch(item)
        context.count(1)
        guard let trails = context.shard.trails[context.modelIndex], countsUsers(context.seen) else { return }
        switch rule.options.kind {
        case .popular, .trending: break
        case .repeat: takeAgain(example, context, trails)
        case .next: follow(example, context, trails, lease: lease)
        }
        trails[context.local].events += 1
        context.touchUser()
    }

    /// What is not liked any more is not waited for again, and nothing follows from it.
    func dislike(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        guard context.weight <= 0, let trails = context.shard.trails[context.modelIndex] else { return }
        trails[context.local].forget(example.item)
        context.touchUser()
    }

    private func takeAgain(
        _ example: Example, _ context: borrowing LearningContext, _ trails: RowColumn<UserTrail>
    ) {
        let (local, number) = (context.local, context.modelIndex)
        let time = example.isTimed ? example.time : nil
        var counted = context.shard.report.retakes[number] ?? RetakeTable()
        // Taken out for as long as it is written, so that it is not copied.
        context.shard.report.retakes[number] = nil
        if let own = trails[local].own(example.item) { counted.take(trails[local].cell(of: own, at: time)) }
        let itemWait = itemWait(example, context, trails[local].wait(for: example.item, at: time))
        var random = example.random(seed: context.model.seed)
        if random.next() % Self.exposedEvery == 0 {
            let count = trails[local].own.count
            // Of many, each so many-th stands for the others too.
            let stride = max(1, count / Self.exposedMax)
            var place = Int(random.next() % UInt64(stride))
            var cells: [RetakeTable.Cell] = []
            while place < count {
                cells.append(trails[local].cell(of: trails[local].own[place], at: time))
                place += stride
            }
            counted.expose(
                cells, standingFor: Double(stride), times: Double(Self.exposedEvery),
                beside: context.model.counter?.retakes)
        }
        context.shard.report.retakes[number] = counted
        trails[local].take(
            example.item, at: time, ordinal: example.ordinal, halfLife: rule.options.halfLife,
            itemWait: itemWait)
    }

    /// After how long everybody takes the item again, this wait included; `nil` where nobody has. It stands in the item's row,
    /// which has nothing else: the mean as its bias, and of how many waits as its step.
    private func itemWait(
        _ example: Example, _ context: borrowing LearningContext, _ wait: Float?
    ) -> Float? {
        let row = context.model.items.row(Int(example.item))
        if let wait {
            var (mean, count) = (row.bias, row.step)
            UsualWait.take(wait, mean: &mean, count: &count)
            (row.bias, row.step) = (mean, count)
        }
        return row.step > 0 ? row.bias : nil
    }

    private func follow(
        _ example: Example, _ context: borrowing LearningContext, _ trails: RowColumn<UserTrail>,
        lease: borrowing RowLease
    ) {
        guard let counter = context.model.counter else { return }
        let (recent, number) = (trails[context.local].recent, context.modelIndex)
        var (share, isNear) = (example.weight, true)
        for place in recent.indices.reversed() {
            defer { (share, isNear) = (share * rule.options.trailDecay, false) }
            let previous = recent[place]
            if previous == example.item { continue }
            let transition = Transition(
                from: previous, to: example.item, weight: share, isNear: isNear, time: example.time)
            if counter.unshared != nil { context.shard.report.shared[number].append(transition) }
            if lease.holds(Int(previous)) {
                counter.take(transition)
                context.touch(Int(previous))
            } else {
                context.shard.report.transitions[number].append(transition)
            }
        }
        trails[context.local].follow(example.item, limit: rule.options.trail)
    }

    /// What the model gives to each item. Successors of items of other leases are not read: another queue may be writing.
    func scores(
        _ example: Example, model: ModelState, shard: UserShard, local: Int, number: Int,
        lease: borrowing RowLease
    ) -> CounterScores {
        let ordinal = example.instant(of: model)
        var scores = CounterScores(model: model, rule: rule, ordinal: ordinal)
        guard let counter = model.counter, let trail = shard.trails[number]?[local] else { return scores }
        var held: [Int32: SuccessorSketch] = [:]
        if rule.options.kind == .next {
            for item in trail.recent where lease.holds(Int(item)) {
                held[item] = counter.successors[Int(item)]
            }
        }
        scores.succeeding = rule.succeeding(trail) { held[$0] }
        let counted = shard.report.retakes[number]
        scores.personal = rule.personal(
            trail, at: example.isTimed ? example.time : nil,
            retakes: { counter.retakes.strength($0, with: counted) }, successors: { held[$0] })
        return scores
    }
}

/// What a counting model gives to items at one event.
struct CounterScores {
    let model: ModelState
    let rule: CounterRule
    /// Or time, as the model fades.
    let ordinal: Int64
    var personal: RowScores = [:]
    /// What the last item alone says, of `next`.
    var succeeding: RowScores = [:]

    func callAsFunction(_ item: Int) -> Float { base(item) + (personal[Int32(item)] ?? 0) }

    /// What everybody gets.
    func base(_ item: Int) -> Float { rule.base(model.decay.popular(model.counts[item], at: ordinal)) }
}
