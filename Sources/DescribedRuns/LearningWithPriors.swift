internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import Events
internal import Factors
internal import FeatureMaps
internal import Foundation
internal import InventedWorlds
internal import Logging
internal import LookUps
internal import State

/// What working out what tags say of rows costs learning: the same stream of a described catalogue through the whole engine,
/// from memory, with and without priors.
package struct LearningWithPriors {
    private let records: [[UInt8]]

    /// Events a second.
    package struct Result {
        package var with: [Double] = []
        package var without: [Double] = []

        /// The best of each: what neighbours take can only slow.
        package var best: (with: Double, without: Double) { (with.max() ?? 0, without.max() ?? 0) }
    }

    package init(users: Int, items: Int, events: Int, tags: Int) throws {
        var world = try InventedWorld(InventedWorld.Options(users: users, items: items, events: events))
        let codec = EventOptions()
        var records: [[UInt8]] = []
        while let event = try world.next() {
            var event = event
            if case .item(var description) = event.kind {
                var random = KeyedRandom(seed: 1, bytes: description.item.string.utf8)
                description.tags = (0..<12).map { _ in
                    "word \(Int(Double(tags) * random.nextUnit() * random.nextUnit()))"
                }
                event = Event(.item(description), time: event.time, id: event.id)
            }
            records.append(EventEncoder.encode(event, options: codec))
        }
        self.records = records
    }

    package var events: Int { records.count }

    /// Runs of either kind in turn.
    package func measure(runs: Int) throws -> Result {
        var result = Result()
        for _ in 0..<runs {
            result.without.append(try rate(priors: false))
            result.with.append(try rate(priors: true))
        }
        return result
    }

    private func rate(priors: Bool) throws -> Double {
        var options = EngineOptions()
        var model = ModelOptions(name: "stars", learner: .sgd(.live))
        model.usesPriors = priors
        options.state.models = [model]
        options.state.defaultModel = model.name
        options.state.priors.isOn = priors
        options.state.shards = 1
        let folder = FileManager.default.temporaryDirectory.path + "/freshet-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try StateFile(
            path: folder + "/state.sqlite",
            identity: StateIdentity(
                factors: options.state.factors, models: [model.name: model.learnerName], source: "memory"))
        let engine = try Engine(
            options: options, file: file, log: ReplayLog(records: records),
            logger: Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        let clock = ContinuousClock()
        let start = clock.now
        engine.start { _ in }
        let all = StatusField.Value.integer(Int64(records.count))
        while engine.status().first(where: { $0.name == "position.0" })?.value != all {
            Thread.sleep(forTimeInterval: 0.002)
        }
        let seconds = start.duration(to: clock.now).seconds
        try engine.stop()
        return Double(records.count) / seconds
    }
}
