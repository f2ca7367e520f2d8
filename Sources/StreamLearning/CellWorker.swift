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
    private let lentModels: [Unmanaged<ModelState>]
    /// One a model, in their order.
    let learners: [any StreamLearner]
    let stats: ItemColumn<ItemStats>
    let samples: SampleSlots
    let historyMax: Int
    /// Of what signals weigh together.
    let fading: WeightFading
    let seen: SeenRule
    /// Of the state: keys what all models draw alike.
    let seed: UInt64
    let measure: CommonMeasure
    let learns: Bool
    let observer: (any LearningObserver)?
    private let means = MeansBaseline()
    /// Blends first: they ask the others before these learn the event.
    private let order: [Int]
    /// Whether any model is by alternating least squares.
    private let solvesHistories: Bool

    init(
        examples: [Example], descriptions: [UserDescription] = [], models: [ModelState],
        learners: [any StreamLearner],
        stats: ItemColumn<ItemStats>, samples: SampleSlots, historyMax: Int, fading: WeightFading,
        options: StateOptions, measure: CommonMeasure, learns: Bool = true,
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
        for index in cell {
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
                case .retract: retract(example, shard: shard)
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
    private func forEachModel(_ body: (Int, ModelState) -> Void) {
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
        // Nearly nobody has any.
        if !shard.users[local].marks.isEmpty,
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
    private func rememberAndTell(_ example: Example, shard: UserShard, change: () -> Void) {
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

    /// b_i of the means baseline.
    private func offset(of item: Int, mean: Float) -> Double {
        let stats = stats[item]
        return means.itemOffset(ratingSum: stats.ratingSum, ratings: Int(stats.ratings), mean: Double(mean))
    }

    /// Puts what the event has made of the pair into the user's history and the counts.
    private func remember(
        _ example: Example, pair: HistoryEntry, previous: HistoryEntry?, shard: UserShard,
        lease: borrowing RowLease
    ) {
        let local = shard.local(example.user)
        noteTime(of: example, shard: shard)
        shard.users.markUnsaved(local)
        shard.users[local].history.set(pair)
        recount(previous, as: pair, of: local, mean: example.mean, shard: shard)
        countTaker(pair, previous: previous, at: example.ordinal, shard: shard)
        guard shard.users[local].history.count > historyMax else { return }
        // An item of another queue's lease cannot be uncounted here: it waits for the end of the rounds.
        if let oldest = shard.users[local].history.oldest(), lease.holds(Int(oldest.item)) {
            drop(oldest, of: local, mean: example.mean, shard: shard)
        }
        // Or more than one is too many, after the bound was lowered.
        if shard.users[local].history.count > historyMax { shard.report.overfull.append(local) }
    }

    /// Counts the user in the item's popularity (`ModelState.share`). Who takes an item a thousand times likes it for one;
    /// who likes it no more is taken off. A model that counts has counted each taking already.
    private func countTaker(
        _ pair: HistoryEntry, previous: HistoryEntry?, at ordinal: Int64, shard: UserShard
    ) {
        let item = Int(pair.item)
        forEachModel { number, model in
            let before = previous.map { Double(model.share(of: $0)) } ?? 0
            let now = Double(model.share(of: pair))
            if now == 0, before > 0 {
                take(1, ofOneIn: Int(model.positives[item]) + 1, item, number, model, shard: shard)
            } else if now > before, model.counter == nil {
                model.decay.add(now - before, at: ordinal, to: &model.counts[item])
                model.items.mark(.recounted, at: item)
            }
        }
    }

    private func noteTime(of example: Example, shard: UserShard) {
        var changed = stats[Int(example.item)]
        changed.lastEvent = max(changed.lastEvent ?? .min, example.time)
        changed.unsaved = true
        if !changed.unpublished { shard.report.changedStats.append(example.item) }
        changed.unpublished = true
        stats[Int(example.item)] = changed
    }

    private func retract(_ example: Example, shard: UserShard) {
        let local = shard.local(example.user)
        let entry = shard.users[local].history[example.item]
        if example.isTimed, let entry, entry.isTimed, example.time < entry.lastTime {
            shard.report.late += 1
            return
        }
        mark(.opinion, example, shard: shard)
        guard let entry else { return }
        rememberAndTell(example, shard: shard) {
            remove(entry, of: local, mean: example.mean, shard: shard)
        }
        for (number, trail) in shard.trails.enumerated() {
            trail?[local].forget(example.item)
            if trail != nil { shard.tables[number].markChanged(local) }
        }
        takeBack(entry, shard: shard)
        shard.report.retracted += 1
    }

    private func hide(_ example: Example, shard: UserShard) {
        let local = shard.local(example.user)
        let before = shard.users[local].marks.time(of: .hiding, example.item)
        if example.isTimed, let before, example.time < before {
            shard.report.late += 1
            return
        }
        mark(.hiding, example, shard: shard)
        if example.kind == .hide {
            shard.users[local].hidden.insert(example.item)
        } else {
            shard.users[local].hidden.remove(example.item)
        }
    }

    private func describe(_ example: Example, shard: UserShard) {
        let (local, description) = (shard.local(example.user), descriptions[Int(example.reference)])
        var list = shard.users[local].tags.list
        let outcome = list.describe(
            tags: description.tags, added: description.addedTags,
            time: example.isTimed ? example.time : nil)
        if outcome.isNews { shard.users[local].tags = UserTags(list) } else { shard.report.late += 1 }
        shard.report.droppedTags += outcome.dropped
    }

    /// Remembers when it was said, if the event has a time of its own; else what was remembered means nothing any more.
    private func mark(_ subject: TimedMarks.Subject, _ example: Example, shard: UserShard) {
        let local = shard.local(example.user)
        let before = shard.users[local].marks.time(of: subject, example.item)
        guard example.isTimed || before != nil else { return }
        let time = example.isTimed ? max(example.time, before ?? .min) : nil
        shard.users[local].marks.set(subject, example.item, to: time)
    }

    /// Drops the oldest entries past the bound. Between rounds only, when no lease is out.
    func trim(_ local: Int, mean: Float, shard: UserShard) {
        shard.change(local) {
            while shard.users[local].history.count > historyMax,
                let oldest = shard.users[local].history.oldest()
            {
                drop(oldest, of: local, mean: mean, shard: shard)
            }
        }
    }

    /// Takes back all that the user said; with `fading`, out of the decayed counts too. Between rounds only, when no
    /// lease is out.
    func removeAll(of local: Int, mean: Float, fading: Bool, shard: UserShard) {
        shard.change(local) {
            for entry in shard.users[local].history.entries {
                recount(entry, as: nil, of: local, mean: mean, shard: shard)
                if fading { takeBack(entry, shard: shard) }
            }
            shard.users[local].history = History()
        }
    }

    /// Takes what was retracted out of the decayed counts: the mean share of the users for whom the item was positive,
    /// because a history does not keep at which ordinal each of them came. The last one takes all.
    private func takeBack(_ entry: HistoryEntry, shard: UserShard) {
        for (number, model) in models.enumerated() where model.rule.weight(of: entry) > 0 {
            let item = Int(entry.item)
            take(1, ofOneIn: Int(max(0, model.positives[item])) + 1, item, number, model, shard: shard)
        }
    }

    /// Takes a part of the mean share of `users` out of an item's decayed counts.
    private func take(
        _ part: Double, ofOneIn users: Int, _ item: Int, _ number: Int, _ model: ModelState, shard: UserShard
    ) {
        let left = max(0, 1 - part / Double(max(1, users)))
        model.counts[item].popular *= left
        model.counts[item].trend *= left
        model.items.mark(.recounted, at: item)
        guard let blend = model.blend else { return }
        FadingRates.scale(&blend.counts[item], by: Float(left))
        shard.leaders[number]?.invalidate()
    }

    private func drop(_ entry: HistoryEntry, of local: Int, mean: Float, shard: UserShard) {
        remove(entry, of: local, mean: mean, shard: shard)
        shard.report.dropped += 1
    }

    private func remove(_ entry: HistoryEntry, of local: Int, mean: Float, shard: UserShard) {
        recount(entry, as: nil, of: local, mean: mean, shard: shard)
        shard.users[local].history.remove(entry.item)
        shard.users.markUnsaved(local)
    }

    /// Brings the counts of the item, the user and the models to what the history says of the pair now.
    private func recount(
        _ previous: HistoryEntry?, as pair: HistoryEntry?, of local: Int, mean: Float, shard: UserShard
    ) {
        guard let row = (pair ?? previous)?.item else { return }
        let item = Int(row)
        let ratings = (
            before: previous.flatMap { $0.kind == .rating ? $0 : nil },
            now: pair.flatMap { $0.kind == .rating ? $0 : nil }
        )
        // A signal leaves the rating as it is.
        if ratings.before?.value != ratings.now?.value || ratings.before?.time != ratings.now?.time {
            if let rating = ratings.before { count(rating, sign: -1, of: local, mean: mean, shard: shard) }
            if let rating = ratings.now { count(rating, sign: 1, of: local, mean: mean, shard: shard) }
        }
        var changed = stats[item]
        changed.users += (pair == nil ? 0 : 1) - (previous == nil ? 0 : 1)
        changed.unsaved = true
        if !changed.unpublished { shard.report.changedStats.append(row) }
        changed.unpublished = true
        stats[item] = changed
        forEachModel { modelIndex, model in
            let before = previous.map { model.rule.weight(of: $0) } ?? 0
            let now = pair.map { model.rule.weight(of: $0) } ?? 0
            if before == 0, now == 0 { return }
            if model.alternating != nil {
                shard.report.takings[modelIndex].append(
                    Taking(user: shard.row(local), item: row, weight: now))
            }
            if before <= 0, now <= 0 { return }
            model.positives[item] += (now > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
            if model.items.markChanged(item) { shard.report.changedItems[modelIndex].append(row) }
        }
    }

    /// Adds a rating to the counts of its item and user, or takes it off.
    private func count(_ rating: HistoryEntry, sign: Int32, of local: Int, mean: Float, shard: UserShard) {
        let item = Int(rating.item)
        let residual = Double(rating.value - mean) - offset(of: item, mean: mean)
        shard.users[local].ratings += Int(sign)
        shard.users[local].residualSum += Double(sign) * residual
        // μ and b_i have moved since the rating came, so what is taken off is not quite what was added.
        if shard.users[local].ratings == 0 { shard.users[local].residualSum = 0 }
        stats[item].add(rating: rating.value, sign: sign)
    }
}
