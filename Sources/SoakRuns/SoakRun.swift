internal import BenchmarkSupport
internal import Foundation
internal import RESP

/// A soak: in its first part users come and the daemon is killed at intervals; in its second it is left alone over a fixed
/// population; in its third it is killed again. Then everything sent has to be there once.
package struct SoakRun {
    package struct Options: Sendable {
        package var seconds = 480.0
        /// Events a second; 0 for as many as are taken.
        package var rate = 40_000
        package var users = 5_000
        package var items = 2_000
        package var killEvery = 15.0
        /// Events in the log that learning may be behind before the feeder waits.
        package var lagMax = 200_000
        /// Events that the embedded log keeps behind a checkpoint.
        package var retainEvents = 200_000
        package var seed: UInt64 = 1
        package var settings: [String] = []

        package init() {}
    }

    package struct Result: Sendable {
        package var samples: [SoakSample] = []
        package var kills = 0
        package var sent = 0
        package var sentAgain = 0
        /// Of those sent, learned too few times or too often.
        package var lost = 0
        package var doubled = 0
        package var verdict: SoakVerdict?
        /// Why it ended before its time.
        package var failure: String?
    }

    private let options: Options
    private let daemon: SoakDaemon
    private let clients: SoakClients

    package init(program: String, _ options: Options) throws {
        self.options = options
        daemon = try SoakDaemon(
            program: program,
            settings: [
                "engine.factors=32", "engine.history-max=100", "checkpoint.every-seconds=2",
                "checkpoint.keep=2",
                "checkpoint.keep-every-seconds=20", "source.embedded.retain-events=\(options.retainEvents)",
            ] + options.settings)
        // Histories are full, and all users there, well before the daemon is measured first.
        let growsOver = min(SoakVerdict.referenceEvents / 2, Int(options.seconds * Double(options.rate) / 8))
        clients = SoakClients(
            socket: daemon.socket,
            stream: SoakStream(
                users: options.users, items: options.items, growsOver: max(1, growsOver), seed: options.seed),
            rate: options.rate)
    }

    /// - Parameter told: each sample as it is taken.
    package func run(told: (SoakSample) -> Void) throws -> Result {
        try daemon.start()
        defer { daemon.kill() }
        clients.start()
        var result = Result()
        do {
            try watch(into: &result, told)
            clients.stop(within: 60)
            if let failure = clients.failure { throw BenchmarkFailure(failure) }
            (result.sent, result.sentAgain) = (clients.events, clients.sentAgain)
            let learned = try settle(result.sent)
            (result.lost, result.doubled) = (max(0, result.sent - learned), max(0, learned - result.sent))
        } catch {
            // What was measured until then is worth having all the same.
            result.failure = "\(error)"
        }
        result.verdict = SoakVerdict(result.samples)
        return result
    }

    private func watch(into result: inout Result, _ told: (SoakSample) -> Void) throws {
        let start = ContinuousClock.now
        var (phase, nextKill) = (SoakSample.Phase.growing, options.killEvery)
        while true {
            Thread.sleep(forTimeInterval: 1)
            let seconds = start.duration(to: .now).seconds
            if seconds >= options.seconds { return }
            guard clients.failure == nil else { return }
            let sample = try sample(at: seconds, phase)
            result.samples.append(sample)
            told(sample)
            clients.wait(sample.lag > options.lagMax)
            let next = self.phase(after: phase, sample)
            // The first kill of the last part comes after a while, too.
            if next != phase { (phase, nextKill) = (next, seconds + options.killEvery) }
            guard phase != .steady, seconds >= nextKill else { continue }
            nextKill = seconds + options.killEvery
            daemon.kill()
            result.kills += 1
            try daemon.start()
        }
    }

    /// Growing ends with a quarter of the time at most, or once there is what the daemon is measured from; killing begins anew
    /// with the last seventh.
    private func phase(after phase: SoakSample.Phase, _ sample: SoakSample) -> SoakSample.Phase {
        if sample.seconds >= options.seconds * 6 / 7 { return .killed }
        guard phase == .growing else { return phase }
        let isGrown = sample.events >= SoakVerdict.referenceEvents * 3 / 4
        return isGrown || sample.seconds >= options.seconds / 4 ? .steady : .growing
    }

    private func sample(at seconds: Double, _ phase: SoakSample.Phase) throws -> SoakSample {
        guard daemon.isRunning else { throw BenchmarkFailure("the daemon has ended by itself") }
        let status = try self.status()
        var sample = SoakSample()
        (sample.seconds, sample.phase, sample.starts) = (seconds, phase, daemon.starts)
        sample.events = Self.number("events.applied", status)
        sample.lag = Self.number("lag.total", status)
        sample.users = Self.number("users.count", status)
        sample.residentBytes = daemon.residentBytes
        sample.files = daemon.files
        sample.take(lookups: clients.takeLookups())
        return sample
    }

    /// Asked for again where a busy machine, or somebody who stops its processes, lets nobody answer in time.
    private func status() throws -> RESPValue {
        for _ in 0..<3 where daemon.isRunning {
            if let client = try? RPCClient(socketPath: daemon.socket),
                let answer = try? client.call(["STATUS"])
            {
                return answer
            }
            Thread.sleep(forTimeInterval: 1)
        }
        return try RPCClient(socketPath: daemon.socket).call(["STATUS"])
    }

    /// Ratings learned once all is: what was delivered again is not among them.
    private func settle(_ sent: Int) throws -> Int {
        var learned = 0
        for _ in 0..<600 {
            let status = try self.status()
            learned = Self.number("events.ratings", status)
            if Self.number("lag.total", status) == 0, Self.number("events.in-memory", status) == 0 { break }
            Thread.sleep(forTimeInterval: 0.2)
        }
        return learned
    }

    private static func number(_ name: String, _ status: RESPValue) -> Int {
        guard case .integer(let value)? = status[name] else { return 0 }
        return Int(value)
    }
}
