import Dispatch
import Locking

/// How far the embedded log reaches just now, and the place where its consumer waits for more.
///
/// The consumer sleeps on a semaphore that the writer signals after each commit; neither ever polls.
final class LogExtent: Sendable {
    struct Bounds: Sendable, Equatable {
        /// The oldest offset still in the log; equals `end` while the log is empty.
        var earliest: Int64
        /// One past the newest offset.
        var end: Int64
    }

    private struct State {
        var bounds: Bounds
        var closed = false
        var waiter: DispatchSemaphore?
    }

    private let state: Lock<State>

    init(_ bounds: Bounds) {
        state = Lock(State(bounds: bounds))
    }

    var bounds: Bounds { state.withLock { $0.bounds } }

    func setEarliest(_ earliest: Int64) {
        state.withLock { $0.bounds.earliest = max($0.bounds.earliest, earliest) }
    }

    /// Makes the records below `end` known, and wakes the consumer.
    func setEnd(_ end: Int64) {
        wakeAfter { $0.bounds.end = max($0.bounds.end, end) }
    }

    func close() {
        wakeAfter { $0.closed = true }
    }

    /// Returns once a record at or past `offset` exists, the log is closed, or the deadline has passed.
    func wait(for offset: Int64, until deadline: DispatchTime) {
        // A signal that comes just after a time-out wakes the next wait for nothing, hence the loop.
        while true {
            let semaphore: DispatchSemaphore? = state.withLock { state in
                guard state.bounds.end <= offset, !state.closed else { return nil }
                let waiter = state.waiter ?? DispatchSemaphore(value: 0)
                state.waiter = waiter
                return waiter
            }
            guard let semaphore, semaphore.wait(timeout: deadline) == .success else { return }
        }
    }

    private func wakeAfter(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.signal()
    }
}
