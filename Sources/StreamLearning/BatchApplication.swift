// StreamLearning: a batch of events becomes changes of the state.
//
// Here live the cutting of a batch into segments, grid and cells, the work on the shards' queues, each learner's stream
// side, alternation, the live scores, and the replay of a history. Decoded events with their tokens come in; what goes
// out is which rows changed. What never comes in: logs, payloads, checkpoints' timing, look-ups, the configuration.

package import Checkpoints
internal import Counting
package import Dispatch
internal import Events
internal import Factors
internal import FeatureMaps
internal import Histories
internal import Identities
internal import Learners
package import LiveScores
internal import Locking
package import Quarantine
package import State

/// Applies batches to the state, one after the other: interns, cuts into segments, learns each on the shards.
///
/// While the shards learn a batch, the next one is prepared (`Preparation`), so that neither waits for the other. A batch is
/// part of the state once `finish` has returned or the next `begin` has told of it; in between nobody but this may touch
/// the state. Confined to one queue, the engine's.
package final class BatchApplication {
    /// Below this many examples the shards are visited one after the other: waking their threads would cost more.
    static let examplesForParallel = 64

    /// What came of a batch.
    package struct Outcome: Sendable {
        /// Item rows to publish, per model.
        package var changedItems: [[Int32]]
        /// The same of rows that were only drawn beside the batch's events.
        package var drawnItems: [[Int32]]
        /// Item rows whose counts are to be published.
        package var changedStats: [Int32] = []
        package var rejections: [Rejection] = []
        /// Models that have become unhealthy, or healthy again.
        package var healthChanges: [Int] = []
        /// Models that became the default, in their order.
        package var promotions: [Promotion] = []

        init(models: Int) {
            changedItems = Array(repeating: [], count: models)
            drawnItems = changedItems
        }
    }

    let state: LearnedState
    private let stages: StageTimes
    private let learners: [any StreamLearner]
    private let observer: (any LearningObserver)?
    /// False keeps histories and counts alone, for a state that is trained afterwards.
    private let learns: Bool
    /// Whether any model is by alternating least squares.
    private let alternates: Bool
    /// Numbers of the models whose networks take their steps between rounds.
    private let networks: [Int]
    private(set) var preparation: Preparation
    /// On the shards' queues.
    private var run: SegmentRun?
    /// The batch that `run` ends.
    private var ending: Ending?
    var outcome: Outcome

    /// What is left to do when the last segment of a batch is learned.
    private struct Ending {
        var batch: IngestBatch
        var tally: Preparation.Tally
        var whenLearned: (Outcome) -> Void
    }

    package convenience init(
        state: LearnedState, options: LearningOptions, learns: Bool = true, stages: StageTimes = StageTimes()
    ) {
        self.init(state: state, options: options, learns: learns, stages: stages, observer: nil)
    }

    init(
        state: LearnedState, options: LearningOptions, learns: Bool = true, stages: StageTimes = StageTimes(),
        observer: (any LearningObserver)?
    ) {
        self.state = state
        self.stages = stages
        learners = state.models.map {
            streamLearner(of: $0.rule, among: state.models, features: state.priors, learns: learns)
        }
        self.learns = learns
        alternates = learns && state.models.contains { $0.alternating != nil }
        networks =
            learns && state.shards.count > 1
            ? state.models.indices.filter { state.models[$0].network != nil } : []
        self.observer = observer
        preparation = Preparation(state, options)
        outcome = Outcome(models: state.models.count)
    }

    /// Holds from the next batch on.
    package var options: LearningOptions {
        get { preparation.options }
        set { preparation.options = newValue }
    }

    /// Learns the batch whole. Afterwards the state stands at the batch's positions.
    @discardableResult
    package func apply(_ batch: IngestBatch) -> Outcome {
        var result: Outcome?
        do throws(StateError) {
            try begin(batch) { result = $0 }
        } catch {
            // Only of a state whose users may leave memory; the engine begins such a batch again.
            preconditionFailure(error.message)
        }
        finish()
        return result ?? outcome
    }

    /// Prepares the batch, waits until the one before is learned, and starts to learn this one.
    ///
    /// - Parameter whenLearned: called once, on this queue and while nothing is being learned, at the latest by `finish`.
    /// - Throws: where users of the batch have left memory and cannot be read. Nothing has changed then: it may be begun again.
    package func begin(
        _ batch: IngestBatch, whenLearned: @escaping (Outcome) -> Void
    ) throws(StateError) {
        if run == nil { preparation.standWithState() }
        let next = try stages.measure(.prepare) {
            () throws(StateError) -> (Segment, Grid, ShardAssignment)? in
            try preparation.look(up: batch)
            prepare(batch)
            return preparation.segment.isEmpty ? nil : makeRun()
        }
        finish()
        ending = Ending(batch: batch, tally: preparation.takeTally(batch.positions), whenLearned: whenLearned)
        if let next { start(next) }
        if run == nil { end() }
    }

    private func prepare(_ batch: IngestBatch) {
        preparation.count(deadLetters: batch.deadLetters, tombstones: batch.tombstones)
        batch.events.ids.withUnsafeBytes { ids in
            for (index, event) in batch.events.entries.enumerated() where !preparation.isLearned(event.token)
            {
                let before = preparation.ordinal
                take(EventInBatch(event: event, index: index, ids: ids), of: batch.events)
                // A second delivery ends nothing.
                guard preparation.ordinal > before else { continue }
                if alternates, preparation.ordinal % Int64(options.blockEvents) == 0 { endBlock() }
                if networks.contains(where: { endsBlock($0) }) { endNetworkBlocks() }
                if state.priors.hasWork(at: preparation.ordinal) { advancePriors() }
            }
        }
    }

    private func take(_ logged: EventInBatch, of events: DecodedEvents) {
        guard preparation.admit(logged) else { return }
        let tooMany = preparation.usersTooMany(for: logged)
        if tooMany > 0 { evict(tooMany) }
        // The new item joins the sum over all: what came before is folded in first, however batches are cut.
        if alternates, state.shards.count == 1, preparation.bringsItem(logged) { learnPrepared() }
        // Rows move with what is said of their items: between the events before and those behind.
        if state.priors.options.isOn, preparation.describesKnown(logged) { learnPrepared() }
        preparation.add(logged, of: events)
        guard logged.event.kind == .forget, let user = EntityID(bytes: logged.user) else { return }
        // Alone between two segments: the grid keeps the order of a user and an item, not that of a whole user.
        learnPrepared()
        // Also of somebody who is not known here: an earlier copy of the state may know them.
        state.erasures.append(ErasedID(logged.user, events: state.counters.applied))
        forget(user, fading: true)
    }

    /// Whether a batch is being learned just now.
    package var isLearning: Bool { run != nil }

    /// Calls `body` on `queue` when the shards have learned what they are learning now.
    package func notify(_ queue: DispatchQueue, _ body: @escaping @Sendable () -> Void) {
        run?.notify(queue, body)
    }

    /// Waits until the batch that is being learned is part of the state.
    package func finish() {
        guard let run else { return }
        stages.measure(.wait) { run.wait() }
        finish(run)
        end()
    }

    // MARK: - Segments

    /// Learns what is prepared, and whatever was on its way.
    private func learnPrepared() {
        let next = preparation.segment.isEmpty ? nil : makeRun()
        finish()
        if let next { start(next) }
        if let run {
            run.wait()
            finish(run)
        }
    }

    private func makeRun() -> (Segment, Grid, ShardAssignment) {
        let segment = preparation.takeSegment()
        var key = segment.examples.first?.random(seed: state.options.seed)
        let assignment = ShardAssignment(shards: state.shards.count, key: key?.next() ?? 0)
        return (segment, Grid(segment.examples, assignment: assignment), assignment)
    }

    /// Nothing is on its way: the tables may move.
    private func start(_ next: (segment: Segment, grid: Grid, assignment: ShardAssignment)) {
        let (segment, grid, assignment) = next
        state.growItems(to: segment.itemCount)
        for item in segment.described { state.stats[Int(item)].unsaved = true }
        if learns, !segment.described.isEmpty { take(moved: state.placeDescribed(segment.described)) }
        let started = SegmentRun(
            segment, grid: grid, assignment: assignment, worker: worker(segment),
            state: state, stages: stages)
        guard segment.examples.count >= Self.examplesForParallel else {
            started.learnInTurn()
            return finish(started)
        }
        run = started
        started.start()
    }

    private func worker(_ segment: Segment) -> CellWorker {
        let examples = segment.examples
        return CellWorker(
            examples: examples, descriptions: segment.userDescriptions, models: state.models,
            learners: learners, stats: state.stats,
            samples: SampleSlots(models: examples.isEmpty ? 0 : state.models.count, examples: examples.count),
            historyMax: options.historyMax,
            fading: WeightFading(
                halfLife: options.signalHalfLife.length, isTimed: options.signalHalfLife.isTimed),
            retraction: options.retraction, options: state.options, measure: state.comparison.measure,
            learns: learns, observer: observer)
    }

    private func finish(_ run: SegmentRun) {
        self.run = nil
        for shard in state.shards {
            if !shard.report.overfull.isEmpty {
                shard.queue.sync {
                    for local in shard.report.overfull {
                        run.worker.trim(local, mean: run.segment.mean, shard: shard)
                    }
                }
            }
            take(reportOf: shard)
        }
        if let last = run.segment.examples.last { judgeHealth(before: last.ordinal) }
        if learns { score(run.worker) }
        compare(run.worker, run.segment.promotions)
        for example in run.segment.examples where example.kind.isLearned {
            state.newestTime = max(example.time, state.newestTime ?? example.time)
        }
    }

    /// In log order, so that the sums do not depend on which shard was faster.
    private func score(_ worker: CellWorker) {
        for (number, model) in state.models.enumerated() {
            // Taken out, so that it is checked for being alone once rather than at each event.
            var score = model.score
            for index in worker.examples.indices {
                let sample = worker.samples[number, index]
                if sample.isLearned { score.add(sample) }
            }
            model.score = score
        }
    }

    /// In log order too, promotions that the log asks for among the events.
    private func compare(_ worker: CellWorker, _ asked: [PromotionAsked]) {
        var asked = asked[...]
        func promote(before ordinal: Int64) {
            while let next = asked.first, next.ordinal < ordinal {
                asked.removeFirst()
                if let promotion = state.comparison.promote(next.model, at: next.token, ordinal: next.ordinal)
                {
                    outcome.promotions.append(promotion)
                }
            }
        }
        for (index, example) in worker.examples.enumerated() where learns && example.kind.isLearned {
            promote(before: example.ordinal)
            let samples = worker.samples
            // Of most events none is.
            if state.models.indices.contains(where: { !samples[$0, index].worth.isNaN }) {
                state.comparison.add { samples[$0, index].worth }
            }
            let token = Token(partition: example.partition, offset: example.offset)
            if let promotion = state.comparison.endEvent(token, ordinal: example.ordinal) {
                outcome.promotions.append(promotion)
            }
        }
        promote(before: .max)
    }

    /// The batch is part of the state.
    private func end() {
        guard let ending else { return }
        self.ending = nil
        let (batch, tally) = (ending.batch, ending.tally)
        for (partition, position) in batch.positions {
            state.positions[partition] = max(position, state.positions[partition] ?? 0)
        }
        state.logMemory.last.merge(batch.fingerprints) { $1 }
        state.counters.add(tally.counters)
        for (partition, events) in tally.partitions {
            state.partitionEvents?[partition, default: 0] += events
        }
        state.ratings = tally.ratings
        let finished = outcome
        outcome = Outcome(models: state.models.count)
        ending.whenLearned(finished)
    }

    // MARK: - Between segments

    private func endBlock() {
        learnPrepared()
        for number in state.models.indices { solveBlock(of: number) }
    }

    /// Whether the last event taken is the last one of a block of the model's network.
    private func endsBlock(_ number: Int) -> Bool {
        guard let network = state.models[number].network else { return false }
        return preparation.ordinal % Int64(network.rule.options.blockEvents) == 0
    }

    /// Adds up what the shards would have networks learn, in their order, and has them learn it.
    private func endNetworkBlocks() {
        learnPrepared()
        for number in networks where endsBlock(number) {
            guard let network = state.models[number].network else { continue }
            if network.begin(network.block(of: preparation.ordinal)) == .applied { continue }
            state.models[number].rejected += 1
            reject(1, of: number, because: .pastNorm)
        }
    }

    /// What features say of rows, summed up to be solved anew, or the next rows moved by what was found.
    private func advancePriors() {
        learnPrepared()
        guard learns else { return }
        let ordinal = preparation.ordinal
        let moved = state.advancePriors(from: ordinal - 1, to: ordinal)
        for (number, moved) in moved.enumerated() { outcome.drawnItems[number] += moved }
    }

    private func take(moved rows: [[Int32]]) {
        for (number, moved) in rows.enumerated() { outcome.changedItems[number] += moved }
    }

    /// Erases the users heard of least recently.
    private func evict(_ count: Int) {
        learnPrepared()
        let leaving = state.leastRecentUsers(count)
        state.bringBack(state.users.read { ids in leaving.compactMap { ids.row(of: $0) } })
        for id in leaving {
            // What they liked was liked: it fades by itself.
            forget(id, fading: false)
            preparation.countEviction()
        }
    }

    private func forget(_ user: EntityID, fading: Bool) {
        // The row may be given to another.
        preparation.forgetKnownUsers()
        state.quarantine.forget(user)
        guard let row = state.users.withLock({ $0.remove(user) }) else { return }
        // Nearly always there: read with the batch that this event is of.
        state.bringBack(CollectionOfOne(row))
        let shard = state.shard(of: row)
        let worker = self.worker(Segment(shards: 0))
        let mean = preparation.mean
        shard.queue.sync {
            worker.removeAll(of: shard.local(row), mean: mean, fading: fading, shard: shard)
            takeOffGramians(row, of: shard)
            shard.erase(row)
        }
        take(reportOf: shard)
        for alternating in state.models.compactMap(\.alternating) { alternating.pendingUsers.remove(row) }
        state.forgotten.append(row)
        state.forgottenIDs?.append(user)
    }

    private func takeOffGramians(_ row: Int32, of shard: UserShard) {
        for (number, model) in state.models.enumerated() {
            guard let table = shard.longTerm[number] else { continue }
            let row = table.row(shard.userNumber(ofRow: row))
            if !row.isZero { model.alternating?.userGramian.remove(row) }
        }
    }
}
