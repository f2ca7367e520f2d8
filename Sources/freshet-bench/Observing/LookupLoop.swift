internal import Engine
internal import Events
internal import Foundation
internal import Locking
internal import LookUps

/// Somebody who asks for recommendations a thousand times a second, until it is enough.
final class LookupLoop: Sendable {
    private struct State {
        var times: [Double] = []
        var isEnding = false
    }

    private let state = Lock(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ engine: Engine, users: Int) {
        let state = state
        let ended = ended
        Thread.detachNewThread {
            var number: UInt32 = 0
            while !state.withLock({ $0.isEnding }) {
                number &+= 1
                let name = "user-\((number % UInt32(users)) &* 2_654_435_761)"
                let begin = ContinuousClock.now
                if let user = try? EntityID(name) { _ = try? engine.answer(RecommendQuery(user: user)) }
                let time = begin.duration(to: .now) / .microseconds(1)
                state.withLock { $0.times.append(time) }
                Thread.sleep(forTimeInterval: 0.001)
            }
            ended.signal()
        }
    }

    /// Microseconds of a look-up: 99 of 100 took no longer, and none took longer.
    @discardableResult
    func end() -> (p99: Double, most: Double) {
        let isFirst = state.withLock { state in
            defer { state.isEnding = true }
            return !state.isEnding
        }
        if isFirst { ended.wait() }
        let times = state.withLock { $0.times.sorted() }
        return (times.isEmpty ? 0 : times[times.count * 99 / 100], times.last ?? 0)
    }
}
