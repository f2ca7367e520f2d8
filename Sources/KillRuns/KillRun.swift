// KillRuns: the real program killed over and over, and what is left of its promises.
//
// Here live daemons that are killed at random moments and at named places, on either log, and what they end in beside one
// that nobody disturbed. A program's path comes in; what goes out is how often all was there. What never comes in: the parts of
// a daemon, which is another process.

package import BenchmarkSupport
internal import EmbeddedEventLog
internal import EventLog
internal import Events
package import Factors
internal import Foundation
internal import KillPoints
internal import Locking
internal import Logging
internal import RESP

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What daemons learn, from one of the two logs.
package enum KillSource {
    case embedded
    case kafka(MeasuredTopic)

    package var name: String {
        switch self {
        case .embedded: "embedded log"
        case .kafka: "Kafka, mock cluster"
        }
    }

    /// Within which a daemon is killed. A group gives partitions back only after the killed member's session.
    var microsecondsMax: Int {
        switch self {
        case .embedded: 600_000
        case .kafka: 4_000_000
        }
    }

    var settings: [String] {
        switch self {
        case .embedded: []
        case .kafka(let topic):
            [
                "source.kind=kafka", "source.kafka.brokers=\(topic.brokers)",
                "source.kafka.topic=\(topic.name)",
                "source.kafka.group=\(topic.name)", "source.kafka.dead-letter-topic=\(topic.name)-dead",
                "source.kafka.properties.session.timeout.ms=2500",
                "source.kafka.properties.heartbeat.interval.ms=200",
            ]
        }
    }
}

/// What came of some kills.
package struct KillTally: Sendable {
    package var kills = 0
    package var survived = 0
    /// By place; `moment` for those at a random moment.
    package var places: [String: Int] = [:]
    package var lost: Int64 = 0
    package var doubled: Int64 = 0
    package var rounds = 0
    package var equalDigests = 0
    /// What daemons said that did not come back.
    package var words: [String] = []

    package init() {}
}

/// Runs over one stream, each in a folder of its own: a daemon learns it, is killed and started again, a number of times, and
/// then goes on to the end.
package struct KillRun {
    private let program: String
    private let source: KillSource
    private let events: RecordedEvents
    /// What one ends in that nobody disturbs.
    private let expected: Learned

    private static let settings = [
        "engine.deterministic=true", "engine.factors=16", "engine.batch-events-max=256",
        "checkpoint.every-events=2000", "checkpoint.every-seconds=1", "checkpoint.keep=3",
        "checkpoint.keep-every-seconds=1", "http.listen=", "log.level=warning",
    ]

    package init(program: String, source: KillSource, events: RecordedEvents) throws {
        (self.program, self.source, self.events) = (program, source, events)
        let place = try KillPlace(program, Self.settings + source.settings)
        if case .embedded = source { try place.fillLog(events) }
        try place.start()
        defer { place.remove() }
        expected = try place.learned(events.count)
    }

    /// - Parameter tally: takes what comes of it.
    package func round(kills: Int, random: inout KeyedRandom, into tally: inout KillTally) throws {
        let place = try KillPlace(program, Self.settings + source.settings)
        if case .embedded = source { try place.fillLog(events) }
        defer { place.remove() }
        var places: [String: Int] = [:]
        for number in 0..<kills {
            places[try killOnce(place, &random, mayRestore: number > 0), default: 0] += 1
        }
        tally.rounds += 1
        tally.kills += kills
        tally.places.merge(places) { $0 + $1 }
        do {
            try place.start()
            let found = try place.learned(events.count)
            tally.lost += max(0, expected.applied - found.applied)
            tally.doubled += max(0, found.applied - expected.applied)
            guard found == expected else {
                tally.words.append("ended in \(found), not in \(expected)")
                return
            }
            tally.equalDigests += 1
            tally.survived += kills
        } catch {
            tally.words.append("\(error)")
        }
    }

    private static let whileLearning: [KillPoint] = [
        .checkpointMid, .checkpointCommitted, .generationMid, .generationWhole, .generationNamed,
    ]

    /// Where it was killed.
    private func killOnce(_ place: KillPlace, _ random: inout KeyedRandom, mayRestore: Bool) throws -> String
    {
        switch random.next(below: mayRestore ? 10 : 9) {
        case 0..<5:
            try place.start(wait: false)
            usleep(UInt32(random.next(below: source.microsecondsMax)))
            place.kill()
            return "moment"
        case 5..<9:
            let point = Self.whileLearning[random.next(below: Self.whileLearning.count)]
            let passes =
                point == .checkpointMid || point == .checkpointCommitted ? 1 + random.next(below: 4) : 1
            try place.start(at: "\(point.rawValue):\(passes)", wait: false)
            guard !place.waitForEnd(seconds: 8) else { return point.rawValue }
            // All was learned before it came there.
            place.kill()
            return "moment"
        default:
            let point = random.next(below: 2) == 0 ? KillPoint.restoreCopied : .restoreMid
            return try place.restore(killedAt: point) ? point.rawValue : "moment"
        }
    }
}

/// What a daemon has learned.
struct Learned: Equatable, CustomStringConvertible {
    var applied: Int64
    var digest: String

    var description: String { "\(applied) events and digest \(digest)" }
}

/// Where one daemon lives, over several starts.
final class KillPlace {
    private let program: String
    private let folder: String
    private let settings: [String]
    private var process: Process?

    init(_ program: String, _ settings: [String]) throws {
        self.program = program
        folder = FileManager.default.temporaryDirectory.path + "/fk-\(UUID().uuidString.prefix(8))"
        self.settings = settings
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    }

    private var state: String { folder + "/state" }
    private var socket: String { folder + "/s" }

    func fillLog(_ events: RecordedEvents) throws {
        let quiet = Logger(label: "kills") { _ in SwiftLogNoOpLogHandler() }
        let log = try EmbeddedLog(path: state + "/log.sqlite", logger: quiet)
        defer { log.close() }
        let done = DispatchSemaphore(value: 0)
        let refusal = Lock<EventLogError?>(nil)
        for index in 0..<events.count {
            try events.withRecord(index) { key, payload in
                let key = try EntityID(String(decoding: key, as: UTF8.self))
                log.append(key: key, payload: Array(payload), time: 1_700_000_000_000) { outcome in
                    if case .failure(let error) = outcome { refusal.withLock { $0 = error } }
                    done.signal()
                }
            }
            // Never more under way than the log takes.
            if index % 10_000 == 9_999 { for _ in 0..<10_000 { done.wait() } }
        }
        for _ in 0..<events.count % 10_000 { done.wait() }
        // What is not in the log would pass for lost.
        if let refusal = refusal.withLock({ $0 }) { throw refusal }
    }

    func start(at point: String? = nil, wait: Bool = true) throws {
        let process = Process()
        process.endWithParent(
            program,
            ["serve"]
                + (["state.folder=\(state)", "rpc.socket=\(socket)"] + settings).flatMap { ["--set", $0] })
        var environment = ProcessInfo.processInfo.environment
        environment[KillPoint.variable] = point
        process.environment = environment
        if !FileManager.default.fileExists(atPath: errors) {
            _ = FileManager.default.createFile(atPath: errors, contents: nil)
        }
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        self.process = process
        if wait { _ = try client() }
    }

    private var errors: String { folder + "/errors" }

    private func client() throws -> RPCClient {
        for _ in 0..<2_400 {
            if let client = try? RPCClient(socketPath: socket),
                case .simple("PONG")? = try? client.call(["PING"])
            {
                return client
            }
            guard process?.isRunning == true else { break }
            usleep(25_000)
        }
        let words = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        throw BenchmarkFailure("a daemon does not come back: \(words.suffix(1_000))")
    }

    /// Once all is learned.
    func learned(_ count: Int) throws -> Learned {
        let client = try client()
        for _ in 0..<4_800 {
            let status = try client.call(["STATUS"])
            if case .integer(Int64(count))? = status["position.0"] { break }
            usleep(25_000)
        }
        let status = try client.call(["STATUS", "DIGEST"])
        guard case .integer(let applied)? = status["events.applied"], let digest = status["digest"]?.string
        else {
            throw BenchmarkFailure("no digest in STATUS")
        }
        return Learned(applied: applied, digest: digest)
    }

    func kill() {
        guard let process else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Whether the daemon has ended by itself.
    func waitForEnd(seconds: Double) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        while process?.isRunning == true, Date() < end { usleep(10_000) }
        return process?.isRunning != true
    }

    /// Whether there was a generation to go back to, on whose way it was killed.
    func restore(killedAt point: KillPoint) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["checkpoint", "restore", "newest", "--folder", state]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        var environment = ProcessInfo.processInfo.environment
        environment[KillPoint.variable] = point.rawValue
        process.environment = environment
        try process.run()
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal
    }

    func remove() {
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
