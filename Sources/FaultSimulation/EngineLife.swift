internal import Blending
internal import Checkpoints
internal import ContentVectors
internal import Dispatch
internal import Engine
internal import EventLog
internal import Events
internal import Learners
internal import Locking
internal import Logging
internal import State
internal import StreamLearning

/// The engine between two kills.
final class EngineLife {
    let disk: SimulatedDisk
    let log: SimulatedLog
    let engine: Engine
    /// What the log's thread ended with.
    let failure: Lock<EventLogError?>

    /// Opens what is on the disk.
    init(_ setting: Setting, disk: SimulatedDisk, broker: SimulatedBroker, flaw: PlantedFlaw?)
        throws(StateError)
    {
        self.disk = disk
        log = SimulatedLog(broker, setting: setting, flaw: flaw)
        failure = Lock(nil)
        var logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let file = try StateFile(path: disk.path, identity: setting.identity)
        do throws(StateError) {
            engine = try Engine(
                options: setting.engineOptions, file: file, log: log, logger: logger,
                clock: WallClock { broker.now })
        } catch {
            try? file.close()
            throw error
        }
    }

    /// Starts to consume; false where the first poll never comes.
    func start() -> Bool {
        let exchange = log.exchange
        engine.start { [failure] error in
            failure.withLock { $0 = error }
            exchange.end()
        }
        return exchange.waitForPoll()
    }
}

extension Setting {
    var engineOptions: EngineOptions {
        var options = EngineOptions()
        options.state.factors = 8
        options.state.models = learners.map(\.model)
        options.state.defaultModel = learners[0].rawValue
        options.state.shards = shards
        options.state.deterministic = isDeterministic
        options.state.duplicatesWindow = duplicatesWindow
        options.state.scoreWindowEvents = 50
        options.state.content.isOn = usesContent
        options.learning.historyMax = historyMax
        options.learning.usersMax = usersMax
        options.learning.itemsMax = itemsMax
        options.learning.blockEvents = 32
        options.events = events
        options.ingest.batchEventsMax = batchMax
        options.ingest.queueEventsMax = queueMax
        options.ingest.consumer.onGap = skipsGaps ? .skip : .fail
        // When the simulation says so, and by itself never.
        options.checkpoints.interval = .seconds(86_400)
        if usersLeave { options.memoryLimit = 1 }
        return options
    }

    var events: EventOptions {
        var events = EventOptions()
        events.signals = ScriptGenerator.signals
        events.models = learners.map(\.rawValue)
        return events
    }

    var identity: StateIdentity {
        StateIdentity(
            factors: 8,
            models: Dictionary(
                uniqueKeysWithValues: learners.map { ($0.rawValue, $0.model.learnerName) }),
            source: "simulated")
    }
}

extension Setting.Learner {
    var model: ModelOptions {
        let positive = PositiveRule(ratingMin: 3.5)
        let learner: ModelOptions.Learner =
            switch self {
            case .stars: .sgd(.live)
            case .likes: .bpr(.live, positive: positive)
            case .warped: .warp(.live, positive: positive)
            case .solved: .als(.live, positive: positive)
            case .popular: .counter(CounterOptions(.popular), positive: positive)
            case .next: .counter(CounterOptions(.next), positive: positive)
            case .repeat: .counter(CounterOptions(.repeat), positive: positive)
            case .blend: .blend(BlendOptions(), positive: positive)
            }
        return ModelOptions(name: rawValue, learner: learner)
    }
}
