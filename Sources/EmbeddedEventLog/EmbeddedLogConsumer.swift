import Dispatch
import EventLog
import Events
import Logging

/// Reads the embedded log in offset order. Confined to its thread, except for `commit`.
final class EmbeddedLogConsumer: EventLogConsumer {
    /// A batch ends once it holds this many bytes of payload, however few records that are.
    private static let batchBytesMax = 16 << 20

    private let log: EmbeddedLog
    private var options: ConsumerOptions
    private let delegate: any ConsumerDelegate
    /// The next offset to read; `nil` before the first poll, since only a poll may ask the delegate.
    private var next: Int64?
    private var paused = false
    private var closed = false

    init(log: EmbeddedLog, options: ConsumerOptions, delegate: any ConsumerDelegate) {
        self.log = log
        self.options = options
        self.delegate = delegate
    }

    var onGap: ConsumerOptions.OnGap {
        get { options.onGap }
        set { options.onGap = newValue }
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        guard !closed else { throw EventLogError(.closed, "this consumer of the \(log.name) is closed") }
        let deadline = DispatchTime.now() + DispatchTimeInterval(timeout)
        let wanted = if let next { next } else { try start() }
        next = wanted
        // While paused no offset is far enough, so that only the time-out or the log's closing end the wait.
        if paused {
            log.extent.wait(for: .max, until: deadline)
        } else if wanted <= log.extent.bounds.end {
            log.extent.wait(for: wanted, until: deadline)
        }
        try log.requireOpen()
        guard !paused else { return }
        let (found, taken) = (batch.count, wanted)
        do throws(EventLogError) {
            switch try log.store.read(
                from: wanted, recordsMax: recordsMax, bytesMax: Self.batchBytesMax, into: &batch)
            {
            case .next(let offset): next = offset
            case .gap(let bounds): next = try cross(from: wanted, bounds)
            case .damaged(let damage): next = try pass(damage)
            }
            log.noteReading(nil)
        } catch  where error.code == .unreachable {
            // A lock, or a disk, that may be back with the next poll; what was read before counts.
            next = batch.count > found ? batch.records.last.map { $0.token.offset + 1 } : taken
            log.noteReading(error)
            log.extent.wait(for: .max, until: deadline)
        }
    }

    /// Where to begin, once it is clear that this is the log that the state was learned from.
    private func start() throws(EventLogError) -> Int64 {
        let bounds = log.extent.bounds
        let memory = delegate.logMemory
        if memory.origins == nil { delegate.began(try origin().map { [EmbeddedLog.partition: $0] } ?? [:]) }
        guard let position = delegate.position(of: EmbeddedLog.partition) else {
            delegate.recognised(log.identity)
            let origins = delegate.logMemory.origins
            guard let origin = origins?[EmbeddedLog.partition] else { return try begin(bounds) }
            delegate.began(partition: EmbeddedLog.partition, at: origin)
            return origin
        }
        guard LogContinuity.isSame(memory.identity, log.identity) else {
            return try restart(
                .otherLog(
                    log.name,
                    "its file has the id \(log.identity), the state's was \(memory.identity ?? "another")",
                    thing: "log"))
        }
        delegate.recognised(log.identity)
        return try goOn(from: position, memory, bounds)
    }

    /// At the log's beginning.
    private func begin(_ bounds: LogExtent.Bounds) throws(EventLogError) -> Int64 {
        if let damage = try log.store.missing(before: bounds.earliest) {
            let error = log.failures.damaged(damage)
            guard options.onGap == .skip else { throw error }
            log.warn(error.message)
        }
        return bounds.earliest
    }

    private func goOn(from position: Int64, _ memory: LogMemory, _ bounds: LogExtent.Bounds)
        throws(EventLogError) -> Int64
    {
        let stand = LogContinuity.Stand(next: position, learned: memory.learned(EmbeddedLog.partition))
        let extent = LogContinuity.Extent(earliest: bounds.earliest, end: bounds.end)
        var found: [RecordFingerprint] = []
        for offset in LogContinuity.witnesses(of: stand, in: extent) {
            switch try log.store.witness(at: offset) {
            case .record(let record): found.append(record)
            case .damaged:
                log.warn(
                    "\(log.name): the event at offset \(offset), which is learned, is not what was written; a copy of the file "
                        + "should take its place before the log is needed to learn anew")
            case .none: break
            }
        }
        return switch LogContinuity.judge(stand, extent, found: found) {
        case .continues: position
        case .gap, .tooShort: try cross(from: position, bounds)
        case .differs(let offset):
            try restart(.otherRecord(log.name, EmbeddedLog.partition, at: offset, thing: "log"))
        }
    }

    /// Another log: all that it holds is new.
    private func restart(_ difference: EventLogError) throws(EventLogError) -> Int64 {
        guard options.onGap == .skip else { throw difference }
        log.warn("\(difference.message). Going on at its beginning")
        let earliest = log.extent.bounds.earliest
        delegate.restarted(partition: EmbeddedLog.partition, at: earliest)
        delegate.recognised(log.identity)
        return earliest
    }

    /// Where a state that has never seen a log starts in this one, where that is not the first record.
    private func origin() throws(EventLogError) -> Int64? {
        switch options.start {
        case .earliest: nil
        case .time(let time): try log.store.firstOffset(notBefore: time)
        case .latest: log.extent.bounds.end
        }
    }

    /// Where to go on when the log no longer holds, or does not yet hold, the wanted offset.
    private func cross(from wanted: Int64, _ bounds: LogExtent.Bounds) throws(EventLogError) -> Int64 {
        guard options.onGap == .skip else {
            throw EventLogError.gap(
                log.name, EmbeddedLog.partition, next: wanted,
                holds: "the log holds \(bounds.earliest) to \(bounds.end)", thing: "log")
        }
        if wanted < bounds.earliest {
            delegate.skipped(partition: EmbeddedLog.partition, from: wanted, to: bounds.earliest)
            return bounds.earliest
        }
        // The state has learned offsets this log has not given out yet (the file was put back from a backup).
        // Were they given out now, their events would pass for learned; so the log goes on past them.
        try log.raiseEnd(to: wanted)
        delegate.skipped(partition: EmbeddedLog.partition, from: bounds.end, to: wanted)
        return wanted
    }

    /// Where to go on behind records that are not what was written.
    private func pass(_ damage: LogDamage) throws(EventLogError) -> Int64 {
        let error = log.failures.damaged(damage)
        guard options.onGap == .skip else { throw error }
        log.warn(error.message)
        let (from, to) = (damage.offsets.lowerBound, damage.offsets.upperBound)
        delegate.skipped(partition: EmbeddedLog.partition, from: from, to: to)
        return to
    }

    func pause() {
        paused = true
        log.setPaused(true)
    }

    func resume() {
        paused = false
        log.setPaused(false)
    }

    func commit(_ positions: [Int32: Int64]) {
        guard let position = positions[EmbeddedLog.partition] else { return }
        log.retain(behind: position)
    }

    func close() {
        guard !closed else { return }
        closed = true
        if next != nil { delegate.revoke([EmbeddedLog.partition]) }
        log.releaseConsumer()
    }
}

extension DispatchTimeInterval {
    /// Rounded down to nanoseconds; more than a day counts as a day.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = min(duration, .seconds(86_400)).components
        self = .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
