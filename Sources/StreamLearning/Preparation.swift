internal import Checkpoints
internal import ContentVectors
internal import Events
internal import Factors
internal import Identities
internal import Learners
internal import Locking
internal import State

/// Makes segments out of events: knows again what was delivered before, interns ids, counts. It runs ahead of what is
/// learned by a batch, while the shards still learn the one before.
///
/// What it may touch is therefore what no shard touches: the ids and the catalogue, each behind its lock, and the recent
/// events, which belong to the engine's queue. What it counts becomes part of the state when the batch is learned
/// (`Tally`), so that whoever looks between two batches never sees half of one. Lives on the engine's queue.
///
/// Not copyable, because a copy an event is what it would come to.
struct Preparation: ~Copyable {
    /// What the events of a batch add to the state's counts.
    struct Tally {
        var counters = LearnedState.Counters()
        /// Of ratings, as they stand after the batch.
        var ratings = RatingMoments()
        /// Events by partition, of one of several machines.
        var partitions: [Int32: Int64] = [:]
    }

    private let state: LearnedState
    /// May change between batches.
    var options: LearningOptions
    private(set) var segment: Segment
    private(set) var tally = Tally()
    /// Counts the events of the state's whole life that were news, those prepared included: what half-lives in events go by.
    private(set) var ordinal: Int64 = 0
    /// Next offset per partition, batches prepared included.
    private var positions: [Int32: Int64] = [:]
    private var countsPartitions = false
    private(set) var lastToken = Token(partition: 0, offset: 0)
    /// How many examples each user has in this segment, by row. Kept where several shards learn.
    private var places: [UInt32] = []
    /// Of the batch that is being prepared.
    private var known = KnownRows()
    /// Of its events, which have not been delivered before, as far as that can be told.
    private var isNews: [Bool] = []
    private var fingerprints: [(partition: Int32, fingerprint: UInt64, place: Int)] = []
    private var signalWeights: [Float] = []

    init(_ state: LearnedState, _ options: LearningOptions) {
        self.state = state
        self.options = options
        segment = Segment(shards: state.shards.count)
        standWithState()
    }

    /// Goes on from where the state stands: nothing is on its way to it.
    mutating func standWithState() {
        ordinal = state.counters.clock
        countsPartitions = state.partitionEvents != nil
        positions = state.positions
        segment.itemCount = state.items.read { $0.rowCount }
        tally = Tally(ratings: state.ratings)
    }

    /// What was counted since the last call: the batch ends here.
    mutating func takeTally(_ positions: [Int32: Int64]) -> Tally {
        for (partition, position) in positions {
            self.positions[partition] = max(position, self.positions[partition] ?? 0)
        }
        defer { (tally.counters, tally.partitions) = (LearnedState.Counters(), [:]) }
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

    var mean: Float { Float(tally.ratings.mean) }

    // MARK: - Events

    /// The batch comes next.
    ///
    /// - Throws: where users who have left memory cannot be read; then nothing has changed, and it may come again.
    mutating func look(up batch: IngestBatch) throws(StateError) {
        known = KnownRows(of: batch, in: state)
        // Before anything is remembered of the batch.
        try readAway()
        signalWeights = batch.events.signals.map { options.signals[$0] ?? 0 }
        knowAgain(batch.events.entries)
    }

    /// All at once, because each is a look into a table far larger than the cache.
    private mutating func knowAgain(_ entries: [DecodedEvents.Entry]) {
        // Out of self and back: built for the thread sanitizer, the compiler takes it and what it is beside for one.
        var news: [Bool] = []
        swap(&news, &isNews)
        news.removeAll(keepingCapacity: true)
        news.append(contentsOf: repeatElement(true, count: entries.count))
        fingerprints.removeAll(keepingCapacity: true)
        for (place, event) in entries.enumerated() where event.isKnownAgain && !isLearned(event.token) {
            fingerprints.append((event.token.partition, event.fingerprint, place))
        }
        state.recent.insert(fingerprints, isNews: &news)
        isNews = news
    }

    /// Reads the batch's users who have left memory, all together, so that no shard waits for one. Where nobody is away
    /// this is a look at a number.
    ///
    /// - Throws: where they cannot be read; then nothing has changed.
    private mutating func readAway() throws(StateError) {
        let rows = state.takeAway(of: known.allUsers)
        guard !rows.isEmpty, let spill = state.spill else { return }
        do throws(StateError) {
            segment.back = try state.readBack(rows)
            spill.count(cameBack: rows.count)
        } catch {
            state.putAway(rows)
            throw error
        }
    }

    mutating func forgetKnownUsers() { known.forgetUsers() }

    /// Whether the state has learned the event of this token already, whatever the log hands out.
    func isLearned(_ token: Token) -> Bool {
        guard let position = positions[token.partition] else { return false }
        return token.offset < position
    }

    /// Counts what is no event, unless it was counted before.
    mutating func count(deadLetters: [Token], tombstones: [Token]) {
        tally.counters.deadLetters += Int64(deadLetters.count { !isLearned($0) })
        tally.counters.tombstones += Int64(tombstones.count { !isLearned($0) })
    }

    /// Counts the event; false if there is nothing to be learned from it.
    mutating func admit(_ logged: EventInBatch) -> Bool {
        let event = logged.event
        tally.counters.applied += 1
        if countsPartitions { tally.partitions[event.token.partition, default: 0] += 1 }
        lastToken = event.token
        if !isNews[logged.index] {
            tally.counters.duplicates += 1
            tally.counters.repeated += 1
            return false
        }
        ordinal += 1
        state.content?.advance(to: ordinal)
        guard hasRoom(for: logged) else {
            tally.counters.refused += 1
            return false
        }
        return true
    }

    /// False for an event that would take the items past their bound.
    private func hasRoom(for logged: EventInBatch) -> Bool {
        let itemsMax = options.itemsMax
        guard itemsMax > 0, Self.namesItem(logged.event.kind) else { return true }
        return segment.itemCount < itemsMax || itemRow(logged) != nil
    }

    private static func namesItem(_ kind: DecodedEvents.Kind) -> Bool {
        switch kind {
        case .rating, .signal, .retract, .hide, .unhide, .item: true
        case .forget, .promote, .user: false
        }
    }

    /// Users to be erased before this event is added, because it brings a new one and the bound is reached; a
    /// sixty-fourth of all at once, because each time costs a pass over the users.
    func usersTooMany(for logged: EventInBatch) -> Int {
        let usersMax = options.usersMax
        guard usersMax > 0, takesIn(logged), userRow(logged) == nil else { return 0 }
        let count = state.users.read { $0.count }
        // Those past the bound, too: it may have been lowered.
        return count >= usersMax ? count - usersMax + max(1, usersMax / 64) : 0
    }

    /// Whether a user who is not known becomes known by the event.
    private func takesIn(_ logged: EventInBatch) -> Bool {
        switch logged.event.kind {
        case .rating, .signal, .hide, .user: true
        // What takes something back is remembered where it has a time of its own.
        case .retract, .unhide: logged.event.isTimed
        case .forget, .item, .promote: false
        }
    }

    /// Whether the event names an item for the first time.
    func bringsItem(_ logged: EventInBatch) -> Bool {
        switch logged.event.kind {
        case .forget, .promote, .user: false
        case .retract, .unhide: logged.event.isTimed && itemRow(logged) == nil
        case .rating, .signal, .hide, .item: itemRow(logged) == nil
        }
    }

    /// Whether the event says something of an item that is known already, behind events that are not learned yet.
    func describesKnown(_ logged: EventInBatch) -> Bool {
        logged.event.kind == .item && !segment.isEmpty && itemRow(logged) != nil
    }

    mutating func countEviction() { tally.counters.evicted += 1 }

    /// Adds the event to the segment. Erasure is the caller's.
    mutating func add(_ logged: EventInBatch, of events: DecodedEvents) {
        let event = logged.event
        switch event.kind {
        case .rating:
            tally.counters.ratings += 1
            let before = tally.ratings
            // The rating itself counts: of the first that differs from those before it nothing else tells how far.
            tally.ratings.add(event.value)
            add(.rating, logged, value: event.value, before: before)
        case .signal:
            tally.counters.signals += 1
            add(.signal, logged, value: signalWeights[Int(event.reference)])
        case .retract:
            tally.counters.retractions += 1
            // With a time of its own it may come before what it takes back.
            if knows(logged) || event.isTimed { add(.retract, logged) }
        case .hide:
            tally.counters.hides += 1
            // Neither need be known: what is hidden before it comes is hidden when it comes.
            add(.hide, logged)
        case .unhide:
            tally.counters.unhides += 1
            if knows(logged) || event.isTimed { add(.unhide, logged) }
        case .forget:
            tally.counters.forgets += 1
        case .item:
            tally.counters.descriptions += 1
            describe(events.descriptions[Int(event.reference)], logged)
        case .user:
            tally.counters.descriptions += 1
            segment.userDescriptions.append(events.userDescriptions[Int(event.reference)])
            add(.describe, logged)
        case .promote:
            tally.counters.promotions += 1
            segment.promotions.append(
                PromotionAsked(
                    model: events.models[Int(event.reference)], token: event.token, ordinal: ordinal))
        }
    }

    private mutating func describe(_ description: ItemDescription, _ logged: EventInBatch) {
        let row = internItem(logged)
        let outcome = state.catalogue.withLock {
            $0.describe(
                Int(row), title: description.title, tags: description.tags,
                addedTags: description.addedTags, available: description.available,
                time: logged.event.isTimed ? logged.event.time : nil)
        }
        if !outcome.isNews { tally.counters.late += 1 }
        tally.counters.droppedTags += Int64(outcome.droppedTags)
        if description.tags != nil || description.addedTags != nil {
            learnContent(of: row, logged.event.token)
        }
        segment.described.append(row)
    }

    /// From the item's tags, as they stand now.
    private func learnContent(of row: Int32, _ token: Token) {
        guard state.content != nil else { return }
        let tags = state.catalogue.read { $0.entries[Int(row)].tags }
        state.content?.describe(
            Int(row), tags: tags,
            random: KeyedRandom(
                seed: state.options.seed, stream: UInt64(bitPattern: Int64(token.partition)),
                index: UInt64(bitPattern: token.offset)))
    }

    private mutating func add(
        _ kind: Example.Kind, _ logged: EventInBatch, value: Float = 0, before: RatingMoments? = nil
    ) {
        let event = logged.event
        let ratings = before ?? tally.ratings
        let userRow = internUser(logged)
        let itemRow = kind == .describe ? 0 : internItem(logged)
        segment.examples.append(
            Example(
                kind: kind, user: userRow, item: itemRow, value: value, time: event.time,
                isTimed: event.isTimed, mean: Float(ratings.mean), meanIsKnown: ratings.count > 0,
                scaleBefore: ratings.scale, scale: tally.ratings.scale,
                itemBound: Int32(segment.itemCount),
                reference: Int32(max(0, segment.userDescriptions.count - 1)),
                partition: event.token.partition,
                offset: event.token.offset, ordinal: ordinal, place: place(of: userRow)))
    }

    /// One shard learns in the log's order as it is.
    private mutating func place(of user: Int32) -> UserState.Place? {
        guard state.shards.count > 1 else { return nil }
        if user >= places.count {
            places += Array(repeating: 0, count: max(Int(user) + 1 - places.count, places.count / 2))
        }
        let index = places[Int(user)]
        places[Int(user)] = index + 1
        return (segment.examples.first?.ordinal ?? ordinal, index)
    }

    // MARK: - Ids

    /// `nil` of an unknown one.
    private func userRow(_ logged: EventInBatch) -> Int32? {
        known.user(logged.index) ?? state.users.read { $0.row(of: logged.user) }
    }

    /// `nil` of an unknown one.
    private func itemRow(_ logged: EventInBatch) -> Int32? {
        known.item(logged.index) ?? state.items.read { $0.row(of: logged.item) }
    }

    private func knows(_ logged: EventInBatch) -> Bool { userRow(logged) != nil && itemRow(logged) != nil }

    private mutating func internUser(_ logged: EventInBatch) -> Int32 {
        if let row = userRow(logged) { return row }
        let (row, isNew) = state.users.withLock { $0.intern(logged.user) }
        if isNew, let id = EntityID(bytes: logged.user) {
            segment.arrivals[Int(row) % state.shards.count].append((id, row))
        }
        return row
    }

    private mutating func internItem(_ logged: EventInBatch) -> Int32 {
        if let row = itemRow(logged) { return row }
        let row = state.items.withLock { $0.intern(logged.item).row }
        segment.itemCount = max(segment.itemCount, Int(row) + 1)
        state.catalogue.withLock { $0.grow(to: Int(row) + 1) }
        return row
    }
}
