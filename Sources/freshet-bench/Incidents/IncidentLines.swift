internal import BenchmarkSupport
internal import Foundation
internal import Locking
internal import RESP

/// Lines of one daemon's look-ups, each held against the first, at rest.
final class IncidentLines {
    /// Done over and over by another client meanwhile; true where it counts.
    typealias Meanwhile = @Sendable (RPCClient) throws -> Bool

    private let daemon: MeasuredDaemon
    private let lookups: SocketLookups
    private var rest: LookupResult?

    init(_ daemon: MeasuredDaemon, seconds: Double) {
        self.daemon = daemon
        lookups = SocketLookups(daemon: daemon, count: 10, seconds: seconds)
    }

    /// - Parameter rate: events a second that are fed meanwhile.
    /// - Returns: how often `meanwhile` counted.
    /// - Throws: what it threw, too.
    @discardableResult
    func measure(_ name: String, learning rate: Int = 0, _ meanwhile: Meanwhile? = nil) throws -> Int {
        let beside = meanwhile.map { Beside(daemon.socketPath, $0) }
        var result = try lookups.recommend(clients: 1, ahead: 1, learning: rate)
        let count = try beside?.end() ?? 0
        result.name = name
        let ratio = rest.map { String(format: "    %.1f × at rest", result.p99 / $0.p99) } ?? ""
        print(result.line + ratio)
        rest = rest ?? result
        return count
    }
}

/// Somebody who does one thing over and over, on a thread of its own, until that is ended.
private final class Beside: Sendable {
    private struct State {
        var count = 0
        var isEnding = false
        var failure: (any Error)?
    }

    private let state = Lock(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ socketPath: String, _ body: @escaping IncidentLines.Meanwhile) {
        let (state, ended) = (state, ended)
        Thread.detachNewThread {
            do {
                let client = try RPCClient(socketPath: socketPath, timeout: .seconds(120))
                while !state.withLock({ $0.isEnding }) {
                    if try body(client) { state.withLock { $0.count += 1 } }
                }
            } catch {
                state.withLock { $0.failure = error }
            }
            ended.signal()
        }
    }

    func end() throws -> Int {
        state.withLock { $0.isEnding = true }
        ended.wait()
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.count
        }
    }
}
