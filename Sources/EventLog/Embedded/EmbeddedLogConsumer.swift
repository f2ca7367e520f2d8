import Dispatch
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
            }
            log.noteReading(nil)
        } catch  where error.code == .unreachable {
            // A lock, or a disk, that may be back with the next poll; what was read before counts.
            next = batch.count > found ? batch.records.last.map { $0.token.offset + 1 } : taken
            log.noteReading(error)
            log.extent.wait(for: .max, until: deadline)
        }
    }

    private func start() throws(EventLogError) -> Int64 {
        if let position = delegate.position(of: EmbeddedLog.partition) { return position }
        switch options.start {
        case .earliest: return log.extent.bounds.earliest
        case .time(let time): return try log.store.firstOffset(notBefore: time)
        case .latest:
            let end = log.extent.bounds.end
            delegate.began(partition: EmbeddedLog.partition, at: end)
            return end
        }
    }

    /// Where to go on when the log no longer holds, or does not yet hold, the wanted offset.
    private func cross(from wanted: Int64, _ bounds: LogExtent.Bounds) throws(EventLogError) -> Int64 {
        guard options.onGap == .skip else {
            throw EventLogError(
                .gap,
                "\(log.name), partition \(EmbeddedLog.partition): offset \(wanted) is wanted next, but "
                    + "the log holds "
                    + "\(bounds.earliest) to \(bounds.end) (end not included). Put back the log or the "
                    + "state that "
                    + "belong together, or set source.on-gap: skip to go on without the events that are gone")
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
