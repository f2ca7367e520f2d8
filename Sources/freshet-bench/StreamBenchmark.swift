internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import EventLog
internal import Events
internal import Foundation
internal import Learners
internal import Logging
internal import LookUps
internal import State

/// A file of events replayed in time order through the whole engine, from memory: decoding, interning, the prequential
/// score, the models, publication and checkpoints.
struct StreamBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Replays a file through the engine: events per second, and live scores.")

    @Argument(help: "MovieLens, CSV or JSONL, gzip or not.") var file: String
    @Option(help: "Learning shards; 0 for one per core.") var shards = 0
    @Option(help: "The score's window, in events; 0 for the last fifth of the file.") var window = 0

    @Option(
        name: .customLong("learner"),
        help:
            "A learner, sgd, bpr, warp or als, with its live defaults; may be given several times. None: the daemon's models."
    )
    var learners: [String] = []
    @Option(help: "Most events learned together.") var batch = EngineOptions().ingest.batchEventsMax

    func run() async throws {
        let options = EventOptions()
        let records = try load(options)
        let decodeTime = seconds(runs: 1) { decode(records, options) }
        let shardCount = shards > 0 ? shards : ProcessInfo.processInfo.activeProcessorCount
        let one = try await replay(records, shards: 1)
        let many = try await replay(records, shards: shardCount)
        let count = Double(records.count)
        Report.print(
            [
                Comparison(
                    name: "\(records.count) events, 1 shard", ours: count / one.seconds,
                    baselineName: "decoding alone", baseline: count / decodeTime, unit: "events/s"),
                Comparison(
                    name: "\(records.count) events, \(shardCount) shards", ours: count / many.seconds,
                    baselineName: "1 shard", baseline: count / one.seconds, unit: "events/s"),
            ] + scores(many.status))
        Report.print(stages(one, shards: 1) + stages(many, shards: shardCount))
    }

    private func load(_ options: EventOptions) throws -> [[UInt8]] {
        let source = try EventFile.open(file, format: nil, options: options)
        var events: [Event] = []
        while let line = try source.next() {
            if case .event(let event) = line { events.append(event) }
        }
        guard !events.isEmpty else { throw ValidationError("'\(file)' holds no events") }
        let order = events.indices.sorted { (events[$0].time ?? 0, $0) < (events[$1].time ?? 0, $1) }
        return order.map { EventEncoder.encode(events[$0], options: options) }
    }

    private func decode(_ records: [[UInt8]], _ options: EventOptions) {
        let decoder = EventDecoder(options: options)
        for record in records { _ = try? decoder.decode(record) }
    }

    private func replay(
        _ records: [[UInt8]], shards: Int
    ) async throws -> (seconds: Double, status: [StatusField]) {
        var options = EngineOptions()
        options.state.shards = shards
        options.ingest.batchEventsMax = batch
        options.state.models = try models() ?? options.state.models
        options.state.defaultModel = options.state.models[0].name
        options.state.scoreWindowEvents = window > 0 ? window : max(100, records.count / 5)
        let folder = FileManager.default.temporaryDirectory.path + "/freshet-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let models = Dictionary(uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let file = try StateFile(
            path: folder + "/state.sqlite",
            identity: StateIdentity(factors: options.state.factors, models: models, source: "memory"))
        let logger = Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() })
        let engine = try Engine(
            options: options, file: file, log: ReplayLog(records: records), logger: logger)
        let clock = ContinuousClock()
        let start = clock.now
        engine.start { _ in }
        let all = StatusField.Value.integer(Int64(records.count))
        while engine.status().first(where: { $0.name == "position.0" })?.value != all {
            try await Task.sleep(for: .milliseconds(5))
        }
        let seconds = start.duration(to: clock.now).seconds
        let status = engine.status()
        try engine.stop()
        return (seconds, status)
    }

    /// Seconds of each stage beside those of the whole.
    private func stages(_ run: (seconds: Double, status: [StatusField]), shards: Int) -> [Comparison] {
        ["fetch", "decode", "prepare", "wait", "learn", "publish"].compactMap { stage in
            guard
                case .double(let value)? = run.status.first(where: { $0.name == "stage.\(stage)-s" })?.value
            else { return nil }
            return Comparison(
                name: "\(shards) shards: \(stage)", ours: value, baselineName: "all", baseline: run.seconds,
                unit: "s", moreIsBetter: false)
        }
    }

    private func models() throws -> [ModelOptions]? {
        guard !learners.isEmpty else { return nil }
        let positive = PositiveRule(ratingMin: 4)
        return try learners.map { name in
            switch name {
            case "sgd": ModelOptions(name: name, learner: .sgd(.live))
            case "bpr": ModelOptions(name: name, learner: .bpr(.live, positive: positive))
            case "warp": ModelOptions(name: name, learner: .warp(.live, positive: positive))
            case "mlp": ModelOptions(name: name, learner: .mlp(.live))
            case "als": ModelOptions(name: name, learner: .als(.live, positive: positive))
            default: throw ValidationError("no learner '\(name)'; there are sgd, bpr, warp, als, mlp")
            }
        }
    }

    private func scores(_ status: [StatusField]) -> [Comparison] {
        func value(_ name: String) -> Double? {
            guard case .double(let value)? = status.first(where: { $0.name == name })?.value else {
                return nil
            }
            return value
        }
        let names = status.compactMap { field in
            field.name.hasPrefix("model.") && field.name.hasSuffix(".learner")
                ? String(field.name.dropFirst(6).dropLast(8)) : nil
        }
        return names.compactMap { name in
            if let rmse = value("model.\(name).rmse"), let means = value("model.\(name).rmse-means") {
                return Comparison(
                    name: "\(name): live RMSE over the window", ours: rmse, baselineName: "means",
                    baseline: means, unit: "stars", moreIsBetter: false)
            }
            guard let recall = value("model.\(name).recall@10"),
                let popularity = value("model.\(name).recall@10-popularity")
            else { return nil }
            return Comparison(
                name: "\(name): sampled recall@10 over the window", ours: recall, baselineName: "popularity",
                baseline: popularity, unit: "")
        }
    }
}
