public import EventLog
public import Events
public import Learners

/// How the engine learns and keeps. Validated by the configuration; the engine takes it as it is.
public struct EngineOptions: Sendable {
    /// K, a multiple of eight.
    public var factors = 64
    public var seed: UInt64 = 1
    /// Queues that learn side by side.
    public var shards = 1
    /// Learn in log order on one shard: the state is then a function of the log alone, however batches were cut.
    public var deterministic = false
    public var batchEventsMax = 8192
    /// Events polled and not yet learned; at this many the log is paused.
    public var queueEventsMax = 65_536
    /// The same for the bytes of their records: large ones reach it before `queueEventsMax`.
    public var queueBytesMax = 256 << 20
    /// Dead letters that could not be stored; past it the log is paused until they can.
    public var deadLettersHeldMax = 10_000
    /// Items kept in a user's history; past it the oldest is dropped.
    public var historyMax = 10_000
    /// Users kept; past it those heard of least recently are erased. 0 for no bound.
    public var usersMax = 0
    /// Items kept; past it events on items never seen before are counted and left out. 0 for no bound.
    public var itemsMax = 0
    /// Guard: largest norm of a row.
    public var normMax: Float = 100
    /// Events after which models by alternating least squares solve the rows that changed; counted by ordinals, so that
    /// what is solved when depends on the log alone.
    public var blockEvents = 512
    /// While events queue up, changed items are published at most this often.
    public var publishInterval: Duration = .milliseconds(5)
    public var models: [ModelOptions] = ModelOptions.defaults
    public var defaultModel = "likes"
    /// Half-life of an item's popularity, in events of the stream; 0 never fades.
    public var popularityHalfLifeEvents = 20_000.0
    /// Half-life of the fast count that `trending` sets against the slow one, in events; above 0.
    public var trendingHalfLifeEvents = 1_000.0
    /// Length of the prequential score's moving window, in events.
    public var scoreWindowEvents = 100_000
    public var checkpointInterval: Duration = .seconds(10)
    public var checkpointEventsMax = 1_000_000
    public var events = EventOptions()
    public var consumer = ConsumerOptions()

    public init() {}

    var shardCount: Int { deterministic ? 1 : shards }
}

/// A named learner.
public struct ModelOptions: Sendable, Equatable {
    public enum Learner: Sendable, Equatable {
        case sgd(BiasedSGD.Options)
        case bpr(BPR.Options, positive: PositiveRule)
        case warp(WARP.Options, positive: PositiveRule)
        case als(ALS.Options, positive: PositiveRule)
    }

    public var name: String
    public var learner: Learner

    public init(name: String, learner: Learner) {
        self.name = name
        self.learner = learner
    }

    public static let defaults = [
        ModelOptions(name: "stars", learner: .sgd(BiasedSGD.Options())),
        ModelOptions(name: "likes", learner: .bpr(.live, positive: PositiveRule(ratingMin: 4))),
    ]

    /// Whether its rows are solved against the whole other side.
    var isAlternating: Bool {
        if case .als = learner { true } else { false }
    }

    /// As written in the configuration and in the state.
    public var learnerName: String {
        switch learner {
        case .sgd: "sgd"
        case .bpr: "bpr"
        case .warp: "warp"
        case .als: "als"
        }
    }
}

// For one pass over a stream: chosen on the first half of ML-1M's 5-star events by prequential recall@10 over all
// unseen items, and confirmed on ml-latest-small. Users move faster than items by far; but BPR's not as fast as ML-1M,
// where each comes once, would have them: where tastes stand still that forgets what was learned.

extension BPR.Options {
    public static let live: Self = {
        var options = Self()
        options.learningRate = 0.05
        options.userLearningRate = 0.3
        options.biasLearningRate = 0.03
        options.regularization = 0.01
        options.userRegularization = 0.05
        options.biasRegularization = 0.01
        options.samples = 16
        return options
    }()
}

extension WARP.Options {
    public static let live: Self = {
        var options = Self()
        options.learningRate = 0.0018
        options.userLearningRate = 0.0256
        options.biasLearningRate = 0.0012
        options.regularization = 0.8
        options.userRegularization = 1.6
        options.biasRegularization = 0.08
        options.samples = 10
        options.samplesMax = 100
        return options
    }()
}

extension ALS.Options {
    public static let live: Self = {
        var options = Self()
        options.alpha = 10
        options.regularization = 0.8
        options.regularizationPower = 0.5
        options.halfLifeEvents = 2
        return options
    }()
}

/// What an implicit model takes as liked. Signals with a positive weight always are.
public struct PositiveRule: Sendable, Equatable {
    public var ratingMin: Float
    /// `rating > x` rather than `rating >= x`.
    public var strict: Bool

    public init(ratingMin: Float, strict: Bool = false) {
        self.ratingMin = ratingMin
        self.strict = strict
    }

    func accepts(rating: Float) -> Bool { strict ? rating > ratingMin : rating >= ratingMin }
}
