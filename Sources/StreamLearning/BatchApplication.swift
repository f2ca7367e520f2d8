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
    package mutating func apply(_ batch: IngestBatch) {
        for logged in batch.events {
            // What the state has already learned, it does not learn again, whatever the log hands out.
            if let position = state.positions[logged.token.partition], logged.token.offset < position {
                continue
            }
            take(logged)
            lastToken = logged.token
            if alternates, state.counters.applied % Int64(options.blockEvents) == 0 { endBlock() }
        }
        learnSegment()
        for (partition, position) in batch.positions {
            state.positions[partition] = max(position, state.positions[partition] ?? 0)
        }
        state.logMemory.last.merge(batch.fingerprints) { $1 }
        state.counters.tombstones += Int64(batch.tombstones)
        state.counters.deadLetters += Int64(batch.deadLetters)
    }

    private mutating func take(_ logged: LoggedEvent) {
        state.counters.applied += 1
        if let fingerprint = logged.fingerprint,
            !state.recent.insert(fingerprint, of: logged.token.partition)
        {
            state.counters.duplicates += 1
            return
        }
        guard hasRoom(for: logged.event) else {
            state.counters.refused += 1
            return
        }
        switch logged.event.kind {
        case .rating(let user, let item, let value):
            state.counters.ratings += 1
            add(.rating, user: user, item: item, value: value, logged)
            state.ratingSum += Double(value)
            state.ratings += 1
        case .signal(let user, let item, let name):
            state.counters.signals += 1
            add(.signal, user: user, item: item, value: options.signals[name] ?? 0, logged)
        case .retract(let user, let item):
            state.counters.retractions += 1
            // With a time of its own it may come before what it takes back.
            if knows(user, item) || logged.event.time != nil {
                add(.retract, user: user, item: item, value: 0, logged)
            }
        case .hide(let user, let item):
            state.counters.hides += 1
            // Neither need be known: what is hidden before it comes is hidden when it comes.
            add(.hide, user: user, item: item, value: 0, logged)
        case .unhide(let user, let item):
            state.counters.unhides += 1
            if knows(user, item) || logged.event.time != nil {
                add(.unhide, user: user, item: item, value: 0, logged)
            }
        case .forget(let user):
            state.counters.forgets += 1
            // Alone between two segments: the grid keeps the order of a user and an item, not that of a whole user.
            learnSegment()
            forget(user, fading: true)
        case .item(let description):
            state.counters.descriptions += 1
            let row = intern(item: description.item)
            let isNews = state.catalogue.withLock {
                $0.describe(
                    Int(row), title: description.title, tags: description.tags,
                    available: description.available, time: logged.event.time)
            }
            if !isNews { state.counters.late += 1 }
            state.stats[Int(row)].unsaved = true
        }
    }

    private func knows(_ user: EntityID, _ item: EntityID) -> Bool {
        state.users.read { $0.row(of: user) } != nil && state.items.read { $0.row(of: item) } != nil
    }

    private mutating func add(
        _ kind: Example.Kind, user: EntityID, item: EntityID, value: Float, _ logged: LoggedEvent
    ) {
        makeRoom(for: user)
        let (userRow, isNew) = state.users.intern(user)
        if isNew { newUsers[Int(userRow) % state.shards.count].append((user, userRow)) }
        let itemRow = intern(item: item)
        examples.append(
            Example(
                kind: kind, user: userRow, item: itemRow, value: value,
                time: logged.event.time ?? logged.logTime, isTimed: logged.event.time != nil,
                mean: state.mean, meanIsKnown: state.ratings > 0, itemBound: Int32(state.stats.count),
                partition: logged.token.partition, offset: logged.token.offset,
                ordinal: state.counters.applied, place: place(of: userRow)))
    }

    /// One shard learns in the log's order as it is.
    private mutating func place(of user: Int32) -> UserState.Place? {
        guard state.shards.count > 1 else { return nil }
        let index = places[user, default: 0]
        places[user] = index + 1
        return (examples.first?.ordinal ?? state.counters.applied, index)
    }

    // MARK: - Bounds

    /// False for an event that would take the items past their bound.
    private func hasRoom(for event: Event) -> Bool {
        let itemsMax = options.itemsMax
        guard itemsMax > 0, let item = event.item else { return true }
        return state.items.read { $0.count < itemsMax || $0.row(of: item) != nil }
    }

    /// Erases the users heard of least recently when a new one comes and the bound is reached; a sixty-fourth of all
    /// at once, because each time costs a pass over the users.
    private mutating func makeRoom(for user: EntityID) {
        let usersMax = options.usersMax
        guard usersMax > 0 else { return }
        let (count, isNew) = state.users.read { ($0.count, $0.row(of: user) == nil) }
        guard isNew, count >= usersMax else { return }
        learnSegment()
        // Those past the bound, too: it may have been lowered.
        for id in state.leastRecentUsers(count - usersMax + max(1, usersMax / 64)) {
            // What they liked was liked: it fades by itself.
            forget(id, fading: false)
            state.counters.evicted += 1
        }
    }

    private mutating func intern(item: EntityID) -> Int32 {
        let (row, isNew) = state.items.intern(item)
        guard isNew else { return row }
        // The new item joins the sum over all: what came before is folded in first, however batches are cut.
        if alternates, state.shards.count == 1 { learnSegment() }
        state.stats.grow(to: Int(row) + 1, with: ItemStats())
        for model in state.models { model.grow(to: Int(row) + 1) { _ in item.string.utf8 } }
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
