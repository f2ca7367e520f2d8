import Dispatch
import Engine
import EventLog
import Locking

/// Tells systemd again and again that the daemon is not stuck (`WatchdogSec` of its unit).
///
/// What could be stuck is the engine's queue, behind which all learning waits: it is asked for a position, which it answers
/// behind the batches that wait there. Without an answer nothing is told, and after the time of the unit systemd ends the
/// process and starts another, which goes on from the last checkpoint.
final class Watchdog: Sendable {
    private let readiness: Readiness
    private let engine: Engine
    // Unsafe only in name: Dispatch guards its sources, and this field is never changed, it keeps one alive.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer
    /// An answer is waited for; no second question is asked meanwhile.
    private let isAsking = Lock(false)

    /// `nil` where nobody watches: `WATCHDOG_USEC` is not set, or is another process's.
    init?(_ engine: Engine, _ readiness: Readiness, environment: [String: String], process: Int32) {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int(text), microseconds > 0,
            environment["WATCHDOG_PID"].map({ Int32($0) == process }) ?? true
        else { return nil }
        self.engine = engine
        self.readiness = readiness
        let timer = DispatchSource.makeTimerSource(queue: .global())
        self.timer = timer
        // Four times as often as has to be: a machine that is busy for a while is not stuck.
        timer.schedule(deadline: .now(), repeating: .microseconds(max(1, microseconds / 4)))
        timer.setEventHandler { [weak self] in self?.ask() }
        timer.resume()
    }

    func stop() { timer.cancel() }

    private func ask() {
        let isFirst = isAsking.withLock { isAsking in
            defer { isAsking = true }
            return !isAsking
        }
        guard isFirst else { return }
        _ = engine.position(of: 0)
        isAsking.withLock { $0 = false }
        readiness.alive()
    }
}
