public import EventLog
public import Events
public import Generations
public import LookUps
public import State
public import StreamLearning

/// How the engine learns and keeps: a part for each room. Validated by the configuration; the engine takes it as it is.
public struct EngineOptions: Sendable {
    public var state = StateOptions()
    public var learning = LearningOptions()
    public var ingest = IngestOptions()
    public var lookUps = LookupOptions()
    public var checkpoints = CheckpointOptions()
    /// Copies of the state's file, to go back to.
    public var generations = GenerationOptions()
    public var cluster = ClusterOptions()
    /// Bytes that the daemon may take of memory; beyond it users heard of least recently leave for the state file. 0 for no
    /// limit.
    public var memoryLimit = 0 {
        didSet { state.usersMayLeave = memoryLimit > 0 }
    }
    /// While events queue up, changed items are published at most this often.
    public var publishInterval: Duration = .milliseconds(5)
    /// What an event may look like. Its signals and its range of ratings stand in `learning` and in `lookUps` too.
    public var events = EventOptions() {
        didSet {
            learning.signals = events.signals
            lookUps.ratings = events.ratings
        }
    }

    public init() {}
}

/// How events are taken from the log.
public struct IngestOptions: Sendable {
    /// Events of a batch at most.
    public var batchEventsMax = 8192
    /// Events polled and not yet learned; at this many the log is paused.
    public var queueEventsMax = 65_536
    /// The same for the bytes of their records: large ones reach it before `queueEventsMax`.
    public var queueBytesMax = 256 << 20
    /// Dead letters that could not be stored; past it the log is paused until they can.
    public var deadLettersHeldMax = 10_000
    public var consumer = ConsumerOptions()

    public init() {}
}

/// When the state is made durable.
public struct CheckpointOptions: Sendable {
    public var interval: Duration = .seconds(10)
    /// Events since the last one; past it the next checkpoint does not wait for the interval.
    public var eventsMax = 1_000_000

    public init() {}
}
