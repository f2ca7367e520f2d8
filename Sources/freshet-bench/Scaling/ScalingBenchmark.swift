internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import Events
internal import Foundation
internal import Logging
internal import LookUps
internal import State
internal import StreamLearning

/// What further shards bring: to learning alone, and to an event's whole way.
struct ScalingBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling",
        abstract: "Events per second by the number of shards, and what bounds them.",
        discussion: """
            Learning alone: batches decoded beforehand are prepared one after the other while nothing else runs, and only \
            the time in which the shards learn them is counted. The whole way: the engine with its state file takes the \
            same records from memory, and prepares a batch while the one before is learned. The baseline of each is one \
            shard. What the machine's cores allow at most is worked out from the processor time that an event takes.

            EXAMPLES
              swift run -c release freshet-bench scaling
              swift run -c release freshet-bench scaling --events ml-1m/ratings.csv.gz --shards 1 --shards 2 --json
            """)

    @Option(
        help: "MovieLens, CSV or JSON, gzip or not, in the order of time; invented ratings where absent.")
    var events: String?
    @Option(help: "Users of invented ratings.") var users = 6_000
    @Option(help: "Items of invented ratings.") var items = 4_000
    @Option(help: "Invented ratings.") var count = 1_000_000
    @Option(help: "How many shards; may be repeated. The first is what the others are held against.")
    var shards = [1, 2, 4]
    @Option(help: "Most events learned together.") var batch = EngineOptions().ingest.batchEventsMax
    @Flag(help: "Print a JSON object.") var json = false

    func validate() throws {
        guard users > 0, items > 0, count > 0, batch > 0, !shards.isEmpty,
            shards.allSatisfy({ (1...64).contains($0) })
        else { throw ValidationError("numbers must be above 0, and shards 1 to 64") }
    }

    func run() async throws {
        let format = EventOptions()
        let recorded =
            try events.map { try RecordedEvents(file: $0, options: format) }
            ?? RecordedEvents(users: users, items: items, count: count, options: format)
        var report = ScalingReport(
            events: recorded.count, cores: ProcessInfo.processInfo.activeProcessorCount)
        for number in shards {
            report.runs.append(
                ScalingReport.Run(
                    shards: number, learning: try learningAlone(recorded, shards: number),
                    whole: try await wholeWay(recorded, shards: number)))
        }
        try report.print(asJSON: json)
    }

    /// A batch after the other: prepared, then learned, so that neither shares the cores with the other.
    private func learningAlone(_ recorded: RecordedEvents, shards: Int) throws -> ScalingReport.Part {
        let options = engineOptions(recorded.count, shards: shards)
        let batches = try decode(recorded, options.events)
        let (state, stages) = (LearnedState(options: options.state), StageTimes())
        let application = BatchApplication(state: state, options: options.learning, stages: stages)
        for batch in batches { application.apply(batch) }
        let times = stages.all
        // The time from when the shards are set to work until the last of them is done.
        let seconds = times[.wait]?.wallSeconds ?? 0
        return ScalingReport.Part(seconds: seconds, stages: times, state: state)
    }

    private func decode(_ recorded: RecordedEvents, _ options: EventOptions) throws -> [IngestBatch] {
        let decoder = EventDecoder(options: options)
        return try stride(from: 0, to: recorded.count, by: batch).map { start in
            var made = IngestBatch()
            let end = min(recorded.count, start + batch)
            made.events.reserve(events: end - start)
            for index in start..<end {
                try recorded.withRecord(index) {
                    try decoder.decode(
                        $1, token: Token(partition: 0, offset: Int64(index)), logTime: 0, into: &made.events)
                }
            }
            made.positions = [0: Int64(end)]
            return made
        }
    }

    private func wholeWay(_ recorded: RecordedEvents, shards: Int) async throws -> ScalingReport.Part {
        let options = engineOptions(recorded.count, shards: shards)
        let records = (0..<recorded.count).map { recorded.withRecord($0) { Array($1) } }
        let folder = try BenchmarkFolder()
        let models = Dictionary(uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let file = try StateFile(
            path: folder.state,
            identity: StateIdentity(factors: options.state.factors, models: models, source: "memory"))
        let engine = try Engine(
            options: options, file: file, log: ReplayLog(records: records),
            logger: Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        let clock = ContinuousClock()
        let (start, processor) = (clock.now, ProcessorTime.ofThisProcess)
        engine.start { _ in }
        while engine.eventsApplied < recorded.count { try await Task.sleep(for: .milliseconds(2)) }
        var part = ScalingReport.Part(
            seconds: start.duration(to: clock.now).seconds, stages: engine.stages.all,
            scores: ScalingReport.scores(engine.status()))
        part.processorSeconds = ProcessorTime.ofThisProcess - processor
        try engine.stop()
        return part
    }

    private func engineOptions(_ events: Int, shards: Int) -> EngineOptions {
        var options = EngineOptions()
        options.state.shards = shards
        options.ingest.batchEventsMax = batch
        // The last fifth.
        options.state.scoreWindowEvents = max(100, events / 5)
        return options
    }
}
