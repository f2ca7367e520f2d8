// Engine: what moves the state.
//
// Here live the thread that polls the log and decodes, back-pressure, the queue that applies batches, the time of
// publications and checkpoints, who waits for a token, and status. A log and a state file come in, opened by whoever
// starts it; what goes out is a service that is asked and fed (`LookupService`). What never comes in: which log it is,
// sockets, the text of commands, the configuration file.

public import Checkpoints
internal import ClusterStandby
public import CoreMetrics
internal import Dispatch
public import EventLog
public import Events
internal import Factors
internal import Foundation
internal import Generations
internal import Identities
internal import Locking
public import Logging
internal import LookUps
internal import State
package import StreamLearning
internal import Synchronization

/// The live state and everything that moves it: log → batches → shards → published index → checkpoints.
///
/// One serial queue runs the batches and owns the state between rounds; see `LearnedState` for who owns what during one.
public final class Engine: Sendable {
    let options: EngineOptions
    /// What an event may look like here.
    private let events: EventOptions
    let state: LearnedState
    let log: any EventLog
    let logger: Logger
    let clock: WallClock
    let waiters = Waiters()
    let started = ContinuousClock().now
    let published: PublishedState
    let lookUps: LookupAnswerer
    let checkpointer: Checkpointer
    /// Where what a checkpoint writes is copied aside.
    let freezer = SerialThread(name: "freshet-freeze", prepare: {})
    let generations: GenerationKeeper
    let appends: AppendQueue
    /// `nil` of an engine alone.
    let cluster: ClusterMember?
    let backlog = Backlog()
    let waiting = WaitingBatches()
    /// Where the time of ingest goes.
    package let stages = StageTimes()
    let meters: EngineMeters

    let queue = DispatchQueue(label: "freshet.engine", qos: .userInitiated)
    let life: Lock<Life>
    /// What the engine's queue alone touches.
    let confined: QueueConfined<Confined>

    /// Started and stopped from outside.
    struct Life {
        var ingest: Ingest?
        var ingestOptions: IngestOptions
        var onFailure: (@Sendable (EventLogError) -> Void)?
        var stopped = false
    }

    /// See `confined`.
    struct Confined {
        var unpublished: Unpublished
        var publicationPace = PublicationPace()
        var retryScheduled = false
        var drawnScheduled = false
        var idleScheduled = false
        /// Something changed since the last delta was copied aside.
        var changed = false
        var eventsSinceCheckpoint = 0
        var checkpointRunning = false
        var checkpointScheduled = false
        var checkpointPace = CheckpointPace()
        /// Asked for while a checkpoint was running: answered by the next one.
        var waitingForCheckpoint: [CheckpointCompletion] = []
        var lastMeasured: ContinuousClock.Instant?
        var measureScheduled = false
        var heap = HeapCare()
        /// Whether the log of this process has told of models that nothing teaches.
        var hasToldUntaught = false
        /// Of the counters, what the log of this process has told.
        var refusedTold: Int64 = 0
        var timer: (any DispatchSourceTimer)?
        var changeable: ChangeableOptions
        /// Where memory has a limit; and users in it, as of the last batch.
        var residence: ResidenceControl?
        var residents = 0
        /// Turns of batches that wait until somebody may leave.
        var heldTurns = 0

        /// Counts the batches, so that whoever was told that one is learned knows whether it is still that one.
        var batches = 0
        var application: BatchApplication

        init(_ options: EngineOptions, _ application: BatchApplication) {
            self.application = application
            unpublished = Unpublished(models: options.state.models.count)
            changeable = ChangeableOptions(options)
        }
    }

    typealias CheckpointCompletion = @Sendable (Result<[Int32: Int64], StateError>) -> Void

    /// Restores the state from `file`.
    ///
    /// - Parameters:
    ///   - clock: for the time of events that have none.
    ///   - metrics: takes what is measured of each batch.
    ///   - topics: of one of several engines that learn the log.
    /// - Throws: `StateError` when the file holds what cannot be served.
    public init(
        options: EngineOptions, file: StateFile, log: any EventLog, logger: Logger,
        clock: WallClock = .system,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        cluster topics: (any ClusterTopics)? = nil
    ) throws(StateError) {
        var events = options.events
        // What may be promoted are the models that there are.
        events.models = options.state.models.map(\.name)
        self.events = events
        self.clock = clock
        meters = EngineMeters(metrics)
        self.options = options
        self.log = log
        self.logger = logger
        state = LearnedState(options: options.state)
        checkpointer = Checkpointer(file: file, log: log, stages: stages, logger: logger)
        generations = GenerationKeeper(
            of: file, rules: ErasureRules(options.state), options: options.generations, logger: logger)
        appends = AppendQueue(to: log, events: events, clock: clock)
        let application = BatchApplication(state: state, options: options.learning, stages: stages)
        confined = QueueConfined(Confined(options, application), to: queue)
        life = Lock(Life(ingestOptions: options.ingest))
        published = PublishedState(of: state)
        lookUps = LookupAnswerer(
            view: StateView(state), published: published, options: options.lookUps,
            freshness: { [backlog, waiters] in
                // The backlog first: what is learned in between then counts as unlearned, never the other way round.
                let unlearned = backlog.events
                let (positions, since) = waiters.visibleSince
                return Freshness(positions: positions, since: since, unlearned: unlearned)
            })
        if options.state.usersMayLeave {
            state.spill = SpillStore(file, options: options.state) { Self.tell($0, logger) }
        }
        try file.read(into: StateLoader(state: state, path: file.path))
        cluster = topics.map { [state, queue] in
            ClusterMember(
                $0, options.cluster, standby: Self.standby(options, clock, logger), of: state, on: queue)
        }
        logger.info(
            "state restored",
            metadata: [
                "log": "\(log.name)", "positions": "\(positionsText(state.positions))",
                "events": "\(state.counters.applied)", "users": "\(state.users.read { $0.count })",
                "items": "\(state.items.read { $0.count })",
            ])
        queue.sync {
            tellOverruled()
            tellUnhealthy()
            judgeModels()
            publish()
            refreshSnapshot()
            if options.state.usersMayLeave { beginLeaving() }
        }
    }

    /// `nil` where no copies are kept of others' partitions. Where they cannot be, all else goes on.
    private static func standby(_ options: EngineOptions, _ clock: WallClock, _ logger: Logger) -> Standby? {
        guard options.cluster.standby > 0, !options.cluster.standbyFolder.isEmpty else { return nil }
        do throws(StandbyError) {
            let copies = try StandbyCopies(folder: options.cluster.standbyFolder, at: clock.milliseconds)
            return Standby(copies, options.cluster)
        } catch {
            logger.error("this daemon stands by for nobody", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Starts to consume. `onFailure` is called once when the log needs a person, or this process
    /// cannot go on with it; look-ups go on meanwhile.
    ///
    /// - Parameter beside: another engine has the state's folder still, and its generations.
    public func start(
        beside isBeside: Bool = false, onFailure: @escaping @Sendable (EventLogError) -> Void
    ) {
        let ingest = Ingest(
            log: log, options: life.withLock { $0.ingestOptions }, events: events, delegate: self,
            outlet: Ingest.Outlet(
                submit: { [weak self] in self?.submit($0, eventsMax: $1) },
                backlog: backlog,
                fail: { [weak self] in self?.fail($0) }),
            stages: stages, logger: logger)
        life.withLock {
            $0.ingest = ingest
            $0.onFailure = onFailure
        }
        queue.sync {
            startTimer()
            scheduleIdleWork()
        }
        startCluster()
        ingest.start()
        if !isBeside { generations.look() }
    }

    private func startTimer() {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in
            self?.checkpointIfChanged()
            self?.generations.look()
        }
        confined.timer = timer
        scheduleCheckpoints()
        timer.resume()
    }

    /// Stops consuming, learns what was polled, checkpoints. The state is durable when this returns without an error.
    public func stop() throws(StateError) {
        let (ingest, first) = life.withLock { life in
            let first = !life.stopped
            life.stopped = true
            return (life.ingest, first)
        }
        guard first else { return }
        // Each holds the other.
        defer { life.withLock { $0.ingest = nil } }
        queue.sync { confined.timer?.cancel() }
        ingest?.stop()
        stopCluster()
        waiters.fail(LookupError(.unavailable, "freshet is shutting down"))
        let last = lastCheckpoint()
        generations.stop()
        try sayLast(last)
        state.spill?.close()
        try checkpointer.close()
        cluster?.topics.close()
    }

    var isStopped: Bool { life.withLock { $0.stopped } }

    func changeIngest(to options: IngestOptions) {
        let ingest = life.withLock { life in
            life.ingestOptions = options
            return life.ingest
        }
        ingest?.change(to: options)
    }

    func fail(_ error: EventLogError) {
        let words =
            error.code == .mustRestart ? "this daemon must be started again" : "the log needs a person"
        logger.critical("\(words); look-ups go on until then", metadata: ["error": "\(error.message)"])
        life.withLock { $0.onFailure }?(error)
    }

    // MARK: - Batches

    private func submit(_ batch: IngestBatch, eventsMax: Int) {
        backlog.add(events: batch.recordCount, bytes: batch.bytes)
        guard waiting.put(batch, eventsMax: eventsMax) else { return }
        queue.async { [self] in takeTurn() }
    }

    func takeTurn() {
        if let batch = waiting.take() { apply(batch) }
    }

    /// Prepares the batch while the shards learn the one before, then has them learn this one.
    private func apply(_ batch: IngestBatch) {
        ThreadPriority.yieldToLookUps()
        guard makeRoom(for: batch.recordCount) else { return hold(batch) }
        let application = confined.application
        application.options = confined.changeable.learning
        let (events, bytes, oldest) = (batch.recordCount, batch.bytes, batch.oldestTime)
        meters.batchEvents.record(events)
        do throws(StateError) {
            try application.begin(batch) { [self] outcome in
                confined.unpublished.note(oldest: oldest)
                learned(outcome, events: events, bytes: bytes)
            }
        } catch {
            hold(batch)
            if !isStopped { releaseHeld(after: .seconds(1)) }
            return
        }
        guard application.isLearning else { return }
        confined.batches += 1
        let number = confined.batches
        application.notify(queue) { [self] in
            // If more events came, the next batch has seen to it.
            if confined.batches == number { settle() }
        }
    }

    /// Waits until nothing is on its way to the state: what was prepared is learned, and state and positions agree. To be
    /// called on the queue before anything but a batch looks at the state or changes it.
    func settle() {
        confined.application.finish()
    }

    /// A batch is part of the state. The next one may be prepared by now, so this is no moment to make anything durable.
    private func learned(_ outcome: BatchApplication.Outcome, events: Int, bytes: Int) {
        confined.unpublished.add(outcome)
        report(outcome.rejections)
        tell(outcome.promotions)
        noteAsked(outcome.promotions)
        tellHealth(of: outcome.healthChanges)
        confined.changed = true
        confined.eventsSinceCheckpoint += events
        if confined.residence != nil { confined.residents = state.residentCount }
        let left = backlog.subtract(events: events, bytes: bytes)
        judgeModels()
        // Before the publication: who has waited for an event finds it in STATUS too.
        refreshSnapshot()
        publishIfDue(eventsLeft: left)
        if confined.eventsSinceCheckpoint >= confined.changeable.checkpoints.eventsMax { checkpointLater() }
        earnIdleWork(events: events)
    }

    func refreshSnapshot() {
        let now = ContinuousClock().now
        let measure = confined.lastMeasured.map { $0.duration(to: now) >= .seconds(1) } ?? true
        if measure { confined.lastMeasured = now } else { measureLater() }
        published.refresh(from: state, memory: measure ? state.memory() : nil)
        noteCluster()
        if measure {
            reviewResidence()
            careForHeap()
        }
    }

    /// Else the memory of the last batches would show only when more come.
    private func measureLater() {
        guard !confined.measureScheduled else { return }
        confined.measureScheduled = true
        queue.asyncAfter(deadline: .now() + .seconds(1)) { [self] in
            confined.measureScheduled = false
            settle()
            refreshSnapshot()
            letLeave()
        }
    }

    // MARK: - For look-ups

    /// Runs on the engine's queue, behind the batches that wait there.
    func onQueue<Result>(_ body: (LearnedState) -> Result) -> Result {
        queue.sync {
            settle()
            return body(state)
        }
    }

    // MARK: - For the consumer

    /// `change` says whether there is anything new to make durable.
    func changeLogMemory(_ change: @escaping @Sendable (LearnedState) -> Bool) {
        queue.async { [self] in
            settle()
            if change(state) { confined.changed = true }
        }
    }

    /// Behind the batches that were polled before; their tokens belong to the other log.
    func restart(_ partition: Int32, at offset: Int64) {
        queue.sync {
            settle()
            state.counters.logChanges += 1
            state.logMemory.forget(partition)
            state.positions[partition] = offset
            confined.changed = true
            publish()
            refreshSnapshot()
        }
    }

    /// The move itself has to be durable, and whoever waits for what was passed over must hear of it.
    func move(_ partition: Int32, to offset: Int64, skipped: Int64) {
        queue.sync {
            settle()
            state.counters.skipped += skipped
            state.positions[partition] = max(state.positions[partition] ?? 0, offset)
            confined.changed = true
            publish()
            refreshSnapshot()
        }
    }
}
