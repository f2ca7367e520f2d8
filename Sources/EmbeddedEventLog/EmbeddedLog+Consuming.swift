import EventLog
import Locking
import Logging

/// What the consumer needs of its log.
extension EmbeddedLog {
    func requireOpen() throws(EventLogError) {
        if state.withLock({ $0.closed }) { throw failures.closed() }
    }

    /// Of the last reading; logged when it begins to fail and when it goes on.
    func noteReading(_ error: EventLogError?) {
        let failed = state.withLock { state in
            defer { state.readingFailed = error != nil }
            if let error { state.health.lastError = error.message }
            return state.readingFailed
        }
        if let error, !failed {
            logger.error("cannot read the log; trying again", metadata: ["error": "\(error)"])
        } else if error == nil, failed {
            logger.notice("\(name) can be read again")
        }
    }

    func setPaused(_ paused: Bool) {
        state.withLock { $0.paused = paused }
    }

    func warn(_ words: String) { logger.warning("\(words)") }

    func releaseConsumer() {
        state.withLock {
            $0.consuming = false
            $0.paused = false
        }
    }

    func raiseEnd(to offset: Int64) throws(EventLogError) {
        try store.raiseEnd(to: offset)
        let bounds = try store.bounds()
        extent.setEnd(bounds.end)
        extent.setEarliest(bounds.earliest)
    }

    /// Deletes what lies more than `retainEvents` behind the checkpointed position. A failure is logged: the
    /// events are merely kept longer.
    func retain(behind position: Int64) {
        let retainEvents = bounds.withLock { $0.retainEvents }
        guard retainEvents > 0 else { return }
        let limit = min(position, extent.bounds.end) - retainEvents
        do throws(EventLogError) {
            while extent.bounds.earliest < limit {
                extent.setEarliest(try store.deleteEvents(below: limit, rowsMax: Self.deletedAtOnce))
            }
        } catch  where error.code == .closed {
            return
        } catch {
            logger.warning("old events are kept: \(error)")
        }
    }
}
