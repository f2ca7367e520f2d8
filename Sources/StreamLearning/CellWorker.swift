internal import Blending
internal import Counting
internal import Events
internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import Quarantine
internal import State

/// Learns the examples of one cell: the queue of `shard` owns the users, `lease` lends the items.
struct CellWorker {
    let examples: [Example]
    /// What examples say of users.
    let descriptions: [UserDescription]
    let models: [ModelState]
    /// The same, to go through at each event without counting references: `models` holds them.
    let lentModels: [Unmanaged<ModelState>]
    /// One a model, in their order.
    let learners: [any StreamLearner]
    let stats: ItemColumn<ItemStats>
    let samples: SampleSlots
    let historyMax: Int
    /// Of what signals weigh together.
    let fading: WeightFading
    let retraction: LearningOptions.Retraction
    let seen: SeenRule
    /// Of the state: keys what all models draw alike.
    let seed: UInt64
    let measure: CommonMeasure
    let learns: Bool
    let observer: (any LearningObserver)?
    let means = MeansBaseline()
    /// Blends first: they ask the others before these learn the event.
    private let order: [Int]
    /// Whether any model is by alternating least squares.
    let solvesHistories: Bool

    init(
        examples: [Example], descriptions: [UserDescription] = [], models: [ModelState],
        learners: [any StreamLearner],
        stats: ItemColumn<ItemStats>, samples: SampleSlots, historyMax: Int, fading: WeightFading,
        retraction: LearningOptions.Retraction = .forget, options: StateOptions, measure: CommonMeasure,
        learns: Bool = true,
        observer: (any LearningObserver)? = nil
    ) {
        (self.examples, self.descriptions) = (examples, descriptions)
        self.models = models
        lentModels = models.map { Unmanaged.passUnretained($0) }
        self.learners = learners
        self.stats = stats
        self.samples = samples
        self.historyMax = historyMax
        self.fading = fading
        self.retraction = retraction
        (seen, seed) = (options.seen, options.seed)
        self.measure = measure
        self.learns = learns
        solvesHistories = learns && models.contains { $0.alternating != nil }
        self.observer = observer
        order =
            models.indices.filter { models[$0].blend != nil }
            + models.indices.filter { models[$0].blend == nil }
    }

    /// Learns the examples of a cell in their order.
    func learn(_ cell: ArraySlice<Int32>, shard: UserShard, lease: borrowing RowLease) {
        let desks = LearnerDesks(models: models, learners: learners, shard: shard, seen: seen)
        var step = cell.first.map { ModelHealth.step(of: examples[Int($0)].ordinal) } ?? 0
        defer { shard.report.endStep(step) }
        let ahead = LookAhead(models: models, stats: stats, shard: shard)
        for place in cell.indices {
            ahead.ask(from: place, in: cell, of: examples, lease: lease)
            let index = cell[place]
            let example = examples[Int(index)]
            let own = ModelHealth.step(of: example.ordinal)
            if own != step {
                shard.report.endStep(step)
                step = own
            }
            let local = shard.local(example.user)
            shard.change(local) {
                shard.users[local].lastEvent = example.ordinal
                shard.users.markUnsaved(local)
                switch example.kind {
                case .retract: retract(example, at: desks, shard: shard, lease: lease)
                case .hide, .unhide: hide(example, shard: shard)
                case .describe: describe(example, shard: shard)
                case .rating, .signal:
                    learn(example, slot: Int(index), at: desks, shard: shard, lease: lease)
                }
            }
        }
    }

    private func learn(
        _ example: Example, slot: Int, at desks: borrowing LearnerDesks, shard: UserShard,
        lease: borrowing RowLease
    ) {
        let local = shard.local(example.user)
        let kind: HistoryEntry.Kind = example.kind == .rating ? .rating : .signal
        // Until `remember` changes it.
        let history = shard.users[local].history.lent
        let previous = history[example.item]
        switch standing(of: example, kind: kind, previous: previous, shard: shard) {
        case .news: break
        case .duplicate:
            shard.report.duplicates += 1
            return
        case .late:
            shard.report.late += 1
            noteTime(of: example, shard: shard)
            return
        }
        let event = HistoryEntry(
            item: example.item, value: example.value, time: example.time,
            order: shard.users[local].takeOrder(at: example.place), kind: kind, isTimed: example.isTimed)
        let pair = previous?.joined(by: event, fading) ?? event
        let itemOffset = offset(of: Int(example.item), mean: example.mean)
        let userOffset = means.userOffset(
            residualSum: shard.users[local].residualSum, ratings: shard.users[local].ratings)
        let meansPrediction = Float(Double(example.mean) + itemOffset + userOffset)
        let isLearned =
            observer?.meets(
                example, pair: pair, meansPrediction: meansPrediction, worker: self, shard: shard,
                lease: lease)
            ?? true
        guard isLearned else { return }
        let sampled = sampled(
            example, kind: kind, pair: pair, at: desks, local: local, history: history, lease: lease)
        for number in order {
            let isOwn = desks[number].context.model.rule.learns(
                from: kind, value: example.value, of: pair)
            let isDisliked =
                !isOwn
                && isDislike(
                    example, kind: kind, previous: previous, pair: pair, desks[number].context.model)
            guard
                isOwn || isDisliked
                    || !sampled.isEmpty && desks[number].context.model.rule.predictsRatings
            else {
                continue
            }
            desks[number].context.stand(
                at: local, history: history, meansPrediction: meansPrediction, sampled: sampled,
                weight: desks[number].context.model.rule.weight(of: pair))
            if isDisliked {
                if learns || desks[number].learner.countsHistory {
                    desks[number].learner.dislike(example, desks[number].context, lease: lease)
                }
                continue
            }
            if learns {
                samples[number, slot] =
                    isOwn
                    ? desks[number].take(example, by: measure, lease: lease)
                    : desks[number].judge(example, by: measure, lease: lease)
            } else if isOwn, desks[number].learner.countsHistory {
                desks[number].learner.learn(example, desks[number].context, lease: lease)
            }
            if isOwn { desks[number].context.touch(Int(example.item)) }
        }
        rememberAndTell(example, shard: shard) {
            remember(example, pair: pair, previous: previous, shard: shard, lease: lease)
        }
    }

    /// Items among which every model is asked where the event's own stands; none where no model that ranks learns from it.
    @inline(__always)
    private func sampled(
        _ example: Example, kind: HistoryEntry.Kind, pair: HistoryEntry, at desks: borrowing LearnerDesks,
        local: Int, history: LentHistory, lease: borrowing RowLease
    ) -> [Int] {
        guard learns, SampledRecall.mayBeScored(example, seed: seed) else { return [] }
        for number in 0..<desks.count
        where !desks[number].context.model.rule.predictsRatings
            && desks[number].context.model.rule.learns(
                from: kind, value: example.value, of: pair)
        {
            desks[number].context.stand(at: local, history: history)
            return SampledRecall.draw(example, seed: seed, desks[number].context, lease: lease)
        }
        return []
    }

    /// Calls `body` with each model and its number.
    @inline(__always)
    func forEachModel(_ body: (Int, ModelState) -> Void) {
        for number in 0..<lentModels.count {
            lentModels[number]._withUnsafeGuaranteedRef { body(number, $0) }
        }
    }

    /// Whether the event tells the model that the user dislikes the item: a signal of negative weight, or a rating that takes
    /// back what was liked. A low rating of what is new to the user is not learned from.
    private func isDislike(
        _ example: Example, kind: HistoryEntry.Kind, previous: HistoryEntry?, pair: HistoryEntry,
        _ model: ModelState
    ) -> Bool {
        if kind == .signal { return example.value < 0 && !model.rule.predictsRatings }
        guard let previous else { return false }
        return model.rule.weight(of: previous) > 0 && model.rule.weight(of: pair) <= 0
    }

    private enum Standing { case news, duplicate, late }

    /// Where the event stands against what is known already, by times of the producers' own. Beyond the window of recent
    /// events this is what a second delivery meets.
    private func standing(
        of example: Example, kind: HistoryEntry.Kind, previous: HistoryEntry?, shard: UserShard
    ) -> Standing {
        guard example.isTimed else { return .news }
        let local = shard.local(example.user)
        // Nearly nobody has any marks.
        if shard.users[local].hasExtras,
            let retracted = shard.users[local].marks.time(of: .opinion, example.item),
            example.time < retracted
        {
            return .late
        }
        guard let previous, previous.isTimed, previous.kind == kind else { return .news }
        // A signal that comes late adds to those that came before it.
        if kind == .rating, example.time < previous.time { return .late }
        let isSame = example.time == previous.time && example.value == previous.value
        return isSame ? .duplicate : .news
    }

    /// Tells the models that solve whole histories when `change` has changed what the user took.
    func rememberAndTell(_ example: Example, shard: UserShard, change: () -> Void) {
        guard solvesHistories else { return change() }
        let before = shard.report.takings.map(\.count)
        change()
        for (modelIndex, model) in models.enumerated()
        where shard.report.takings[modelIndex].count > before[modelIndex] {
            let local = shard.local(example.user)
            var context = LearningContext(modelIndex: modelIndex, model: model, shard: shard, seen: seen)
            context.stand(at: local, history: shard.users[local].history.lent)
            learners[modelIndex].historyChanged(example, context)
        }
    }
}
