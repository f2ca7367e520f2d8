internal import Blending
internal import Counting
internal import Events
internal import Factors
internal import Identities
internal import Learners
internal import Locking
package import State

/// What of a state's items the others have been told, and have told: of each number the state holds, how it would stand
/// without what was learned here since. The difference is what the others do not know yet.
///
/// Confined to whoever owns the state between rounds, and used only then: no queue learns meanwhile. Takes as much
/// memory once more as the items' tables do.
package final class ItemLedger {
    let state: LearnedState
    package var options: ExchangeOptions
    let origin: UInt64
    private let life: UInt64
    let shape: UInt64
    /// Of the last changes made.
    package private(set) var sequence: Int64
    var models: [ModelLedger]
    var stats: [ItemStats] = []
    var entries: [Catalogue.Entry] = []
    var ratings = RatingMoments()
    private var applied: Int64 = 0
    /// By row, and back.
    package private(set) var hashes: [UInt64] = []
    package private(set) var rows: [UInt64: Int32] = [:]
    /// By row: whether the others know whom the hash stands for.
    var isNamed: [Bool] = []
    /// Rows that came since the last changes: the others may have to be told whom the hash stands for.
    private var unnamed: [Int32] = []
    /// Whether the next changes have to be sought in all rows, rather than in those that no checkpoint has yet: of a state all of
    /// which is news, and where a checkpoint was begun without telling what it has.
    package var looksAtAll = false
    /// Rows of factors that the last change had no room for.
    package private(set) var held = 0

    /// - Parameters:
    ///   - origin: names this machine's state.
    ///   - life: names the process.
    ///   - sequence: of the last changes that the state's file knows of; `nil` of a state that never was one of several,
    ///     all of which is news then.
    package init(
        _ state: LearnedState, origin: UInt64, life: UInt64, sequence: Int64?,
        options: ExchangeOptions = .init()
    ) {
        (self.state, self.options, self.origin, self.life) = (state, options, origin, life)
        self.sequence = sequence ?? 0
        shape = Self.shape(of: state.options)
        models = state.models.map { ModelLedger($0) }
        for model in state.models where model.counter?.rule.options.kind == .next {
            model.counter?.unshared = []
        }
        for model in state.models { model.blend?.unshared = [] }
        grow()
        if sequence != nil { takeAllAsKnown() } else { looksAtAll = true }
        state.priorMoved = { [weak self] model, item, before, bias in
            guard let self else { return }
            grow()
            // Its own, not that of `init`, which would keep itself.
            models[model].follow(self.state.models[model].items.row(item), item, movedFrom: before, bias)
        }
    }

    /// Equal on machines whose changes mean the same to each other.
    private static func shape(of options: StateOptions) -> UInt64 {
        var text = "\(options.factors) \(options.seed) \(options.popularityHalfLifeEvents)"
        text += " \(options.trendingHalfLifeEvents)"
        for model in options.models { text += "|\(model.name)=\(model.learner) \(model.parts)" }
        return ItemHash.of(text.utf8)
    }

    /// Bytes held.
    package var bytes: Int {
        models.reduce(hashes.capacity * 25 + stats.capacity * MemoryLayout<ItemStats>.stride) {
            $0 + $1.bytes
        }
            + entries.capacity * MemoryLayout<Catalogue.Entry>.stride
    }

    /// Takes rows in that the state has gained; nothing is known of them but what all draw alike.
    package func grow() {
        let (before, count) = (hashes.count, state.stats.count)
        guard count > before else { return }
        let ids = state.items.read { ids in
            (before..<count).map { Array((ids.id(of: Int32($0))?.string ?? "").utf8) }
        }
        for (place, id) in ids.enumerated() {
            let hash = ItemHash.of(id)
            hashes.append(hash)
            rows[hash] = Int32(before + place)
        }
        let more = count - before
        stats += Array(repeating: ItemStats(), count: more)
        entries += Array(repeating: Catalogue.Entry(), count: more)
        isNamed += Array(repeating: false, count: more)
        unnamed += (before..<count).map { Int32($0) }
        for (number, model) in state.models.enumerated() {
            models[number].grow(to: count, of: model) { ids[$0 - before] }
        }
    }

    private func takeAllAsKnown() {
        for row in 0..<state.stats.count {
            stats[row] = state.stats[row]
            isNamed[row] = true
        }
        entries = state.catalogue.read { $0.entries }
        (ratings, applied) = (state.ratings, state.counters.news)
        for number in models.indices { models[number].takeAllAsKnown(of: state.models[number]) }
    }

    // MARK: - Changes

    /// What was learned here since the last call; it counts as told from now on. Whoever gets it has to see to it that the
    /// others do.
    package func takeChanges() -> ItemChanges {
        grow()
        sequence += 1
        var changes = ItemChanges()
        (changes.origin, changes.life, changes.shape, changes.sequence) = (origin, life, shape, sequence)
        changes.events = state.counters.news - applied
        applied = state.counters.news
        changes.ratings = state.ratings.since(ratings)
        ratings = state.ratings
        var places = [Int32](repeating: -1, count: hashes.count)
        takeCounts(into: &changes, &places)
        for (number, model) in state.models.enumerated() { models[number].countSteps(of: model) }
        takeModels(into: &changes)
        takeRows(into: &changes, &places)
        // What says nothing is not told, and no number of what is.
        if changes.isEmpty { sequence -= 1 }
        return changes
    }

    /// Changes of this state's that an earlier process has told count as taken: no later ones have their numbers.
    package func follow(_ told: Int64) { sequence = max(sequence, told) }

    /// Sequence numbers beyond the first of changes that went in pieces.
    package func advance(by pieces: Int) { sequence += Int64(pieces) }

    /// By row, whether anything of it can have changed: whatever is counted is to be saved too, and changes are taken before each
    /// checkpoint, which begins with nothing unsaved.
    private func candidates() -> [UInt8] {
        defer { (looksAtAll, unnamed) = (false, []) }
        guard !looksAtAll else { return [UInt8](repeating: 1, count: hashes.count) }
        var marks = [UInt8](repeating: 0, count: hashes.count)
        state.stats.withValues { stats in
            for row in marks.indices where stats[row].unsaved { marks[row] = 1 }
        }
        marks.withUnsafeMutableBufferPointer { marks in
            for model in state.models { model.items.add(.unsaved, to: marks, bit: 1) }
        }
        for row in unnamed { marks[Int(row)] = 1 }
        return marks
    }

    private func takeCounts(into changes: inout ItemChanges, _ places: inout [Int32]) {
        let (clock, now) = (state.counters.clock, state.catalogue.read { $0.entries })
        let candidates = candidates()
        assert(
            hashes.indices.allSatisfy { candidates[$0] != 0 || isAsTold($0, now) },
            "an item has changed, and is not to be saved")
        for row in hashes.indices where candidates[row] != 0 {
            var item = ItemChange(hash: hashes[row])
            item.stats = statsChange(row)
            if row < now.count { item.description = descriptionChange(row, now[row]) }
            for (number, model) in state.models.enumerated() {
                let part = models[number].takeCounts(row, number, of: model, clock: clock)
                if !part.isEmpty { item.parts.append(part) }
            }
            guard item.stats != nil || item.description != nil || !item.parts.isEmpty || !isNamed[row] else {
                continue
            }
            name(&item, row)
            places[row] = Int32(changes.items.count)
            changes.items.append(item)
        }
    }

    private func isAsTold(_ row: Int, _ now: [Catalogue.Entry]) -> Bool {
        let (one, other) = (state.stats[row], stats[row])
        return one.users == other.users && one.ratings == other.ratings && one.ratingSum == other.ratingSum
            && one.lastEvent == other.lastEvent && isNamed[row]
            && (row >= now.count || now[row] == entries[row])
            && state.models.indices.allSatisfy { models[$0].isAsTold(row, of: state.models[$0]) }
    }

    private func name(_ item: inout ItemChange, _ row: Int) {
        guard !isNamed[row] else { return }
        isNamed[row] = true
        item.name = state.items.read { $0.id(of: Int32(row))?.string }
    }

    private func statsChange(_ row: Int) -> StatsChange? {
        let (now, before) = (state.stats[row], stats[row])
        let change = StatsChange(
            users: now.users - before.users, ratings: now.ratings - before.ratings,
            ratingSum: now.ratingSum - before.ratingSum,
            lastEvent: now.lastEvent == before.lastEvent ? nil : now.lastEvent)
        stats[row] = now
        let isNews =
            change.users != 0 || change.ratings != 0 || change.ratingSum != 0 || change.lastEvent != nil
        return isNews ? change : nil
    }

    private func descriptionChange(_ row: Int, _ now: Catalogue.Entry) -> DescriptionChange? {
        let before = entries[row]
        entries[row] = now
        var change = DescriptionChange()
        if now.title != before.title || now.times.title != before.times.title {
            (change.title, change.titleAt) = (now.title, now.times.title)
        }
        if now.tags != before.tags || now.times.tags != before.times.tags {
            (change.tags, change.tagsAt) = (now.tags, now.times.tags)
        }
        if now.available != before.available || now.times.available != before.times.available {
            (change.available, change.availableAt) = (now.available, now.times.available)
        }
        return change.title == nil && change.tags == nil && change.available == nil ? nil : change
    }

    private func takeModels(into changes: inout ItemChanges) {
        for (number, model) in state.models.enumerated() {
            var change = ModelChange(model: number)
            if let blend = model.blend, blend.unshared?.isEmpty == false {
                change.steps = (blend.unshared ?? []).map(\.numbers)
                blend.unshared = []
                changes.models.append(change)
            }
            guard let counter = model.counter else { continue }
            if let transitions = counter.unshared, !transitions.isEmpty {
                take(transitions, of: counter, into: &change)
            }
            if counter.unshared != nil { counter.unshared = [] }
            if counter.rule.options.kind == .repeat {
                change.retakes = counter.retakes.gains(since: models[number].retakes)
                if !change.retakes.isEmpty { models[number].retakes = counter.retakes }
            }
            if !change.followings.isEmpty || !change.retakes.isEmpty { changes.models.append(change) }
        }
    }

    /// Added up item by item: of what follows a popular one most comes again and again, and each machine has to count what all
    /// others tell.
    private func take(
        _ transitions: [Transition], of counter: CounterState, into change: inout ModelChange
    ) {
        var places = [Int32](repeating: -1, count: hashes.count)
        func place(_ row: Int32) -> Int32 {
            if places[Int(row)] < 0 {
                places[Int(row)] = Int32(change.items.count)
                change.items.append(hashes[Int(row)])
            }
            return places[Int(row)]
        }
        counter.forEachGain(of: transitions, count: hashes.count) { item, gain in
            var told = FollowingChange(item: place(item), gain: gain)
            for entry in gain.entries.indices {
                told.gain.entries[entry].item = place(gain.entries[entry].item)
            }
            change.followings.append(told)
        }
    }

    /// Rows that wait, furthest moved first, for as long as there is room.
    private func takeRows(into changes: inout ItemChanges, _ places: inout [Int32]) {
        var candidates: [(urgency: Float, model: Int, row: Int32)] = []
        for (number, model) in state.models.enumerated() where model.options.learnsRows {
            for row in model.items.rows(marked: .unshared) {
                let urgency = models[number].urgency(Int(row), of: model, least: options.leastMove)
                if urgency > 0 { candidates.append((urgency, number, row)) }
            }
        }
        let counted = changes.items.reduce(0) { $0 + $1.lengthMax }
        let rowBytes = state.options.factors + 24
        let room = max(0, options.bytesMax - counted) / rowBytes
        held = max(0, candidates.count - room)
        if held > 0 {
            candidates.sort { ($0.urgency, $1.row) > ($1.urgency, $0.row) }
            for candidate in candidates[room...] { models[candidate.model].wait(Int(candidate.row)) }
            candidates.removeLast(held)
        }
        candidates.sort { ($0.row, $0.model) < ($1.row, $1.model) }
        for (_, number, row) in candidates {
            guard let change = models[number].takeRow(Int(row), of: state.models[number], options) else {
                continue
            }
            if places[Int(row)] < 0 {
                var item = ItemChange(hash: hashes[Int(row)])
                name(&item, Int(row))
                places[Int(row)] = Int32(changes.items.count)
                changes.items.append(item)
            }
            changes.items[Int(places[Int(row)])].put(change, ofModel: number)
        }
    }

    /// Of an item; `nil` where it is not known.
    package func row(ofHash hash: UInt64) -> Int32? { rows[hash] }
}

extension ItemChange {
    fileprivate mutating func put(_ row: RowChange, ofModel number: Int) {
        if let place = parts.firstIndex(where: { Int($0.model) == number }) {
            parts[place].row = row
        } else {
            var part = ItemPart(model: number)
            part.row = row
            parts.insert(part, at: parts.firstIndex { Int($0.model) > number } ?? parts.count)
        }
    }
}
