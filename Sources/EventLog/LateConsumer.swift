import Events
internal import Foundation
internal import Locking

/// Reads a log that another process has, pass by pass over what was there when the pass began; and, once the log is open
/// here, goes on as its consumer. Confined to its thread, but for `commit`.
///
/// What learns is asked for its position at each pass and when the log opens, behind all that was handed out: so nothing
/// is read twice and nothing is passed over.
final class LateConsumer: EventLogConsumer {
    private static let betweenPasses: Duration = .milliseconds(20)

    private struct Pass {
        let log: any HistoricalLog
        let history: any LogHistory
        let began: ContinuousClock.Instant
        /// Next offsets that were told.
        var told: [Int32: Int64]

        func close() {
            history.close()
            log.close()
        }
    }

    /// `EventLogConsumer.commit` alone, which is documented as safe from any thread.
    private final class CommitHandle: @unchecked Sendable {
        let consumer: any EventLogConsumer
        init(_ consumer: any EventLogConsumer) { self.consumer = consumer }
    }

    private let late: LateLog
    private var options: ConsumerOptions
    private let delegate: any ConsumerDelegate
    /// Of the log, once it is open.
    private var own: (any EventLogConsumer)?
    private let committing = Lock<CommitHandle?>(nil)
    private var pass: Pass?
    private var isPaused = false

    init(of late: LateLog, _ options: ConsumerOptions, _ delegate: any ConsumerDelegate) {
        (self.late, self.options, self.delegate) = (late, options, delegate)
    }

    var onGap: ConsumerOptions.OnGap {
        get { options.onGap }
        set {
            options.onGap = newValue
            own?.onGap = newValue
        }
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        if own == nil, let log = late.log { try goOn(with: log) }
        if let own { return try own.poll(into: &batch, recordsMax: recordsMax, timeout: timeout) }
        guard !isPaused, let following = late.following else { return Self.wait(timeout) }
        do throws(EventLogError) {
            try follow(following, into: &batch, recordsMax: recordsMax, timeout: timeout)
        } catch {
            endPass()
            late.stopFollowing(error)
        }
    }

    private func goOn(with log: any EventLog) throws(EventLogError) {
        endPass()
        let consumer = try log.makeConsumer(options, delegate: delegate)
        if isPaused { consumer.pause() }
        own = consumer
        committing.withLock { $0 = CommitHandle(consumer) }
    }

    private func follow(
        _ following: LateLog.Following, into batch: inout LogBatch, recordsMax: Int, timeout: Duration
    ) throws(EventLogError) {
        var pass: Pass
        if let begun = self.pass { pass = begun } else { pass = try begin(following) }
        self.pass = pass
        let hasMore = try pass.history.poll(into: &batch, recordsMax: recordsMax, timeout: timeout)
        // The end of a partition may be no record.
        for (partition, next) in pass.history.positions where pass.told[partition] != next {
            batch.stand(partition, at: next)
            pass.told[partition] = next
        }
        self.pass = pass
        guard !hasMore else { return }
        late.note(pass.told, after: pass.began.duration(to: .now))
        endPass()
        if batch.isEmpty { Self.wait(Self.betweenPasses) }
    }

    /// Of all partitions that the log has only those are read that the other process learns.
    private func begin(_ following: LateLog.Following) throws(EventLogError) -> Pass {
        let began = ContinuousClock.now
        let log = try following.open()
        do throws(EventLogError) {
            var from: [Int32: Int64] = [:]
            for partition in following.partitions {
                guard let position = delegate.position(of: partition) else {
                    throw EventLogError(.invalid, "\(log.name): partition \(partition) has no position yet")
                }
                from[partition] = position
            }
            let history = try log.history(LogRange(from: .offsets(from), to: .whole))
            let pass = Pass(log: log, history: history, began: began, told: from)
            guard Set(history.positions.keys) == following.partitions else {
                pass.history.close()
                throw EventLogError(.invalid, "\(log.name): other daemons learn some of its partitions")
            }
            guard LogContinuity.isSame(delegate.logMemory.identity, history.memory.identity) else {
                pass.history.close()
                throw EventLogError.otherLog(log.name, "it has another id", thing: "log")
            }
            return pass
        } catch {
            log.close()
            throw error
        }
    }

    private func endPass() {
        pass?.close()
        pass = nil
    }

    /// Never so long that the opening of the log would be noticed late.
    private static func wait(_ time: Duration) {
        Thread.sleep(forTimeInterval: min(time, betweenPasses) / .seconds(1))
    }

    func pause() {
        isPaused = true
        own?.pause()
    }

    func resume() {
        isPaused = false
        own?.resume()
    }

    /// What is read beside another process is told to nobody.
    func commit(_ positions: [Int32: Int64]) {
        committing.withLock { $0 }?.consumer.commit(positions)
    }

    func close() {
        endPass()
        own?.close()
        committing.withLock { $0 = nil }
    }
}
