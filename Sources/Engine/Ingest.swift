internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import Logging
internal import StreamLearning
internal import Synchronization

/// The thread that takes records from the log, decodes them and hands them to the engine, and holds the log back when
/// the engine falls behind.
final class Ingest: Sendable {
    /// What the engine lets this thread do.
    struct Outlet: Sendable {
        /// A batch, and how many events may be learned together.
        var submit: @Sendable (IngestBatch, _ eventsMax: Int) -> Void
        /// Handed over and not yet learned.
        var backlog: Backlog
        /// The thread ends with this error: a person has to act.
        var fail: @Sendable (EventLogError) -> Void
    }

    private let log: any EventLog
    /// Read anew for each batch, because they may change while the thread runs.
    private let options: Lock<IngestOptions>
    private let events: EventOptions
    private let delegate: any ConsumerDelegate
    private let outlet: Outlet
    private let stages: StageTimes
    private let logger: Logger
    private let stopping = Atomic<Bool>(false)
    private let finished = DispatchSemaphore(value: 0)
    /// Set by this thread, used by the checkpoint's; the consumer's `commit` may be called from any thread.
    private let consumer = Lock<CommitHandle?>(nil)

    /// `EventLogConsumer.commit` alone, which is documented as safe from any thread.
    private final class CommitHandle: @unchecked Sendable {
        let consumer: any EventLogConsumer
        init(_ consumer: any EventLogConsumer) { self.consumer = consumer }
    }

    init(
        log: any EventLog, options: IngestOptions, events: EventOptions, delegate: any ConsumerDelegate,
        outlet: Outlet, stages: StageTimes, logger: Logger
    ) {
        self.log = log
        self.options = Lock(options)
        self.events = events
        self.delegate = delegate
        self.outlet = outlet
        self.stages = stages
        self.logger = logger
    }

    func start() {
        let thread = Thread { [self] in
            run()
            finished.signal()
        }
        thread.name = "freshet.ingest"
        thread.start()
    }

    /// Returns once the consumer is closed; what was polled is with the engine.
    func stop() {
        stopping.store(true, ordering: .releasing)
        finished.wait()
    }

    /// Tells the log what is durable.
    func commit(_ positions: [Int32: Int64]) {
        consumer.withLock { $0?.consumer.commit(positions) }
    }

    /// Holds from the next batch on, save for where a partition starts.
    func change(to options: IngestOptions) {
        self.options.withLock { $0 = options }
    }

    private func run() {
        ThreadPriority.yieldToLookUps()
        do {
            let consumer = try log.makeConsumer(options.withLock { $0.consumer }, delegate: delegate)
            self.consumer.withLock { $0 = CommitHandle(consumer) }
            defer {
                consumer.close()
                self.consumer.withLock { $0 = nil }
            }
            try consume(consumer)
        } catch {
            outlet.fail(error)
        }
    }

    private func consume(_ consumer: any EventLogConsumer) throws(EventLogError) {
        let decoder = EventDecoder(options: events)
        var records = LogBatch()
        var paused = false
        var (hasToldMixture, hasToldAhead) = (false, false)
        while !stopping.load(ordering: .acquiring) {
            let options = options.withLock { $0 }
            consumer.onGap = options.consumer.onGap
            hold(consumer, options, paused: &paused)
            records.removeAll()
            // Short while paused: resuming should not wait for a poll that cannot bring anything.
            try stages.measure(.fetch) { () throws(EventLogError) in
                try consumer.poll(
                    into: &records, recordsMax: options.batchEventsMax,
                    timeout: .milliseconds(paused ? 2 : 100))
            }
            guard !records.isEmpty else { continue }
            let batch = stages.measure(.decode) { decode(&records, decoder) }
            if !hasToldAhead { hasToldAhead = tellAhead(batch) }
            outlet.submit(batch, options.batchEventsMax)
            // Once: each further batch could only say it with higher numbers.
            guard !hasToldMixture, let mixture = decoder.timeUnits.mixture else { continue }
            hasToldMixture = true
            logger.warning("\(mixture)")
        }
    }

    /// Back-pressure: pauses at the bound, goes on at half of it.
    private func hold(_ consumer: any EventLogConsumer, _ options: IngestOptions, paused: inout Bool) {
        let (events, bytes) = (outlet.backlog.events, outlet.backlog.bytes)
        let letters = log.deadLettersHeld
        let isFull =
            events >= options.queueEventsMax || bytes >= options.queueBytesMax
            || letters >= options.deadLettersHeldMax
        let hasRoom =
            events <= options.queueEventsMax / 2 && bytes <= options.queueBytesMax / 2
            && letters <= options.deadLettersHeldMax / 2
        if !paused, isFull {
            consumer.pause()
            paused = true
        } else if paused, hasRoom {
            consumer.resume()
            paused = false
        }
    }

    /// Once a process, as a fault of one producer's is in all that it sends.
    private func tellAhead(_ batch: IngestBatch) -> Bool {
        for event in batch.events.entries where event.isAhead {
            logger.warning(
                "an event says that it happens more than a day later than it came into the log: it counts as of when it came, as do others of that kind. Is the time in another unit, or the producer's clock wrong?",
                metadata: ["token": "\(event.token)"])
            return true
        }
        return false
    }

    private func decode(_ records: inout LogBatch, _ decoder: EventDecoder) -> IngestBatch {
        var batch = IngestBatch()
        batch.events.reserve(events: records.count)
        batch.positions = records.positions
        batch.fingerprints = records.fingerprints
        records.forEach { record, payload in
            batch.bytes += payload.count
            batch.oldestTime = batch.oldestTime ?? record.time
            guard !record.isTombstone else {
                batch.tombstones.append(record.token)
                return
            }
            do throws(EventError) {
                try decoder.decode(
                    payload, token: record.token, logTime: record.time, into: &batch.events)
            } catch {
                batch.deadLetters.append(record.token)
                log.putAside(
                    DeadLetter(
                        token: record.token, time: record.time, reason: error.description,
                        payload: Array(payload)))
                logger.debug(
                    "put aside a malformed record",
                    metadata: ["token": "\(record.token)", "reason": "\(error)"])
            }
        }
        return batch
    }
}
