internal import Dispatch
internal import Events
internal import Locking
internal import LookUps

/// Look-ups that wait until an event is learned and published (`AFTER token`).
final class Waiters: Sendable {
    typealias Completion = @Sendable (Result<Void, LookupError>) -> Void

    private struct State {
        var visible: [Int32: Int64] = [:]
        /// When look-ups were first shown the newest event before `visible`.
        var visibleSince = ContinuousClock().now
        var waiting: [UInt64: Waiter] = [:]
        var nextNumber: UInt64 = 0

        /// Takes out those that wait for such a token.
        mutating func end(where condition: (Token) -> Bool) -> [Completion] {
            let done = waiting.filter { condition($0.value.token) }
            for (number, waiter) in done {
                waiter.timer.cancel()
                waiting[number] = nil
            }
            return done.values.map(\.completion)
        }
    }
    private struct Waiter {
        var token: Token
        var completion: Completion
        /// Cancelled as soon as the wait ends: a time-out of minutes must not be kept for a wait of milliseconds.
        var timer: any DispatchSourceTimer
    }
    private let state = Lock(State())
    private let timeouts = DispatchQueue(label: "freshet.waiters")

    /// Next offset per partition that look-ups see.
    var visible: [Int32: Int64] { state.withLock { $0.visible } }

    /// The same, and since when.
    var visibleSince: (positions: [Int32: Int64], since: ContinuousClock.Instant) {
        state.withLock { ($0.visible, $0.visibleSince) }
    }

    /// Look-ups now see everything before these positions.
    func advance(to positions: [Int32: Int64]) {
        let ready = state.withLock { state in
            if positions != state.visible { state.visibleSince = ContinuousClock().now }
            state.visible = positions
            return state.end { $0.offset < positions[$0.partition] ?? 0 }
        }
        for completion in ready { completion(.success(())) }
    }

    func wait(for token: Token, timeout: Duration, completion: @escaping Completion) {
        let waits = state.withLock { state in
            if token.offset < state.visible[token.partition] ?? 0 { return false }
            state.nextNumber += 1
            state.waiting[state.nextNumber] = Waiter(
                token: token, completion: completion,
                timer: startTimer(of: state.nextNumber, token: token, timeout: timeout))
            return true
        }
        if !waits { completion(.success(())) }
    }

    private func startTimer(of number: UInt64, token: Token, timeout: Duration) -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: timeouts)
        timer.schedule(deadline: .now() + timeout.dispatchInterval)
        timer.setEventHandler { [self] in
            let late = state.withLock { state in state.waiting.removeValue(forKey: number)?.completion }
            let at =
                visible[token.partition].map { "at \(token.partition):\($0)" } ?? "not at this partition yet"
            late?(
                .failure(
                    LookupError(.stale, "event \(token) is not learned after \(timeout); the model is \(at)"))
            )
        }
        timer.activate()
        return timer
    }

    /// Nothing more will be learned.
    func fail(_ error: LookupError) {
        let all = state.withLock { state in state.end { _ in true } }
        for completion in all { completion(.failure(error)) }
    }
}

extension Duration {
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        return .nanoseconds(
            Int(clamping: seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
                + Int(attoseconds / 1_000_000_000))
    }

    /// For logs and status.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
