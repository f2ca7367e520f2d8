internal import ArgumentParser
internal import Checkpoints
internal import Engine
internal import EventLog
internal import Foundation
internal import Learners
internal import Logging

struct StreamBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "Replays events through the engine.")

    @Argument var file: String
    @Option var shards = 1
    @Option var batch = 1024
    @Option var lr: Float = 0.02
    @Option var blr: Float = 0.02
    @Option var reg: Float = 0.05
    @Option var breg: Float = 0.02
    @Option var bprLr: Float = 0.05
    @Option var bprReg: Float = 0.01
    @Option var samples = 4
    @Option var window = 200_000

    func run() async throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let records = data.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        var options = EngineOptions()
        options.shards = shards
        options.batchEventsMax = batch
        options.scoreWindowEvents = window
        options.checkpointEventsMax = .max
        options.checkpointInterval = .seconds(10000)
        var sgd = BiasedSGD.Options()
        sgd.learningRate = lr
        sgd.biasLearningRate = blr
        sgd.regularization = reg
        sgd.biasRegularization = breg
        var bpr = BPR.Options()
        bpr.learningRate = bprLr
        bpr.regularization = bprReg
        bpr.biasRegularization = bprReg
        bpr.samples = samples
        options.models = [
            ModelOptions(name: "stars", learner: .sgd(sgd)),
            ModelOptions(name: "likes", learner: .bpr(bpr, positive: PositiveRule(ratingMin: 4))),
        ]
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "freshet-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try StateFile(
            path: folder.path + "/state.sqlite",
            identity: StateIdentity(factors: 64, models: ["stars": "sgd", "likes": "bpr"], source: "memory"))
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let engine = try Engine(
            options: options, file: file, log: ReplayLog(records: records), logger: logger)
        let clock = ContinuousClock()
        let start = clock.now
        engine.start { _ in }
        while true {
            try await Task.sleep(for: .milliseconds(20))
            if case .integer(let n)? = engine.status().first(where: { $0.name == "events.applied" })?.value,
                n >= records.count
            {
                break
            }
        }
        let took = start.duration(to: clock.now)
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        print("\(records.count) events in \(seconds) s: \(Int(Double(records.count) / seconds)) events/s")
        for field in engine.status() where field.name.hasPrefix("model.") || field.name.hasPrefix("memory") {
            print(field.name, field.value)
        }
        print(try engine.digest().digest)
        try engine.stop()
    }
}
