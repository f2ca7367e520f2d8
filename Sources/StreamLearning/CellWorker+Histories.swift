internal import Blending
internal import Counting
internal import Events
internal import Factors
internal import Histories
internal import Learners
internal import State

/// What events make of histories and of the counts of items.
extension CellWorker {
    /// b_i of the means baseline.
    func offset(of item: Int, mean: Float) -> Double {
        let stats = stats[item]
        return means.itemOffset(ratingSum: stats.ratingSum, ratings: Int(stats.ratings), mean: Double(mean))
    }

    /// Puts what the event has made of the pair into the user's history and the counts.
    func remember(
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

    func noteTime(of example: Example, shard: UserShard) {
        var changed = stats[Int(example.item)]
        changed.lastEvent = max(changed.lastEvent ?? .min, example.time)
        changed.unsaved = true
        if !changed.unpublished { shard.report.changedStats.append(example.item) }
        changed.unpublished = true
        stats[Int(example.item)] = changed
    }

    func retract(
        _ example: Example, at desks: borrowing LearnerDesks, shard: UserShard, lease: borrowing RowLease
    ) {
        let local = shard.local(example.user)
        let entry = shard.users[local].history[example.item]
        if example.isTimed, let entry, entry.isTimed, example.time < entry.lastTime {
            shard.report.late += 1
            return
        }
        mark(.opinion, example, shard: shard)
        guard let entry else { return }
        if retraction == .correct, learns { unlearn(entry, example, at: desks, shard: shard, lease: lease) }
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

    private func unlearn(
        _ entry: HistoryEntry, _ example: Example, at desks: borrowing LearnerDesks, shard: UserShard,
        lease: borrowing RowLease
    ) {
        let local = shard.local(example.user)
        // With each event of the user half of it.
        let later = Int(shard.users[local].nextOrder) - 1 - Int(entry.order)
        let share: Float = (0..<24).contains(later) ? 1 / Float(1 << later) : 0
        for number in 0..<desks.count {
            let weight = desks[number].context.model.rule.weight(of: entry)
            guard weight > 0 else { continue }
            desks[number].context.stand(at: local, history: shard.users[local].history.lent, weight: weight)
            desks[number].learner.unlearn(
                entry, userShare: share, example, desks[number].context, lease: lease)
        }
    }

    func hide(_ example: Example, shard: UserShard) {
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

    func describe(_ example: Example, shard: UserShard) {
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
    func take(
        _ part: Double, ofOneIn users: Int, _ item: Int, _ number: Int, _ model: ModelState, shard: UserShard
    ) {
        let left = max(0, 1 - part / Double(max(1, users)))
        model.counts[item].popular *= left
        model.counts[item].trend *= left
        model.items.mark(.recounted, at: item)
        guard let blend = model.blend else { return }
        FadingRates.scale(&blend.counts[item], by: Float(left))
        shard.leaders[number]?.lower(Int32(item), blend.counts[item], blend.rule.rates)
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
