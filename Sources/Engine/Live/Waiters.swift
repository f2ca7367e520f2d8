internal import Dispatch
internal import EventLog
internal import Locking

/// Look-ups that wait until an event is learned and published (`AFTER token`).
final class Waiters: Sendable {
    typealias Completion = @Sendable (Result<Void, LookupError>) -> Void

    private struct State {
        var visible: [Int32: Int64] = [:]
        var waiting: [UInt64: (token: Token, completion: Completion)] = [:]
        var nextNumber: UInt64 = 0
    }
    private let state = Lock(State())
    private let timeouts = DispatchQueue(label: "freshet.waiters")

    /// Next offset per partition that look-ups see.
    var visible: [Int32: Int64] { state.withLock { $0.visible } }

    /// Look-ups now see everything before these positions.
    func advance(to positions: [Int32: Int64]) {
        let ready = state.withLock { state in
            state.visible = positions
            let done = state.waiting.filter {
                $0.value.token.offset < positions[$0.value.token.partition] ?? 0
            }
            for number in done.keys { state.waiting[number] = nil }
            return done.values.map(\.completion)
        }
        for completion in ready { completion(.success(())) }
    }

    func wait(for token: Token, timeout: Duration, completion: @escaping Completion) {
        let number: UInt64? = state.withLock { state in
            if token.offset < state.visible[token.partition] ?? 0 { return nil }
            state.nextNumber += 1
            state.waiting[state.nextNumber] = (token, completion)
            return state.nextNumber
        }
        guard let number else { return completion(.success(())) }
        timeouts.asyncAfter(deadline: .now() + timeout.dispatchInterval) { [self] in
            let late = state.withLock { state in state.waiting.removeValue(forKey: number) }
            let at =
                visible[token.partition].map { "at \(token.partition):\($0)" } ?? "not at this partition yet"
            late?.completion(
                .failure(
                    LookupError(.stale, "event \(token) is not learned after \(timeout); the model is \(at)"))
            )
        }
    }

    /// Nothing more will be learned.
    func fail(_ error: LookupError) {
        let all = state.withLock { state in
            let all = state.waiting.values.map(\.completion)
            state.waiting = [:]
            return all
        }
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
