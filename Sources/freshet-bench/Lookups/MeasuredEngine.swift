internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import Events
internal import Factors
internal import Foundation
internal import InventedWorlds
internal import Logging
internal import LookUps
internal import State

/// An engine in this process with the daemon's models, which has learned an invented world, and goes on learning at a
/// given rate once told to.
final class MeasuredEngine {
    let items: Int
    let subjects: [Subject]
    private let engine: Engine
    private let folder: String
    private let log: ReplayLog

    /// - Parameters:
    ///   - events: learned before anything is measured.
    ///   - later: learned while it is, `rate` of them a second.
    init(items: Int, users: Int, factors: Int, events: Int, later: Int, rate: Int) throws {
        var world = try InventedWorld(
            InventedWorld.Options(users: users, items: items, events: events + later))
        let codec = EventOptions()
        var (records, known, ids): ([[UInt8]], [EntityID], [EntityID]) = ([], [], [])
        var seen: Set<EntityID> = []
        while let invented = try world.next() {
            let event = Self.tagged(invented)
            records.append(EventEncoder.encode(event, options: codec))
            switch event.kind {
            case .item(let description): ids.append(description.item)
            case .rating(let user, _, let value) where value >= 4 && records.count < items + events:
                if seen.insert(user).inserted { known.append(user) }
            default: break
            }
        }
        self.items = items
        subjects = Subject.each(of: known, items: ids)
        var options = EngineOptions()
        options.state.factors = factors
        options.state.shards = ProcessInfo.processInfo.activeProcessorCount
        folder = FileManager.default.temporaryDirectory.path + "/freshet-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let models = Dictionary(uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let file = try StateFile(
            path: folder + "/state.sqlite",
            identity: StateIdentity(factors: factors, models: models, source: "memory"))
        log = ReplayLog(records: records, heldBackFrom: items + events, rate: rate)
        engine = try Engine(
            options: options, file: file, log: log,
            logger: Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        engine.start { _ in }
        while learned < items + events { Thread.sleep(forTimeInterval: 0.01) }
        // The rest of the publication.
        Thread.sleep(forTimeInterval: 1)
    }

    /// Descriptions with six of five thousand words, the first ones far more often than the last.
    private static func tagged(_ event: Event) -> Event {
        guard case .item(var description) = event.kind else { return event }
        var random = KeyedRandom(seed: 1, bytes: description.item.string.utf8)
        description.tags = (0..<6).map { _ in
            "word \(Int(5_000 * random.nextUnit() * random.nextUnit() * random.nextUnit()))"
        }
        return Event(.item(description), time: event.time, id: event.id)
    }

    func stop() throws {
        try engine.stop()
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Lets the rest of the events come.
    func startLearning() { log.release() }

    var learned: Int {
        guard case .integer(let position)? = engine.status().first(where: { $0.name == "position.0" })?.value
        else { return 0 }
        return Int(position)
    }

    /// One request after another for `seconds`, on this thread.
    func measure(_ command: MeasuredCommand, seconds: Double, learning: Int) throws -> LookupResult {
        let clock = ContinuousClock()
        var (latencies, number) = (Latencies(), 0)
        // A tenth of the time to warm up, which is not counted.
        let start = clock.now.advanced(by: .seconds(seconds / 10))
        let end = start.advanced(by: .seconds(seconds))
        var now = clock.now
        repeat {
            try command.call(engine, subjects[number * 7_919 % subjects.count])
            let then = clock.now
            if now > start { latencies.record(now.duration(to: then)) }
            (now, number) = (then, number + 1)
        } while now < end
        return latencies.result(
            part: "engine", items: items, name: command.name, concurrency: 1, learning: learning,
            seconds: seconds)
    }
}
