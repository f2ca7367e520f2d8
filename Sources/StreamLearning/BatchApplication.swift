// StreamLearning: a batch of events becomes changes of the state.
//
// Here live the cutting of a batch into segments, grid and cells, the work on the shards' queues, each learner's stream
// side, alternation, the live scores, and the replay of a history. Decoded events with their tokens come in; what goes
// out is which rows changed. What never comes in: logs, payloads, checkpoints' timing, look-ups, the configuration.

internal import Dispatch
internal import Events
package import Factors
internal import Locking
package import State

/// Applies one batch to the state: interns, cuts into segments, learns each on the shards. Lives on the engine's queue
/// for the length of one batch.
package struct BatchApplication {
    /// Below this many examples the shards are visited one after the other: waking their threads would cost more.
    static let examplesForParallel = 64

    private let state: LearnedState
    private let options: LearningOptions
    private let learners: [any StreamLearner]
    private let leases: LeaseBook
    private let observer: (any LearningObserver)?
    /// False keeps histories and counts alone, for a state that is trained afterwards.
    private let learns: Bool
    private var examples: [Example] = []
    private var newUsers: [[(id: EntityID, row: Int32)]]
    /// Whether any model is by alternating least squares.
    private let alternates: Bool
    private var lastToken = Token(partition: 0, offset: 0)
    /// Of the batch that is applied.
    private var known = KnownRows()
    private var signalWeights: [Float] = []
    /// Where several shards learn, each user's examples in this segment so far.
    private var places: [Int32: UInt32] = [:]

    /// Item rows to publish, per model.
    package private(set) var changedItems: [[Int32]]
    /// Item rows whose counts are to be published.
    package private(set) var changedStats: [Int32] = []
    package private(set) var rejections: [Rejection] = []

    package init(state: LearnedState, leases: LeaseBook, options: LearningOptions, learns: Bool = true) {
        self.init(state: state, leases: leases, options: options, learns: learns, observer: nil)
    }

    init(
        state: LearnedState, leases: LeaseBook, options: LearningOptions, learns: Bool = true,
        observer: (any LearningObserver)?
    ) {
        self.state = state
        self.options = options
        learners = state.models.map { streamLearner(of: $0.rule) }
        self.leases = leases
        self.learns = learns
        alternates = learns && state.models.contains { $0.alternating != nil }
        self.observer = observer
        newUsers = Array(repeating: [], count: state.shards.count)
        changedItems = Array(repeating: [], count: state.models.count)
    }

    /// Learns the batch whole. Afterwards the state stands at the batch's positions.
    package mutating func apply(_ batch: IngestBatch) { apply(batch, known: KnownRows(of: batch, in: state)) }

    /// - Parameter known: of the same batch, and of the state as it is now.
    package mutating func apply(_ batch: IngestBatch, known: KnownRows) {
        self.known = known
        signalWeights = batch.events.signals.map { options.signals[$0] ?? 0 }
        batch.events.ids.withUnsafeBytes { ids in
            for (index, event) in batch.events.entries.enumerated() {
                // What the state has already learned, it does not learn again, whatever the log hands out.
                if let position = state.positions[event.token.partition], event.token.offset < position {
                    continue
                }
                take(EventInBatch(event: event, index: index, ids: ids), of: batch.events)
                lastToken = event.token
                if alternates, state.counters.applied % Int64(options.blockEvents) == 0 { endBlock() }
            }
        }
        learnSegment()
        for (partition, position) in batch.positions {
            state.positions[partition] = max(position, state.positions[partition] ?? 0)
        }
        state.logMemory.last.merge(batch.fingerprints) { $1 }
        state.counters.tombstones += Int64(batch.tombstones)
        state.counters.deadLetters += Int64(batch.deadLetters)
    }

    private mutating func take(_ logged: EventInBatch, of events: DecodedEvents) {
        state.counters.applied += 1
        let event = logged.event
        if event.isKnownAgain, !state.recent.insert(event.fingerprint, of: event.token.partition) {
            state.counters.duplicates += 1
            return
        }
        guard hasRoom(for: logged) else {
            state.counters.refused += 1
            return
        }
        switch event.kind {
        case .rating:
            state.counters.ratings += 1
            add(.rating, logged, value: event.value)
            state.ratingSum += Double(event.value)
            state.ratings += 1
        case .signal:
            state.counters.signals += 1
            add(.signal, logged, value: signalWeights[Int(event.reference)])
        case .retract:
            state.counters.retractions += 1
            // With a time of its own it may come before what it takes back.
            if knows(logged) || event.isTimed { add(.retract, logged) }
        case .hide:
            state.counters.hides += 1
            // Neither need be known: what is hidden before it comes is hidden when it comes.
            add(.hide, logged)
        case .unhide:
            state.counters.unhides += 1
            if knows(logged) || event.isTimed { add(.unhide, logged) }
        case .forget:
            state.counters.forgets += 1
            // Alone between two segments: the grid keeps the order of a user and an item, not that of a whole user.
            learnSegment()
            if let user = EntityID(bytes: logged.user) { forget(user, fading: true) }
        case .item:
            state.counters.descriptions += 1
            describe(events.descriptions[Int(event.reference)], logged)
        }
    }

    private mutating func describe(_ description: ItemDescription, _ logged: EventInBatch) {
        let row = internItem(logged)
        let isNews = state.catalogue.withLock {
            $0.describe(
                Int(row), title: description.title, tags: description.tags,
                available: description.available, time: logged.event.isTimed ? logged.event.time : nil)
        }
        if !isNews { state.counters.late += 1 }
        state.stats[Int(row)].unsaved = true
    }

    private mutating func add(_ kind: Example.Kind, _ logged: EventInBatch, value: Float = 0) {
        let event = logged.event
        let userRow = internUser(logged)
        let itemRow = internItem(logged)
        examples.append(
            Example(
                kind: kind, user: userRow, item: itemRow, value: value,
                time: event.time, isTimed: event.isTimed,
                mean: state.mean, meanIsKnown: state.ratings > 0, itemBound: Int32(state.stats.count),
                partition: event.token.partition, offset: event.token.offset,
                ordinal: state.counters.applied, place: place(of: userRow)))
    }

    /// One shard learns in the log's order as it is.
    private mutating func place(of user: Int32) -> UserState.Place? {
        guard state.shards.count > 1 else { return nil }
        let index = places[user, default: 0]
        places[user] = index + 1
        return (examples.first?.ordinal ?? state.counters.applied, index)
    }

    // MARK: - Ids and bounds

    /// `nil` of an unknown one.
    private func userRow(_ logged: EventInBatch) -> Int32? {
        known.user(logged.index) ?? state.users.read { $0.row(of: logged.user) }
    }

    /// `nil` of an unknown one.
    private func itemRow(_ logged: EventInBatch) -> Int32? {
        known.item(logged.index) ?? state.items.read { $0.row(of: logged.item) }
    }

    private func knows(_ logged: EventInBatch) -> Bool { userRow(logged) != nil && itemRow(logged) != nil }

    /// False for an event that would take the items past their bound.
    private func hasRoom(for logged: EventInBatch) -> Bool {
        let itemsMax = options.itemsMax
        guard itemsMax > 0, logged.event.kind != .forget else { return true }
        return state.stats.count < itemsMax || itemRow(logged) != nil
    }

    private mutating func internUser(_ logged: EventInBatch) -> Int32 {
        if let row = userRow(logged) { return row }
        makeRoom()
        let (row, isNew) = state.users.withLock { $0.intern(logged.user) }
        if isNew, let id = EntityID(bytes: logged.user) {
            newUsers[Int(row) % state.shards.count].append((id, row))
        }
        return row
    }

    /// Erases the users heard of least recently when a new one comes and the bound is reached; a sixty-fourth of all
    /// at once, because each time costs a pass over the users.
    private mutating func makeRoom() {
        let usersMax = options.usersMax
        guard usersMax > 0 else { return }
        let count = state.users.read { $0.count }
        guard count >= usersMax else { return }
        learnSegment()
        // Those past the bound, too: it may have been lowered.
        for id in state.leastRecentUsers(count - usersMax + max(1, usersMax / 64)) {
            // What they liked was liked: it fades by itself.
            forget(id, fading: false)
            state.counters.evicted += 1
        }
    }

    private mutating func internItem(_ logged: EventInBatch) -> Int32 {
        if let row = itemRow(logged) { return row }
        let (row, isNew) = state.items.withLock { $0.intern(logged.item) }
        guard isNew else { return row }
        // The new item joins the sum over all: what came before is folded in first, however batches are cut.
        if alternates, state.shards.count == 1 { learnSegment() }
        state.stats.grow(to: Int(row) + 1, with: ItemStats())
        for model in state.models { model.grow(to: Int(row) + 1) { _ in logged.item } }
        state.catalogue.withLock { $0.grow(to: Int(row) + 1) }
        return row
    }

    // MARK: - Learning

    private mutating func learnSegment() {
        guard let first = examples.first else { return }
        var key = first.random(seed: state.options.seed)
        let assignment = ShardAssignment(shards: state.shards.count, key: key.next())
        let samples = SampleSlots(models: state.models.count, examples: examples.count)
        let worker = self.worker(examples: examples, samples: samples)
        runRounds(worker, grid: Grid(examples, assignment: assignment), assignment: assignment)
        finishSegment(worker, samples: samples)
        examples.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        for shard in newUsers.indices { newUsers[shard].removeAll(keepingCapacity: true) }
    }

    private func worker(examples: [Example], samples: SampleSlots) -> CellWorker {
        CellWorker(
            examples: examples, models: state.models, learners: learners, stats: state.stats,
            samples: samples,
            historyMax: options.historyMax, learns: learns, observer: observer)
    }

    private func runRounds(_ worker: CellWorker, grid: Grid, assignment: ShardAssignment) {
        let seeds = state.models.map(\.seed)
        let parallel = state.shards.count > 1 && worker.examples.count >= Self.examplesForParallel
        let group = DispatchGroup()
        for round in 0..<state.shards.count {
            for shard in state.shards {
                let arrivals = round == 0 ? newUsers[shard.number] : []
                let itemShard = grid.itemShard(round: round, userShard: shard.number)
                let cell = grid.cell(userShard: shard.number, itemShard: itemShard)
                // A lone rating stands in one cell of shards²: the others are not worth waking a queue.
                if arrivals.isEmpty && cell.isEmpty { continue }
                let work = CellWork(
                    shard: shard, arrivals: arrivals, seeds: seeds, cell: cell, worker: worker,
                    leases: leases,
                    itemShard: itemShard, assignment: assignment)
                if parallel {
                    shard.queue.async(group: group, execute: work.run)
                } else {
                    shard.queue.sync(execute: work.run)
                }
            }
            // The next round lends the same items to other queues: every lease of this one must be back.
            group.wait()
        }
    }

    private mutating func endBlock() {
        learnSegment()
        for number in state.models.indices {
            guard var alternation = Alternation(state, number: number) else { continue }
            alternation.endBlock(at: state.counters.applied, blockEvents: options.blockEvents)
            changedItems[number] += alternation.changedItems
            state.models[number].rejected += alternation.rejected
            guard alternation.rejected > 0 else { continue }
            rejections.append(
                Rejection(model: number, partition: lastToken.partition, offset: lastToken.offset))
        }
    }

    private mutating func finishSegment(_ worker: CellWorker, samples: SampleSlots) {
        for shard in state.shards {
            if !shard.report.overfull.isEmpty {
                shard.queue.sync {
                    for local in shard.report.overfull { worker.trim(local, mean: state.mean, shard: shard) }
                }
            }
            take(reportOf: shard)
        }
        guard learns else { return }
        // In log order, so that the sums do not depend on which shard was faster.
        for (number, model) in state.models.enumerated() {
            for (index, example) in worker.examples.enumerated() where example.kind.isLearned {
                let kind: HistoryEntry.Kind = example.kind == .rating ? .rating : .signal
                if model.rule.accepts(kind, value: example.value) {
                    model.score.add(samples[number, index])
                }
            }
        }
    }

    private mutating func take(reportOf shard: UserShard) {
        let report = shard.report
        shard.report = ShardReport(models: state.models.count)
        state.counters.duplicates += Int64(report.duplicates)
        state.counters.dropped += Int64(report.dropped)
        state.counters.late += Int64(report.late)
        changedStats += report.changedStats
        rejections += report.rejections
        for rejection in report.rejections { state.models[rejection.model].rejected += 1 }
        for (number, model) in state.models.enumerated() {
            model.updates += report.updates[number]
            for taking in report.takings[number] { model.alternating?.record(taking) }
            changedItems[number] += report.changedItems[number]
        }
    }

    private func takeOffGramians(_ row: Int32, of shard: UserShard) {
        for (number, model) in state.models.enumerated() {
            guard let table = shard.longTerm[number] else { continue }
            let row = table.row(shard.local(row))
            if !row.isZero { model.alternating?.userGramian.remove(row) }
        }
    }

    private mutating func forget(_ user: EntityID, fading: Bool) {
        guard let row = state.users.withLock({ $0.remove(user) }) else { return }
        // The row may be given to another.
        known.forgetUsers()
        let shard = state.shard(of: row)
        let worker = self.worker(examples: [], samples: SampleSlots(models: 0, examples: 0))
        shard.queue.sync {
            worker.removeAll(of: shard.local(row), mean: state.mean, fading: fading, shard: shard)
            takeOffGramians(row, of: shard)
            shard.erase(row)
        }
        take(reportOf: shard)
        for alternating in state.models.compactMap(\.alternating) { alternating.pendingUsers.remove(row) }
        state.forgotten.append(row)
    }
}
