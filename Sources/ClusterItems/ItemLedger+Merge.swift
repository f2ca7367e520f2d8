internal import Blending
internal import ContentVectors
internal import Counting
internal import Events
internal import Factors
internal import FeatureMaps
internal import Identities
internal import Learners
internal import Locking
internal import State

/// What came of changes that others have made.
package struct MergeOutcome: Sendable {
    /// Item rows to publish, per model, and rows whose counts are.
    package var changedItems: [[Int32]]
    package var changedStats: [Int32] = []
    /// Item rows that have moved by little, per model: to publish when there is time.
    package var drawnItems: [[Int32]]
    /// Changes of items that nobody has named, and rows that would no longer be finite or within their bound.
    package var unknown = 0
    package var rejected = 0

    init(models: Int) {
        changedItems = Array(repeating: [], count: models)
        drawnItems = changedItems
    }
}

extension ItemLedger {
    /// Adds what another machine has learned, or this one before it was started anew.
    ///
    /// - Returns: `nil` for changes of a machine whose models are others.
    package func merge(_ changes: ItemChanges) -> MergeOutcome? {
        guard changes.shape == shape else { return nil }
        var outcome = MergeOutcome(models: state.models.count)
        intern(changes)
        let before = state.counters.clock
        state.counters.peers = state.counters.peers.addingClamped(changes.events)
        state.ratings.merge(changes.ratings)
        ratings.merge(changes.ratings)
        var described: [Int32] = []
        for item in changes.items {
            guard let row = rows[item.hash].map(Int.init) else {
                outcome.unknown += 1
                continue
            }
            merge(item.stats, row, &outcome)
            if let description = item.description {
                merge(description, row)
                described.append(Int32(row))
            }
            for part in item.parts where Int(part.model) < models.count { merge(part, row, &outcome) }
        }
        merge(changes.models, &outcome)
        moveWithPriors(described, since: before, &outcome)
        return outcome
    }

    /// Items that this state does not know get their rows.
    private func intern(_ changes: ItemChanges) {
        // First those that have come here: nobody has been told of them.
        grow()
        var isGrown = false
        for item in changes.items where rows[item.hash] == nil {
            guard let name = item.name, let id = try? EntityID(name) else { continue }
            _ = state.items.intern(id)
            isGrown = true
        }
        guard isGrown else { return }
        let count = state.items.read { $0.rowCount }
        state.catalogue.withLock { $0.grow(to: count) }
        state.growItems(to: count)
        let before = isNamed.count
        grow()
        for row in before..<count { isNamed[row] = true }
    }

    private func merge(_ change: StatsChange?, _ row: Int, _ outcome: inout MergeOutcome) {
        guard let change else { return }
        var now = state.stats[row]
        now.add(change)
        if !now.unpublished { outcome.changedStats.append(Int32(row)) }
        (now.unsaved, now.unpublished) = (true, true)
        state.stats[row] = now
        stats[row].add(change)
        if let time = change.lastEvent { state.newestTime = max(time, state.newestTime ?? time) }
    }

    private func merge(_ description: DescriptionChange, _ row: Int) {
        state.catalogue.withLock {
            // Each by its own time; what is not there is not said.
            $0.describe(row, title: description.title, tags: nil, available: nil, time: description.titleAt)
            $0.describe(row, title: nil, tags: description.tags, available: nil, time: description.tagsAt)
            $0.describe(
                row, title: nil, tags: nil, available: description.available, time: description.availableAt)
        }
        entries[row] = state.catalogue.read { $0.entries[row] }
        state.stats[row].unsaved = true
        guard state.content != nil, description.tags != nil else { return }
        state.content?.describe(
            row, tags: entries[row].tags,
            random: KeyedRandom(seed: state.options.seed, stream: hashes[row], index: 0))
    }

    private func merge(_ part: ItemPart, _ row: Int, _ outcome: inout MergeOutcome) {
        let (number, clock) = (Int(part.model), state.counters.clock)
        let model = state.models[number]
        model.positives[row] = model.positives[row].addingClamped(part.positives)
        if let gain = part.counts {
            let at = model.decay.isTimed ? gain.age : clock - gain.age
            model.decay.add((gain.popular, gain.trend), at: at, to: &model.counts[row])
            model.items.mark(.recounted, at: row)
        }
        if let gain = part.fading, let blend = model.blend {
            blend.rule.rates.add(
                gain.gains, ordinal: clock - gain.age, time: gain.time, to: &blend.counts[row])
            for shard in state.shards { shard.leaders[number]?.invalidate() }
        }
        models[number].merge(part, row, of: model, clock: clock)
        if let change = part.row, model.options.learnsRows {
            let isFine = change.codes.count == model.items.factors && apply(change, row, number)
            if !isFine { outcome.rejected += 1 }
        }
        if model.items.markMerged(row) { outcome.changedItems[number].append(Int32(row)) }
    }

    /// Moves the row and what it is compared with; false, and nothing is moved, where it would leave its bound.
    private func apply(_ change: RowChange, _ row: Int, _ number: Int) -> Bool {
        let (now, known) = (state.models[number].items.row(row), models[number].table.row(row))
        let squares = now.indices.reduce(Float(0)) { sum, lane in
            let moved = now[lane] + change.lane(lane)
            return sum + (moved * moved).sum()
        }
        let (norm, bias) = (squares.squareRoot(), abs(now.bias + change.bias))
        // Not so for NaN either.
        guard norm <= state.options.normMax, bias <= state.options.normMax else { return false }
        for target in [now, known] {
            for lane in target.indices { target[lane] = target[lane] + change.lane(lane) }
            target.bias += change.bias
            target.step += change.step
        }
        return true
    }

    private func merge(_ changes: [ModelChange], _ outcome: inout MergeOutcome) {
        for change in changes where Int(change.model) < models.count {
            let number = Int(change.model)
            let model = state.models[number]
            if let blend = model.blend {
                for numbers in change.steps {
                    guard let step = BlendStep(numbers, shape: blend.rule.shape) else {
                        outcome.rejected += 1
                        continue
                    }
                    blend.merge(step)
                }
            }
            guard let counter = model.counter else { continue }
            for gain in change.retakes {
                let isCell = counter.retakes.add(gain) && models[number].retakes.add(gain)
                if !isCell { outcome.rejected += 1 }
            }
            guard counter.rule.options.kind == .next else { continue }
            mergeFollowings(of: change, by: counter, number, &outcome)
            mergeTransitions(of: change, by: counter, number, &outcome)
        }
    }

    private func mergeFollowings(
        of change: ModelChange, by counter: CounterState, _ number: Int, _ outcome: inout MergeOutcome
    ) {
        let items = state.models[number].items
        // Each item is looked up once, however often it came.
        let places = change.items.map { rows[$0] ?? -1 }
        for told in change.followings {
            let item = places[Int(told.item)]
            guard item >= 0 else {
                outcome.unknown += 1
                continue
            }
            var gain = told.gain
            for entry in gain.entries.indices {
                gain.entries[entry].item = places[Int(gain.entries[entry].item)]
            }
            outcome.unknown += gain.removeUnknown()
            counter.take(gain, of: item)
            if items.markMerged(Int(item)) { outcome.changedItems[number].append(item) }
        }
    }

    /// Of a version before. Item by item: what follows an item lies in one place, which is fetched from memory once then, rather than for each
    /// transition. Those from one item are counted in the order in which they came, and a sketch knows no other.
    private func mergeTransitions(
        of change: ModelChange, by counter: CounterState, _ number: Int, _ outcome: inout MergeOutcome
    ) {
        let items = state.models[number].items
        // Each item is looked up once, however often it came.
        let places = change.items.map { rows[$0] ?? -1 }
        var last: Int32 = -1
        for next in change.transitionsByOrigin() {
            let transition = change.transitions[Int(next)]
            let (from, to) = (places[Int(transition.from)], places[Int(transition.to)])
            guard from >= 0, to >= 0 else {
                outcome.unknown += 1
                continue
            }
            counter.take(
                Transition(
                    from: from, to: to, weight: transition.weight, isNear: transition.isNear,
                    time: transition.time))
            if from != last, items.markMerged(Int(from)) { outcome.changedItems[number].append(from) }
            last = from
        }
    }

    /// What each machine does by itself, and tells nobody. What others have learned may pass over where a solution is begun, or
    /// where rows move: that is made up for here, and waits for the solution only where it is passed over too.
    private func moveWithPriors(_ described: [Int32], since before: Int64, _ outcome: inout MergeOutcome) {
        state.content?.advance(to: state.counters.clock)
        if !described.isEmpty { outcome.changedItems.add(state.placeDescribed(described)) }
        outcome.drawnItems.add(state.advancePriors(from: before, to: state.counters.clock))
    }
}

extension ModelChange {
    /// Places of the transitions, those from one item behind one another, by counting.
    fileprivate func transitionsByOrigin() -> [Int32] {
        var starts = [Int32](repeating: 0, count: items.count + 1)
        for transition in transitions { starts[Int(transition.from) + 1] += 1 }
        for item in items.indices { starts[item + 1] += starts[item] }
        var order = [Int32](repeating: 0, count: transitions.count)
        for (place, transition) in transitions.enumerated() {
            let origin = Int(transition.from)
            order[Int(starts[origin])] = Int32(place)
            starts[origin] += 1
        }
        return order
    }
}

extension SuccessorGain {
    /// Leaves out items without a row, which count in the sums alone; returns how many.
    fileprivate mutating func removeUnknown() -> Int {
        let before = entries.count
        entries.removeAll { $0.item < 0 }
        return before - entries.count
    }
}

extension RowChange {
    /// What eight factors move by.
    fileprivate func lane(_ lane: Int) -> SIMD8<Float> {
        codes.withUnsafeBufferPointer { codes in
            var numbers = SIMD8<Float>.zero
            for place in 0..<8 { numbers[place] = Float(codes[lane * 8 + place]) }
            return numbers * scale
        }
    }
}

extension ItemStats {
    fileprivate mutating func add(_ change: StatsChange) {
        users = users.addingClamped(change.users)
        ratings = ratings.addingClamped(change.ratings)
        ratingSum += change.ratingSum
        if let time = change.lastEvent { lastEvent = max(time, lastEvent ?? time) }
    }
}

extension [[Int32]] {
    fileprivate mutating func add(_ rows: [[Int32]]) {
        for (number, rows) in rows.enumerated() { self[number] += rows }
    }
}
