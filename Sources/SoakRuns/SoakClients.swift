internal import BenchmarkSupport
internal import Factors
internal import Foundation
internal import Locking
internal import RESP

/// Who feeds and who asks, each on a thread of its own; both come back after the daemon was killed.
final class SoakClients: Sendable {
    private struct Shared {
        var isOver = false
        /// The feeder waits for learning to come after.
        var waits = false
        var events = 0
        var sentAgain = 0
        /// Microseconds, since they were last taken.
        var lookups: [Double] = []
        /// What is no wrong of the daemon's being killed.
        var failure: String?
    }

    private let shared = Lock(Shared())
    private let socket: String
    private let stream: SoakStream
    /// Events a second.
    private let rate: Int
    private let done = DispatchGroup()

    init(socket: String, stream: SoakStream, rate: Int) {
        (self.socket, self.stream, self.rate) = (socket, stream, rate)
    }

    func start() {
        for work in [feed, ask] {
            done.enter()
            Thread.detachNewThread { [done] in
                work()
                done.leave()
            }
        }
    }

    /// No more is sent; returns once all that was sent is acknowledged, or `seconds` have passed.
    func stop(within seconds: Int) {
        shared.withLock { $0.isOver = true }
        _ = done.wait(timeout: .now() + .seconds(seconds))
    }

    /// Acknowledged, each counted once.
    var events: Int { shared.withLock { $0.events } }
    var sentAgain: Int { shared.withLock { $0.sentAgain } }
    var failure: String? { shared.withLock { $0.failure } }

    func wait(_ waits: Bool) { shared.withLock { $0.waits = waits } }

    /// Those since the last call.
    func takeLookups() -> [Double] {
        shared.withLock { shared in
            defer { shared.lookups = [] }
            return shared.lookups
        }
    }

    private var isOver: Bool { shared.withLock { $0.isOver } }

    // MARK: - Feeding

    /// Batches that may be without an answer.
    private static let ahead = 8

    private func feed() {
        let start = ContinuousClock.now
        var (acknowledged, sent, highest) = (0, 0, 0)
        var client: RPCClient?
        while !(isOver && acknowledged == highest) {
            guard let connection = client ?? (try? RPCClient(socketPath: socket)) else {
                if isOver, shared.withLock({ $0.failure != nil }) { return }
                usleep(20_000)
                continue
            }
            client = connection
            do {
                while sent - acknowledged < Self.ahead, sent < highest || mayGoOn(highest, since: start) {
                    try connection.send(stream.command(batch: sent))
                    sent += 1
                    highest = max(highest, sent)
                }
                guard sent > acknowledged else {
                    usleep(1_000)
                    continue
                }
                try check(connection.receive())
                acknowledged += 1
                shared.withLock { $0.events = acknowledged * SoakStream.eventsPerBatch }
            } catch let error as BenchmarkFailure {
                return shared.withLock { $0.failure = "\(error)" }
            } catch {
                // Whether those under way were taken nobody can say.
                shared.withLock { $0.sentAgain += (sent - acknowledged) * SoakStream.eventsPerBatch }
                (client, sent) = (nil, acknowledged)
            }
        }
    }

    /// Whether it is time for the next new batch.
    private func mayGoOn(_ batches: Int, since start: ContinuousClock.Instant) -> Bool {
        let (isOver, waits) = shared.withLock { ($0.isOver, $0.waits) }
        guard !isOver, !waits else { return false }
        return rate == 0
            || Double(batches * SoakStream.eventsPerBatch) <= start.duration(to: .now).seconds * Double(rate)
    }

    private func check(_ answer: RESPValue) throws {
        guard case .array(let tokens) = answer else { throw BenchmarkFailure("FEED answered \(answer)") }
        for token in tokens {
            if case .error(let words) = token { throw BenchmarkFailure("an event was refused: \(words)") }
        }
    }

    // MARK: - Asking

    private func ask() {
        var (client, random): (RPCClient?, KeyedRandom) = (nil, KeyedRandom(seed: stream.seed &+ 1))
        while !isOver {
            guard let connection = client ?? (try? RPCClient(socketPath: socket)) else {
                usleep(20_000)
                continue
            }
            client = connection
            let user = random.next(below: max(1, stream.usersKnown(at: events)))
            let start = ContinuousClock.now
            do {
                let answer = try connection.call(["RECOMMEND", "u\(user)", "COUNT", "10"])
                let micros = start.duration(to: .now).seconds * 1e6
                if case .error(let words) = answer {
                    shared.withLock { $0.failure = "a look-up was refused: \(words)" }
                } else {
                    shared.withLock { $0.lookups.append(micros) }
                }
            } catch {
                client = nil
            }
            usleep(1_000)
        }
    }
}
