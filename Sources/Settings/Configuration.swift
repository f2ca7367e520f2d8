// Configuration: everything that an operator can say.
//
// Here live the keys with their types, units, defaults and meanings, the three sources (file, environment, flags), what
// is refused and why, and what a configuration means to the log, the engine and the learners: their options. Texts come
// in; values that have been looked at go out. What never comes in: command lines beyond key=value, and anything that
// runs. Whatever starts a part of Freshet asks here rather than reading a file or a variable by itself.

public import Access
public import EventLog
public import Events
public import Learners
public import StreamLearning

/// Everything an operator can say, with its defaults.
///
/// Each property is the key of the same name in its section: `engine.historyMax` is `engine.history-max`. What a key means,
/// its unit and what is allowed stand in `ConfigurationKey.all`, and in `ConfigurationReference.text()`.
///
/// ```swift
/// var configuration = try Configuration.load(file: nil, environment: [:], settings: ["state.folder=/var/lib/freshet"])
/// configuration.socketPath  // "/var/lib/freshet/freshet.sock"
/// ```
public struct Configuration: Sendable, Equatable {
    /// The section `state`.
    public struct State: Sendable, Equatable {
        public var folder = "freshet-state"
    }

    /// The section `source`: the log that events come from.
    public struct Source: Sendable, Equatable {
        /// The two logs.
        public enum Kind: String, Sendable, CaseIterable { case embedded, kafka }

        /// The section `source.kafka`.
        public struct Kafka: Sendable, Equatable {
            public var brokers = "localhost:9092"
            public var topic = "freshet-events"
            public var group = "freshet"
            public var deadLetterTopic = "freshet-dead-letters"
            /// `auto`, an id, or nothing for none.
            public var instanceID = "auto"
            public var leavesOnStop = false
            public var start = ConsumerOptions.Start.earliest
            public var properties: [String: String] = [:]
        }

        /// The section `source.embedded`.
        public struct Embedded: Sendable, Equatable {
            /// 0 keeps all.
            public var retainEvents = 0
            public var queueMax = 65_536
        }

        public var kind = Kind.embedded
        public var onGap = ConsumerOptions.OnGap.fail
        /// 0 for ever.
        public var deadLetterWaitSeconds = 60
        public var kafka = Kafka()
        public var embedded = Embedded()

        /// How long dead letters may hold checkpoints back; `nil` for ever.
        public var deadLetterPatience: Duration? {
            deadLetterWaitSeconds > 0 ? .seconds(deadLetterWaitSeconds) : nil
        }

        /// What a consumer of either log is told.
        public var consumerOptions: ConsumerOptions { ConsumerOptions(start: kafka.start, onGap: onGap) }
    }

    /// The section `events`.
    public struct EventsSection: Sendable, Equatable {
        public var fields = EventOptions.Fields()
        public var tsUnit = TimeUnit.auto
        public var ratingMin = 0.0
        public var ratingMax = 100.0
        public var bytesMax = 65_536
        public var signals: [String: Float] = ["click": 1]

        /// The limits as the decoder takes them. `load` has seen to it that the range is one.
        public var options: EventOptions {
            var options = EventOptions()
            options.fields = fields
            options.timeUnit = tsUnit
            options.ratings = min(ratingMin, ratingMax)...max(ratingMin, ratingMax)
            options.bytesMax = bytesMax
            options.signals = signals
            return options
        }
    }

    /// The section `engine`.
    public struct Engine: Sendable, Equatable {
        public var seed = 1
        public var factors = 64
        /// 0 takes as many as there are cores. One learns in the log's order, while other cores take the log's records,
        /// decode them and prepare the next batch.
        public var shards = 1
        public var deterministic = false
        public var retract = LearningOptions.Retraction.forget
        public var batchEventsMax = 8_192
        public var queueEventsMax = 65_536
        public var historyMax = 10_000
        public var duplicatesWindow = 262_144
        /// 0 for no bound, here and below.
        public var usersMax = 0
        public var itemsMax = 0
        public var normMax = 100.0
        public var publishIntervalMs = 2
    }

    /// The section `features`: what tags say of items that few have taken.
    public struct Features: Sendable, Equatable {
        public var priors = true
        public var itemsMin = 5
        public var evidence = 50.0
        public var regularization = 10.0
        public var solveEvents = 262_144
    }

    /// The section `histories`.
    public struct Histories: Sendable, Equatable {
        public var signalHalfLife = HalfLife.never
    }

    /// The section `popularity`.
    public struct Popularity: Sendable, Equatable {
        /// 0 never fades.
        public var halfLifeEvents = 20_000.0
    }

    /// The section `trending`.
    public struct Trending: Sendable, Equatable {
        public var halfLifeEvents = 1_000.0
    }

    /// The section `recommend`.
    public struct Recommend: Sendable, Equatable {
        public var seen = "exclude"
    }

    /// The section `promotion`: when a better model becomes the default by itself.
    public struct Promotion: Sendable, Equatable {
        public var margin = 0.005
        public var error = 0.01
    }

    /// The section `content`: vectors of what is said of items.
    public struct Content: Sendable, Equatable {
        public var vectors = true
        public var passes = 8
        public var refresh = 2
        public var refreshEvents = 32
    }

    /// The section `score`.
    public struct Score: Sendable, Equatable {
        public var windowEvents = 100_000
    }

    /// The section `checkpoint`.
    public struct Checkpoint: Sendable, Equatable {
        public var everySeconds = 10
        public var everyEvents = 1_000_000
        /// 0 for none.
        public var keep = 3
        public var keepEverySeconds = 3_600
    }

    /// `cluster`.
    public struct Cluster: Sendable, Equatable {
        public var enabled = false
        public var commitIntervalMs = 1_000
        public var itemBytesMax = 5_242_880
        public var imageIntervalSeconds = 3_600
        public var standby = 0
        public var address = ""
        public var forward = true
        public var user = ""
        public var passwordFile = ""
    }

    /// The section `memory`.
    public struct Memory: Sendable, Equatable {
        /// Bytes; 0 for no limit.
        public var limit = 0
    }

    /// The sections `rpc.tls` and `http.tls`: paths, empty for none.
    public struct TLS: Sendable, Equatable {
        public var certificate = ""
        public var key = ""
        /// Of those who sign clients' certificates.
        public var clientCA = ""
        /// Of those who sign servers' certificates, for whoever is a client here; of `rpc` alone.
        public var authorities = ""
    }

    /// The section `rpc`.
    public struct RPC: Sendable, Equatable {
        /// Empty: `freshet.sock` in the state folder.
        public var socket = ""
        /// Empty for none.
        public var listen = ""
        public var tls = TLS()
        public var plainNetworks = PlainNetwork.loopback
        public var connectionsMax = 1_024
        public var requestBytesMax = 4_194_304
        public var clientBytesMax = 268_435_456
        public var totalBytesMax = 536_870_912
        public var answerTimeoutSeconds = 300
        public var password = ""
        /// 0 waits for ever.
        public var idleTimeoutSeconds = 0
        public var threads = 8
    }

    /// The section `access`: who may come in beside whoever has `rpc.password` or `http.token`.
    public struct Access: Sendable, Equatable {
        /// Of whoever gives no name.
        public enum StandardRole: String, Sendable, CaseIterable { case none, read, feed, admin }

        public var defaultRole = StandardRole.admin
        /// Empty for none.
        public var usersFile = ""
        /// Names or ids of the system's users and groups.
        public var uids: [String: Role] = [:]
        public var gids: [String: Role] = [:]
        /// 0 for no limit, here and below.
        public var commandsPerSecond = 0
        public var eventsPerSecond = 0
        public var connectionsPerPeer = 0
    }

    /// The section `http`.
    public struct HTTP: Sendable, Equatable {
        /// `auto`, `host:port`, or nothing.
        public var listen = "auto"
        public var tls = TLS()
        /// Empty for none.
        public var socket = ""
        public var token = ""
        public var readyLagMax = 100_000
        public var connectionsMax = 256
        public var requestBytesMax = 4_194_304
    }

    /// The section `log`: what the daemon says of itself.
    public struct Log: Sendable, Equatable {
        /// From the least severe on.
        public enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error }
        public var level = Level.info
    }

    public var state = State()
    public var source = Source()
    public var events = EventsSection()
    public var engine = Engine()
    /// In the order given; names are unique.
    public var models = ModelSettings.defaults
    public var defaultModel = "blend"
    public var promotion = Promotion()
    public var features = Features()
    public var histories = Histories()
    public var popularity = Popularity()
    public var trending = Trending()
    public var content = Content()
    public var score = Score()
    public var recommend = Recommend()
    public var checkpoint = Checkpoint()
    public var memory = Memory()
    public var access = Access()
    public var cluster = Cluster()
    public var rpc = RPC()
    public var http = HTTP()
    public var log = Log()

    /// With nothing said.
    public init() {}

    /// Where the daemon listens.
    public var socketPath: String { rpc.socket.isEmpty ? state.folder + "/freshet.sock" : rpc.socket }
}
