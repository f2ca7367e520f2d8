internal import BenchmarkSupport
internal import Engine
internal import Foundation
internal import StreamLearning

/// What a backlog took to learn.
struct IngestReport: Codable {
    struct Stage: Codable {
        var name: String
        var turns: Int
        /// Seconds of wall time; `nil` where only processor time is known.
        var wall: Double?
        /// Seconds of processor time; `nil` where it is not known apart.
        var processor: Double?
    }

    var events: Int
    var models: [String]
    var shards: Int
    var users: Int
    var items: Int
    /// From the first event taken to the last one learned.
    var seconds = 0.0
    var bareSeconds = 0.0
    var decodeSeconds = 0.0
    /// Of this process.
    var processorSeconds = 0.0
    /// Of the mock cluster's.
    var brokerSeconds: Double?
    var stages: [Stage] = []
    var memory = MemoryReport()

    var eventsPerSecond: Double { Double(events) / seconds }
}

extension IngestReport {
    private static let patience: Duration = .seconds(600)

    /// Waits until `engine`, which was just started, has learned all events.
    mutating func measure(_ engine: Engine, _ topic: MeasuredTopic) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while Self.learned(engine) == 0 { try await Self.pause(clock, until: deadline) }
        let start = clock.now
        let (processor, broker) = (ProcessorTime.ofThisProcess, topic.processorSeconds)
        let client = ProcessorTime.ofThreads(named: "rdk:")
        let before = engine.stages.all
        while Self.learned(engine) < events {
            memory.watch()
            try await Self.pause(clock, until: deadline)
        }
        seconds = start.duration(to: clock.now).seconds
        processorSeconds = ProcessorTime.ofThisProcess - processor
        brokerSeconds = topic.processorSeconds.map { $0 - (broker ?? 0) }
        let clientSeconds = ProcessorTime.ofThreads(named: "rdk:") - client
        (users, items) = (Self.number("users.count", engine), Self.number("items.count", engine))
        take(engine.stages.all, since: before)
        let known = stages.reduce(clientSeconds) { $0 + ($1.processor ?? 0) }
        stages.append(Stage(name: "librdkafka's threads", turns: 0, wall: nil, processor: clientSeconds))
        stages.append(
            Stage(
                name: "all else (further shards too)", turns: 0, wall: nil,
                processor: processorSeconds - known)
        )
    }

    private mutating func take(
        _ after: [StageTimes.Stage: StageTimes.Times], since before: [StageTimes.Stage: StageTimes.Times]
    ) {
        for stage in StageTimes.Stage.allCases {
            guard let now = after[stage] else { continue }
            let then = before[stage] ?? StageTimes.Times()
            stages.append(
                Stage(
                    name: stage.rawValue, turns: now.turns - then.turns,
                    wall: now.wallSeconds - then.wallSeconds,
                    processor: now.processorSeconds - then.processorSeconds))
        }
    }

    private static func pause(_ clock: ContinuousClock, until deadline: ContinuousClock.Instant) async throws
    {
        guard clock.now < deadline else { throw BenchmarkFailure("the backlog was not learned within 600 s") }
        try await Task.sleep(for: .milliseconds(2))
    }

    /// Not by the status, which takes a third of a millisecond, and so a sixth of a core that learning would have.
    private static func learned(_ engine: Engine) -> Int { Int(engine.eventsApplied) }

    private static func number(_ name: String, _ engine: Engine) -> Int {
        guard case .integer(let value)? = engine.status().first(where: { $0.name == name })?.value else {
            return 0
        }
        return Int(value)
    }
}

extension IngestReport {
    func print(asJSON: Bool) throws {
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
        }
        let count = Double(events)
        let what = "\(events) events, \(users) users, \(items) items"
        Report.print([
            Comparison(
                name: what, ours: count / seconds, baselineName: "librdkafka alone",
                baseline: count / bareSeconds, unit: "events/s"),
            Comparison(
                name: models.joined(separator: ", ") + ", \(shards) shards", ours: count / seconds,
                baselineName: "decoding alone", baseline: count / decodeSeconds, unit: "events/s"),
        ])
        Swift.print("")
        Swift.print(
            "stage".padded(32) + "turns".padded(9) + "wall s".padded(10) + "cpu s".padded(10)
                + "cpu ns an event")
        for stage in stages { Swift.print(line(stage)) }
        defer { memory.print() }
        let parts =
            String(
                format: "%.2f s in all; this process used %.2f s of processor time", seconds, processorSeconds
            )
        Swift.print(
            parts + (brokerSeconds.map { String(format: ", the mock cluster beside it %.2f s", $0) } ?? ""))
    }

    private func line(_ stage: Stage) -> String {
        func number(_ value: Double?, _ form: String) -> String {
            value.map { String(format: form, $0) } ?? ""
        }
        return stage.name.padded(32) + (stage.turns > 0 ? String(stage.turns) : "").padded(9)
            + number(stage.wall, "%.3f").padded(10) + number(stage.processor, "%.3f").padded(10)
            + number(stage.processor.map { $0 * 1e9 / Double(events) }, "%.0f")
    }
}
