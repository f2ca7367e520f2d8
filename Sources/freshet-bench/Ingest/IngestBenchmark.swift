internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import EventLog
internal import Events
internal import Factors
internal import Foundation
internal import KafkaEventLog
internal import Logging
internal import LookUps
internal import State

/// A backlog in Kafka, learned by the whole engine with checkpoints on.
struct IngestBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Learns a backlog from Kafka: events per second, and what each stage costs.",
        discussion: """
            The engine as it is shipped, in this process, with its state file and its checkpoints, consumes a topic that \
            was filled before. The broker is librdkafka's mock cluster in another process, whose processor time is told \
            apart, or a real one. Beside it, in the same run: librdkafka alone reading the topic, and the decoder \
            alone.

            EXAMPLES
              swift run -c release freshet-bench ingest --events ml-1m/ratings.csv.gz
              swift run -c release freshet-bench ingest --events ml-1m/ratings.csv.gz --models stars --json
              swift run -c release freshet-bench ingest --users 1000000 --items 100000 --count 4000000
              swift run -c release freshet-bench ingest --kafka localhost:9092 --events ml-1m/ratings.csv.gz
            """)

    @Option(help: "host:port of a real broker; the mock cluster where absent.") var kafka: String?
    @Option(
        help:
            "MovieLens, CSV or JSON, gzip or not, taken in the order of time; invented ratings where absent.")
    var events: String?
    @Option(help: "Users of invented ratings.") var users = 6_000
    @Option(help: "Items of invented ratings.") var items = 4_000
    @Option(help: "Invented ratings.") var count = 1_000_000
    @Option(help: "The daemon's models: default, or names of some, parted by commas.") var models = "default"
    @Option(help: "Learning shards; 0 as shipped.") var shards = 0
    @Option(help: "Partitions of the topic; 0 for as many as the mock needs.") var partitions = 0
    @Option(help: "How producers compress: none, lz4 or zstd.") var compression = "lz4"
    @Flag(help: "Print a JSON object.") var json = false

    private var names: [String] { models.split(separator: ",").map(String.init) }

    func validate() throws {
        let known = ModelOptions.defaults.map(\.name)
        guard models == "default" || names.allSatisfy(known.contains), !names.isEmpty else {
            throw ValidationError("models are default or some of \(known.joined(separator: ", "))")
        }
        guard users > 0, items > 0, count > 0, shards >= 0, partitions >= 0 else {
            throw ValidationError("users, items and count must be above 0, shards and partitions not below")
        }
    }

    func run() async throws {
        // As the daemon does.
        Heap.keepLittle()
        let options = engineOptions()
        let (topic, recorded) = try fill(options.events)
        defer { topic.close() }
        // What was recorded is gone by now: what is resident from here on is the engine's.
        Heap.trim()
        var report = try await learn(topic, count: recorded.count, options)
        report.bareSeconds = recorded.bareSeconds
        report.decodeSeconds = recorded.decodeSeconds
        try report.print(asJSON: json)
    }

    private func fill(
        _ options: EventOptions
    ) throws -> (MeasuredTopic, (count: Int, bareSeconds: Double, decodeSeconds: Double)) {
        let recorded =
            try events.map { try RecordedEvents(file: $0, options: options) }
            ?? RecordedEvents(users: users, items: items, count: count, options: options)
        // Of what the mock keeps of a partition, half: murmur2 does not spread evenly.
        let enough = max(4, recorded.bytes.count / (compression == "none" ? 2_500_000 : 6_000_000))
        let topic = try MeasuredTopic(brokers: kafka, partitions: partitions > 0 ? partitions : enough)
        do {
            try topic.fill(recorded, compression: compression)
            let bare = try BareConsumer.seconds(topic, count: recorded.count)
            return (topic, (recorded.count, bare, seconds(runs: 1) { decode(recorded, options) }))
        } catch {
            topic.close()
            throw error
        }
    }

    private func engineOptions() -> EngineOptions {
        var options = EngineOptions()
        if shards > 0 { options.state.shards = shards }
        if models != "default" { options.state.models.removeAll { !names.contains($0.name) } }
        options.state.defaultModel = options.state.models[0].name
        return options
    }

    private func decode(_ recorded: RecordedEvents, _ options: EventOptions) {
        let decoder = EventDecoder(options: options)
        for index in 0..<recorded.count { recorded.withRecord(index) { _ = try? decoder.decode($1) } }
    }

    private func learn(_ topic: MeasuredTopic, count: Int, _ options: EngineOptions) async throws
        -> IngestReport
    {
        let folder = FileManager.default.temporaryDirectory.path + "/freshet-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() })
        let log = try KafkaLog(
            options: KafkaOptions(brokers: topic.brokers, topic: topic.name, group: topic.name),
            logger: logger)
        let names = Dictionary(uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let file = try StateFile(
            path: folder + "/state.sqlite",
            identity: StateIdentity(factors: options.state.factors, models: names, source: log.source))
        let engine = try Engine(options: options, file: file, log: log, logger: logger)
        engine.start { _ in }
        var report = IngestReport(
            events: count, models: options.state.models.map(\.name), shards: options.state.shards,
            users: 0, items: 0)
        try await report.measure(engine, topic)
        let isDurable = Task.detached { try engine.checkpointNow() }
        try await isDurable.value
        report.memory.take(engine, options: options.state)
        try await report.memory.rest()
        try engine.stop()
        log.close()
        return report
    }
}
