// HostileClients: clients that mean no good, for benchmarks and tests.
//
// Here live what such a client does with one connection, and fleets of them. A socket's path comes in; counts of what
// became of them go out. What never comes in: what is measured beside them.

internal import Foundation
internal import Locking
internal import RESP

/// Many hostile connections, stepped by one thread; who is closed comes again.
package final class HostileFleet: Sendable {
    package struct Counts: Sendable, Equatable {
        package var open = 0
        package var openMost = 0
        /// Of connections that came through.
        package var connected = 0
        /// Of those that the daemon closed, or that went by themselves.
        package var ended = 0
        /// Attempts for which the socket had no place.
        package var unanswered = 0
        /// How often the daemon said which, before it closed.
        package var refusals: [String: Int] = [:]
    }

    private static let comingPerSweepMax = 512

    private let path: String
    private let wanted: [HostileManner]
    private let pause: Duration
    private let isStopped = Lock(false)
    private let state = Lock(Counts())
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - numbers: of connections, by what they do.
    ///   - pause: between two steps of each connection.
    package init(path: String, _ numbers: [(HostileManner, Int)], pause: Duration = .milliseconds(20)) {
        self.path = path
        self.pause = pause
        wanted = numbers.flatMap { Array(repeating: $0.0, count: $0.1) }
    }

    package var counts: Counts { state.withLock { $0 } }

    package func start() { Thread.detachNewThread { self.run() } }

    /// Returns once all are closed.
    package func stop() {
        isStopped.withLock { $0 = true }
        ended.wait()
    }

    private func run() {
        // On a machine of their own they would take nothing of the daemon's processors but by what they ask.
        ThreadPriority.yieldToLookUps()
        var connections = [HostileConnection?](repeating: nil, count: wanted.count)
        var room = [UInt8](repeating: 0, count: 16 << 10)
        while !isStopped.withLock({ $0 }) {
            var counts = counts
            var coming = 0
            for index in wanted.indices {
                if connections[index] == nil, coming < Self.comingPerSweepMax {
                    coming += 1
                    connections[index] = HostileConnection(wanted[index], to: path)
                    if connections[index] == nil { counts.unanswered += 1 } else { counts.connected += 1 }
                }
                connections[index]?.step(&room)
                if connections[index]?.isEnded == true {
                    counts.ended += 1
                    if let refusal = connections[index]?.refusal {
                        counts.refusals[Self.firstWords(refusal), default: 0] += 1
                    }
                    connections[index] = nil
                }
            }
            counts.open = connections.count { $0 != nil }
            counts.openMost = max(counts.openMost, counts.open)
            state.withLock { [counts] in $0 = counts }
            Thread.sleep(forTimeInterval: Double(pause.components.attoseconds) / 1e18)
        }
        for index in connections.indices { connections[index]?.end() }
        ended.signal()
    }

    /// Without the numbers that make each message its own.
    private static func firstWords(_ text: String) -> String {
        text.prefix { $0 != "\r" }.split(separator: " ").prefix(6).joined(separator: " ")
    }

    /// Lets this process have as many open files; to be called before many connections are made.
    ///
    /// - Returns: how many it may have.
    package static func makeRoom(for files: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return files }
        limit.rlim_cur = min(max(limit.rlim_cur, rlim_t(files)), limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
