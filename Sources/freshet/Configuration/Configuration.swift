import EventLog
import Events

/// Everything an operator can say, with its defaults. What each key means stands in `ConfigurationKey.all`.
struct Configuration: Sendable, Equatable {
    struct State: Sendable, Equatable {
        var folder = "freshet-state"
    }

    struct Source: Sendable, Equatable {
        enum Kind: String, Sendable, CaseIterable { case embedded, kafka }

        struct Kafka: Sendable, Equatable {
            var brokers = "localhost:9092"
            var topic = "freshet-events"
            var group = "freshet"
            var deadLetterTopic = "freshet-dead-letters"
            var start = ConsumerOptions.Start.earliest
            var properties: [String: String] = [:]
        }

        struct Embedded: Sendable, Equatable {
            /// 0 keeps all.
            var retainEvents = 0
            var queueMax = 65_536
        }

        var kind = Kind.embedded
        var onGap = ConsumerOptions.OnGap.fail
        var kafka = Kafka()
        var embedded = Embedded()

        var consumerOptions: ConsumerOptions { ConsumerOptions(start: kafka.start, onGap: onGap) }
    }

    struct EventsSection: Sendable, Equatable {
        var fields = EventOptions.Fields()
        var tsUnit = TimeUnit.auto
        var ratingMin = 0.0
        var ratingMax = 100.0
        var bytesMax = 65_536
        var signals: [String: Float] = ["click": 1]

        /// The limits as the decoder takes them. `load` has seen to it that the range is one.
        var options: EventOptions {
            var options = EventOptions()
            options.fields = fields
            options.timeUnit = tsUnit
            options.ratings = min(ratingMin, ratingMax)...max(ratingMin, ratingMax)
            options.bytesMax = bytesMax
            options.signals = signals
            return options
        }
    }

    struct Engine: Sendable, Equatable {
        var seed = 1
        var factors = 64
        /// 0 takes as many as there are cores.
        var shards = 0
        var deterministic = false
        var batchEventsMax = 8_192
        var queueEventsMax = 65_536
        var historyMax = 10_000
        /// 0 for no bound, here and below.
        var usersMax = 0
        var itemsMax = 0
        var normMax = 100.0
        var publishIntervalMs = 2
    }

    struct Popularity: Sendable, Equatable {
        /// 0 never fades.
        var halfLifeEvents = 20_000.0
    }

    struct Trending: Sendable, Equatable {
        var halfLifeEvents = 1_000.0
    }

    struct Score: Sendable, Equatable {
        var windowEvents = 100_000
    }

    struct Checkpoint: Sendable, Equatable {
        var everySeconds = 10
        var everyEvents = 1_000_000
    }

    struct RPC: Sendable, Equatable {
        /// Empty: `freshet.sock` in the state folder.
        var socket = ""
        var connectionsMax = 1_024
        var requestBytesMax = 1_048_576
        var password = ""
        /// 0 waits for ever.
        var idleTimeoutSeconds = 0
        var threads = 8
    }

    struct Log: Sendable, Equatable {
        enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error }
        var level = Level.info
    }

    var state = State()
    var source = Source()
    var events = EventsSection()
    var engine = Engine()
    /// In the order given; names are unique.
    var models = ModelSettings.defaults
    var defaultModel = "likes"
    var popularity = Popularity()
    var trending = Trending()
    var score = Score()
    var checkpoint = Checkpoint()
    var rpc = RPC()
    var log = Log()

    /// Where the daemon listens.
    var socketPath: String { rpc.socket.isEmpty ? state.folder + "/freshet.sock" : rpc.socket }
}
