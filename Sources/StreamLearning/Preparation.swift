internal import Events
internal import Factors
internal import Locking
internal import State

/// Makes segments out of events: knows again what was delivered before, interns ids, counts. It runs ahead of what is
/// learned by a batch, while the shards still learn the one before.
///
/// What it may touch is therefore what no shard touches: the ids and the catalogue, each behind its lock, and the recent
/// events, which belong to the engine's queue. What it counts becomes part of the state when the batch is learned
/// (`Tally`), so that whoever looks between two batches never sees half of one. Lives on the engine's queue.
struct Preparation {
    /// What the events of a batch add to the state's counts.
    struct Tally {
        var counters = LearnedState.Counters()
        /// Σ of ratings and their number, as they stand after the batch.
        var ratingSum = 0.0
        var ratings: Int64 = 0
    }

    private let state: LearnedState
    /// May change between batches.
    var options: LearningOptions
    private(set) var segment: Segment
    private(set) var tally = Tally()
    /// Events applied over the whole life of the state, those prepared included.
    private(set) var applied: Int64 = 0
    /// Next offset per partition, batches prepared included.
    private var positions: [Int32: Int64] = [:]
    private(set) var lastToken = Token(partition: 0, offset: 0)
    /// How many examples each user has in this segment, by row. Kept where several shards learn.
    private var places: [UInt32] = []

    init(_ state: LearnedState, _ options: LearningOptions) {
        self.state = state
        self.options = options
        segment = Segment(shards: state.shards.count)
        standWithState()
    }

    /// Goes on from where the state stands: nothing is on its way to it.
    mutating func standWithState() {
        applied = state.counters.applied
        positions = state.positions
        segment.itemCount = state.items.read { $0.rowCount }
        tally = Tally(ratingSum: state.ratingSum, ratings: state.ratings)
    }

    /// What was counted since the last call: the batch ends here.
    mutating func takeTally(_ positions: [Int32: Int64]) -> Tally {
        for (partition, position) in positions {
            self.positions[partition] = max(position, self.positions[partition] ?? 0)
        }
        defer { tally.counters = LearnedState.Counters() }
        return tally
    }

    /// The events since the last call.
    mutating func takeSegment() -> Segment {
        var next = Segment(shards: state.shards.count)
        next.itemCount = segment.itemCount
        next.examples.reserveCapacity(segment.examples.count)
        if !places.isEmpty {
            for example in segment.examples { places[Int(example.user)] = 0 }
        }
        segment.mean = mean
        swap(&next, &segment)
        return next
    }

    var mean: Float { tally.ratings > 0 ? Float(tally.ratingSum / Double(tally.ratings)) : 0 }

    // MARK: - Events

    /// Whether the state has learned the event of this token already, whatever the log hands out.
    func isLearned(_ token: Token) -> Bool {
        guard let position = positions[token.partition] else { return false }
        return token.offset < position
    }

    /// Counts the event; false if there is nothing to be learned from it.
    mutating func admit(_ logged: LoggedEvent) -> Bool {
        applied += 1
        tally.counters.applied += 1
        lastToken = logged.token
        if let fingerprint = logged.fingerprint,
            !state.recent.insert(fingerprint, of: logged.token.partition)
        {
            tally.counters.duplicates += 1
            return false
        }
        guard hasRoom(for: logged.event) else {
            tally.counters.refused += 1
            return false
        }
        return true
    }

    /// False for an event that would take the items past their bound.
    private func hasRoom(for event: Event) -> Bool {
        let itemsMax = options.itemsMax
        guard itemsMax > 0, let item = event.item else { return true }
        return state.items.read { $0.count < itemsMax || $0.row(of: item) != nil }
    }

    /// Users to be erased before this event is added, because it brings a new one and the bound is reached; a
    /// sixty-fourth of all at once, because each time costs a pass over the users.
    func usersTooMany(for event: Event) -> Int {
        let usersMax = options.usersMax
        guard usersMax > 0, let user = event.newcomer else { return 0 }
        let (count, isNew) = state.users.read { ($0.count, $0.row(of: user) == nil) }
        // Those past the bound, too: it may have been lowered.
        return isNew && count >= usersMax ? count - usersMax + max(1, usersMax / 64) : 0
    }

    /// Whether the event names an item for the first time.
    func bringsItem(_ event: Event) -> Bool {
        guard let item = event.item else { return false }
        return state.items.read { $0.row(of: item) } == nil
    }

    mutating func countEviction() { tally.counters.evicted += 1 }

    /// Adds the event to the segment. Erasure is the caller's.
    mutating func add(_ logged: LoggedEvent) {
        switch logged.event.kind {
        case .rating(let user, let item, let value):
            tally.counters.ratings += 1
            add(.rating, user: user, item: item, value: value, logged)
            tally.ratingSum += Double(value)
            tally.ratings += 1
        case .signal(let user, let item, let name):
            tally.counters.signals += 1
            add(.signal, user: user, item: item, value: options.signals[name] ?? 0, logged)
        case .retract(let user, let item):
            tally.counters.retractions += 1
            // With a time of its own it may come before what it takes back.
            if knows(user, item) || logged.event.time != nil {
                add(.retract, user: user, item: item, value: 0, logged)
            }
        case .hide(let user, let item):
            tally.counters.hides += 1
            // Neither need be known: what is hidden before it comes is hidden when it comes.
            add(.hide, user: user, item: item, value: 0, logged)
        case .unhide(let user, let item):
            tally.counters.unhides += 1
            if knows(user, item) || logged.event.time != nil {
                add(.unhide, user: user, item: item, value: 0, logged)
            }
        case .forget:
            tally.counters.forgets += 1
        case .item(let description):
            tally.counters.descriptions += 1
            describe(description, time: logged.event.time)
        }
    }

    private mutating func describe(_ description: ItemDescription, time: Int64?) {
        let row = intern(item: description.item)
        let isNews = state.catalogue.withLock {
            $0.describe(
                Int(row), title: description.title, tags: description.tags, available: description.available,
                time: time)
        }
        if !isNews { tally.counters.late += 1 }
        segment.described.append(row)
    }

    private func knows(_ user: EntityID, _ item: EntityID) -> Bool {
        state.users.read { $0.row(of: user) } != nil && state.items.read { $0.row(of: item) } != nil
    }

    private mutating func add(
        _ kind: Example.Kind, user: EntityID, item: EntityID, value: Float, _ logged: LoggedEvent
    ) {
        let (userRow, isNew) = state.users.intern(user)
        if isNew { segment.arrivals[Int(userRow) % state.shards.count].append((user, userRow)) }
        let itemRow = intern(item: item)
        segment.examples.append(
            Example(
                kind: kind, user: userRow, item: itemRow, value: value,
                time: logged.event.time ?? logged.logTime, isTimed: logged.event.time != nil,
                mean: mean, meanIsKnown: tally.ratings > 0, itemBound: Int32(segment.itemCount),
                partition: logged.token.partition, offset: logged.token.offset,
                ordinal: applied, place: place(of: userRow)))
    }

    /// One shard learns in the log's order as it is.
    private mutating func place(of user: Int32) -> UserState.Place? {
        guard state.shards.count > 1 else { return nil }
        if user >= places.count {
            places += Array(repeating: 0, count: max(Int(user) + 1 - places.count, places.count / 2))
        }
        let index = places[Int(user)]
        places[Int(user)] = index + 1
        return (segment.examples.first?.ordinal ?? applied, index)
    }

    private mutating func intern(item: EntityID) -> Int32 {
        let (row, isNew) = state.items.intern(item)
        guard isNew else { return row }
        segment.itemCount = max(segment.itemCount, Int(row) + 1)
        state.catalogue.withLock { $0.grow(to: Int(row) + 1) }
        return row
    }
}

extension Event {
    /// The user, where the event takes in one that is not known.
    fileprivate var newcomer: EntityID? {
        switch kind {
        case .rating(let user, _, _), .signal(let user, _, _), .hide(let user, _): user
        // What takes something back is remembered where it has a time of its own.
        case .retract(let user, _), .unhide(let user, _): time == nil ? nil : user
        case .forget, .item: nil
        }
    }
}
