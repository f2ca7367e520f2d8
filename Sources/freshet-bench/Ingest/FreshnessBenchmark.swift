internal import ArgumentParser
internal import BenchmarkSupport
internal import Events
internal import Foundation
internal import RESP

/// How soon an event shows in a look-up while many others are learned.
struct FreshnessBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshness",
        abstract: "Time until an event shows in a look-up while many others are learned.",
        discussion: """
            A daemon of its own with the default models, once with the embedded log and once with Kafka (librdkafka's mock \
            cluster in another process, or a real broker). Events come at a rate, through the socket by `freshet feed`, \
            or by a producer; meanwhile single events are sent by another connection, and each is timed from before \
            it is sent until a RECOMMEND that asks for at least that event (AFTER) has answered. Beside it PING on the \
            same socket, and RECOMMEND at rest and under the load; their last column is the 99.9th percentile.

            EXAMPLES
              swift run -c release freshet-bench freshness
              swift run -c release freshet-bench freshness --rate 20000 --no-socket --json
              swift run -c release freshet-bench freshness --kafka localhost:9092 --set engine.shards=1
            """)

    @Option(help: "host:port of a real broker; the mock cluster where absent.") var kafka: String?
    @Option(help: "Events a second.") var rate = 50_000
    @Option(help: "Items of the catalogue.") var items = 4_000
    @Option(help: "Seconds that each line takes.") var seconds = 5.0
    @Option(help: "Probes a second.") var probes = 100
    @Option(help: "Partitions of the topic.") var partitions = 8
    @Option(help: "The daemon's program; beside this one where absent.") var daemon: String?
    @Option(name: .customLong("set"), help: "key=value of the daemon's configuration; may be repeated.")
    var settings: [String] = []
    @Flag(inversion: .prefixedNo, help: "Measure with the embedded log, fed through the socket.") var socket =
        true
    @Flag(inversion: .prefixedNo, help: "Measure with Kafka.") var topic = true
    @Flag(help: "Print a JSON object a line.") var json = false

    func validate() throws {
        guard rate > 0, items > 0, seconds > 0, probes > 0, partitions > 0 else {
            throw ValidationError("numbers must be above 0")
        }
    }

    func run() throws {
        if !json { print(FreshnessResult.header) }
        if socket { try measureSocket() }
        if topic { try measureKafka() }
    }

    private var program: String {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return daemon ?? own.deletingLastPathComponent().appendingPathComponent("freshet").path
    }

    private func measureSocket() throws {
        let measured = try MeasuredDaemon(
            program: program, items: items, factors: 64, seen: 50, settings: settings)
        defer { measured.stop() }
        let client = try RPCClient(socketPath: measured.socketPath)
        try measure("socket", measured) {
            try measured.startLearning(rate: rate, seconds: 3 * seconds + 5).stop
        } append: { user, item in
            let answer = try client.call(["RATE", user, item, "5"])
            switch answer {
            case .bulk(let token): return String(decoding: token, as: UTF8.self)
            case .simple(let token): return token
            default: throw BenchmarkFailure("RATE answered \(answer)")
            }
        }
    }

    private func measureKafka() throws {
        let topic = try MeasuredTopic(brokers: kafka, partitions: partitions)
        defer { topic.close() }
        let log = [
            "source.kind=kafka", "source.kafka.brokers=\(topic.brokers)", "source.kafka.topic=\(topic.name)",
            "source.kafka.group=\(topic.name)",
        ]
        // The mock answers a fetch that finds nothing once its wait is over, also where something comes meanwhile; a real
        // broker answers at once.
        let mock = kafka == nil ? ["source.kafka.properties.fetch.wait.max.ms=2"] : []
        let measured = try MeasuredDaemon(
            program: program, items: items, factors: 64, seen: 50, settings: log + mock + settings)
        defer { measured.stop() }
        let events = try RecordedEvents(
            users: measured.users, items: items, count: 1_000_000, options: EventOptions())
        let probe = try KafkaProbe(topic)
        try measure("kafka", measured) {
            KafkaLoad(topic, events, rate: rate).stop
        } append: { user, item in
            try probe.append(key: user, #"{"user":"\#(user)","item":"\#(item)","rating":5}"#)
        }
    }

    /// - Parameters:
    ///   - load: starts it, and says how to stop it.
    ///   - append: sends one event and answers its token.
    private func measure(
        _ way: String, _ daemon: MeasuredDaemon, load: () throws -> () -> Void,
        append: (_ user: String, _ item: String) throws -> String
    ) throws {
        let lookups = SocketLookups(daemon: daemon, count: 10, seconds: seconds)
        try say(FreshnessResult(way: way, learning: 0, try lookups.ping()))
        let rest = try lookups.recommend(clients: 1, ahead: 1, learning: 0)
        try say(FreshnessResult(way: way, learning: 0, rest))
        let client = try RPCClient(socketPath: daemon.socketPath)
        try say(FreshnessResult(way: way, name: "event shows", learning: 0, try probe(client, append)))
        let stop = try load()
        defer { stop() }
        // The first second of a load is not counted.
        Thread.sleep(forTimeInterval: 1)
        let (shown, rate) = try timed(client) { try probe(client, append) }
        try say(FreshnessResult(way: way, name: "event shows", learning: rate, shown))
        let before = try stages(client)
        let (busy, rateThen) = try timed(client) {
            try lookups.recommend(clients: 1, ahead: 1, learning: self.rate)
        }
        let after = try stages(client)
        try say(FreshnessResult(way: way, learning: rateThen, busy))
        let spent = after.merging(before) { $0 - $1 }
        guard !json else { return try sayStages(way, spent) }
        print(String(format: "  RECOMMEND's p99 %.1f times that at rest", busy.p99 / rest.p99))
        print("  the daemon's stages meanwhile, seconds of wall time in each of \(seconds):")
        for (name, value) in spent.sorted(by: { $0.key < $1.key }) {
            print("    " + name.padded(24) + String(format: "%.3f", value / seconds))
        }
    }

    private func sayStages(_ way: String, _ spent: [String: Double]) throws {
        var figures = Figures(
            benchmark: "freshness", parameters: ["rate": Double(rate), "seconds": seconds])
        for (name, value) in spent { figures.figures["\(way).stage.\(name)-s"] = value }
        try figures.printJSON(pretty: false)
    }

    /// Seconds of each stage so far.
    private func stages(_ client: RPCClient) throws -> [String: Double] {
        guard case .map(let fields) = try client.call(["STATUS"]) else { return [:] }
        var stages: [String: Double] = [:]
        for case (.bulk(let name), let value) in fields {
            let name = String(decoding: name, as: UTF8.self)
            guard name.hasPrefix("stage."), name.hasSuffix("-s"), let seconds = Self.number(value) else {
                continue
            }
            stages[String(name.dropFirst(6).dropLast(2))] = seconds
        }
        return stages
    }

    private static func number(_ value: RESPValue) -> Double? {
        switch value {
        case .double(let value): value
        case .integer(let value): Double(value)
        case .bulk(let bytes): Double(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    private func say(_ result: FreshnessResult) throws {
        guard json else { return print(result.line) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(result), as: UTF8.self))
    }

    /// What `body` measures, and how many events were learned a second meanwhile.
    private func timed<Result>(_ client: RPCClient, _ body: () throws -> Result) throws -> (Result, Int) {
        let clock = ContinuousClock()
        let (start, before) = (clock.now, try applied(client))
        let result = try body()
        let learned = Double(try applied(client) - before)
        return (result, Int(learned / start.duration(to: clock.now).seconds))
    }

    private func applied(_ client: RPCClient) throws -> Int {
        guard case .map(let fields) = try client.call(["STATUS"]) else { return 0 }
        for case (.bulk(let name), .integer(let value)) in fields
        where String(decoding: name, as: UTF8.self) == "events.applied" {
            return Int(value)
        }
        return 0
    }

    private func probe(
        _ client: RPCClient, _ append: (_ user: String, _ item: String) throws -> String
    ) throws -> Latencies {
        let clock = ContinuousClock()
        var latencies = Latencies()
        let count = Int(seconds * Double(probes))
        var due = clock.now
        for number in 0..<count {
            let wait = clock.now.duration(to: due).seconds
            if wait > 0 { Thread.sleep(forTimeInterval: wait) }
            // Not in step with anything that runs at a whole number of milliseconds.
            due += .seconds(1 / Double(probes)) + .microseconds(number % 7 * 131 - 393)
            let (user, item) = ("probe\(number % 50)", "i\(number * 31 % items)")
            let start = clock.now
            let token = try append(user, item)
            let answer = try client.call([
                "RECOMMEND", user, "COUNT", "1", "AFTER", token, "TIMEOUT", "10000",
            ])
            if case .error(let words) = answer { throw BenchmarkFailure("RECOMMEND answered \(words)") }
            latencies.record(start.duration(to: clock.now))
        }
        return latencies
    }
}
