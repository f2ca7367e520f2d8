import Engine
import EventLog
import Events
import Foundation
import Learners
import LookUps
import State
import StreamLearning
import Testing
import Yams

@testable import Settings

@Suite("Configuration")
struct ConfigurationTests {
    @Test("with nothing given every key has its default")
    func defaults() throws {
        #expect(try load() == Configuration())
        #expect(Configuration().socketPath == "freshet-state/freshet.sock")
    }

    @Test("the sample file states every key with its default, and nothing unknown")
    func sample() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/freshet.yaml").standardizedFileURL.path
        #expect(try Configuration.load(file: path, environment: [:], settings: []) == Configuration())
        let root = try #require(try Yams.compose(yaml: String(contentsOfFile: path, encoding: .utf8)))
        for key in ConfigurationKey.all {
            let node = key.name.split(separator: ".").reduce(root as Node?) { $0?[String($1)] }
            #expect(node != nil, "\(key.name) is not in config/freshet.yaml")
        }
    }

    @Test("each default is one of the values its own key takes")
    func defaultsAreAllowed() throws {
        for key in ConfigurationKey.all {
            let text = key.defaultText == "\"\"" ? "" : key.defaultText
            #expect(try load(settings: ["\(key.name)=\(text)"]) == Configuration(), "\(key.name)")
        }
    }

    @Test("flags overrule the environment, the environment overrules the file")
    func order() throws {
        let file = "engine: {seed: 2, shards: 2, factors: 16}\nlog.level: debug"
        let environment = ["FRESHET_ENGINE_SHARDS": "3", "FRESHET_ENGINE_FACTORS": "24", "PATH": "/bin"]
        let configuration = try load(file, environment, settings: ["engine.factors=32"])
        #expect(configuration.engine.seed == 2)
        #expect(configuration.engine.shards == 3)
        #expect(configuration.engine.factors == 32)
        #expect(configuration.log.level == .debug)
    }

    @Test("no two keys share an environment variable")
    func variables() {
        let variables = Set(ConfigurationKey.all.map(\.environmentVariable))
        #expect(variables.count == ConfigurationKey.all.count)
        #expect(variables.contains("FRESHET_SOURCE_KAFKA_DEAD_LETTER_TOPIC"))
    }

    @Test("plain values need no quotes in flags and variables")
    func plainTexts() throws {
        let configuration = try load("", ["FRESHET_RPC_PASSWORD": "a: #b"], settings: ["rpc.socket=/tmp/a=b"])
        #expect(configuration.rpc.password == "a: #b")
        #expect(configuration.socketPath == "/tmp/a=b")
    }

    @Test("maps are replaced as a whole, or changed entry by entry")
    func maps() throws {
        #expect(try load("events: {signals: {buy: 5}}").events.signals == ["buy": 5])
        #expect(try load("events.signals: {}").events.signals == [:])
        let settings = ["events.signals.buy=2.5", "source.kafka.properties.security.protocol=SSL"]
        let configuration = try load(settings: settings)
        #expect(configuration.events.options.signals == ["click": 1, "buy": 2.5])
        #expect(configuration.source.kafka.properties == ["security.protocol": "SSL"])
        let environment = ["FRESHET_EVENTS_SIGNALS": "{view: 0.1}"]
        #expect(try load("", environment).events.signals == ["view": 0.1])
    }

    @Test("models in a file replace the defaults; a flag changes one setting of one model")
    func models() throws {
        let file = """
            models:
              plays: {learner: bpr, positive: any, samples: 3, learning-rate: 0.05, regularization: }
            default-model: plays
            """
        let plays = ModelSettings(
            name: "plays", learner: .bpr, learningRate: 0.05, samples: 3, positive: .any)
        #expect(try load(file).models == [plays])
        let models = try load(settings: ["models.stars.learning-rate=0.02"]).models
        #expect(models.map(\.learningRate) == [0.02, nil, nil, nil, nil])
        #expect(models.map(\.name) == ["stars", "likes", "repeat", "next", "blend"])
        #expect(ModelSettings.Positive("rating>3.5") == .ratingAbove(3.5))
    }

    @Test("what is liked may be said of ratings, of what signals weigh together, or of both")
    func positive() throws {
        let weights = try #require(ModelSettings.Positive("weight >= 5"))
        #expect(weights == ModelSettings.Positive(ratings: .atLeast(4), weights: .atLeast(5)))
        #expect(weights.positiveRule == PositiveRule(ratingMin: 4, weightMin: 5, weightIsStrict: false))
        let both = try #require(ModelSettings.Positive("rating > 3 or weight > 0.5"))
        #expect(both.positiveRule == PositiveRule(ratingMin: 3, strict: true, weightMin: 0.5))
        #expect(
            ModelSettings.Positive("weight>2 or rating>=3") == ModelSettings.Positive("rating>=3 or weight>2")
        )
        for text in ["any", "rating >= 4", "weight >= 5", "weight > 0", "rating > 3 or weight >= 0.5"] {
            #expect(ModelSettings.Positive(text)?.text == text)
        }
        for text in [
            "weight >= 0", "weight >= -1", "weight > -1", "weight", "weight >= x", "weight < 5",
            "any or weight > 1",
            "rating >= 4 or rating >= 5", "rating >= 4 or", "rating >= 4 and weight > 1",
        ] {
            #expect(ModelSettings.Positive(text) == nil, "\(text)")
        }
        let options = try load(settings: ["models.likes.positive=rating >= 5 or weight >= 3"]).stateOptions
        guard case .bpr(_, let rule) = options.models[1].learner else { return #expect(Bool(false)) }
        #expect(rule == PositiveRule(ratingMin: 5, weightMin: 3, weightIsStrict: false))
        let error = #expect(throws: ConfigurationError.self) {
            try load(settings: ["models.likes.positive=weight >= 0"])
        }
        #expect(error.map { "\($0)".contains("'weight >= Y' (Y above 0") } == true)
    }

    @Test("how fast what signals come to fades is said in events or as a time")
    func signalHalfLife() throws {
        #expect(try load().learningOptions.signalHalfLife == .never)
        #expect(
            try load(settings: ["histories.signal-half-life=30 d"]).learningOptions.signalHalfLife
                == .milliseconds(30 * 86_400_000))
        #expect(
            try load("histories: {signal-half-life: 20 events}").learningOptions.signalHalfLife == .events(20)
        )
        #expect(throws: ConfigurationError.self) { try load(settings: ["histories.signal-half-life=soon"]) }
    }

    @Test(
        "a start is a word, a number of milliseconds or a time",
        arguments: [
            ("latest", .latest), ("1700000000000", .time(1_700_000_000_000)),
            ("2023-11-14T22:13:20Z", .time(1_700_000_000_000)),
            ("2023-11-14T22:13:20.250Z", .time(1_700_000_000_250)),
            ("2023-11-15T00:13:20+02:00", .time(1_700_000_000_000)),
        ] as [(String, ConsumerOptions.Start)])
    func starts(text: String, start: ConsumerOptions.Start) throws {
        #expect(try load(settings: ["source.kafka.start=\(text)"]).source.consumerOptions.start == start)
    }

    @Test("the reference lists every key with its default and what is allowed")
    func reference() {
        let text = ConfigurationReference.text()
        for key in ConfigurationKey.all {
            #expect(text.contains("\n\(key.name)  ("), "\(key.name)")
            #expect(text.contains(key.environmentVariable))
        }
        #expect(text.contains("an integer from 8 to 512, a multiple of 8"))
    }
}

func load(
    _ yaml: String? = nil, _ environment: [String: String] = [:], settings: [String] = []
) throws -> Configuration {
    let file = try yaml.map { yaml in
        let url = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString).yaml")
        try yaml.write(to: url, atomically: true, encoding: .utf8)
        return url
    }
    defer { if let file { try? FileManager.default.removeItem(at: file) } }
    return try Configuration.load(file: file?.path, environment: environment, settings: settings)
}

@Suite("Models in the configuration")
struct ModelConfigurationTests {
    @Test("each learner takes its own settings, and they reach the engine")
    func allLearners() throws {
        let file = """
            models:
              stars: {learner: sgd, rate-schedule: adagrad}
              ranks: {negatives: popularity^0.5, rate-schedule: inverse-time 500, learner: bpr, user-learning-rate: 1}
              warps: {learner: warp, margin: 0.5, samples: 2, max-sampled: 50, negatives: uniform, positive: any}
              solves: {learner: als, alpha: 4, regularization: 20, regularization-power: 0, half-life-events: 0}
            default-model: solves
            """
        let models = try load(file).stateOptions.models
        #expect(models.map(\.learnerName) == ["sgd", "bpr", "warp", "als"])
        guard case .sgd(let sgd) = models[0].learner, case .bpr(let bpr, let liked) = models[1].learner,
            case .warp(let warp, let any) = models[2].learner, case .als(let als, _) = models[3].learner
        else {
            Issue.record("\(models)")
            return
        }
        #expect(sgd.schedule == .adaGrad)
        #expect(bpr.negatives.popularityPower == 0.5 && bpr.schedule == .inverseTime(halfAfter: 500))
        #expect(bpr.userLearningRate == 1 && liked.ratingMin == 4)
        #expect(warp.margin == 0.5 && warp.samples == 2 && warp.samplesMax == 50)
        #expect(warp.negatives.popularityPower == 0 && any.ratingMin == -.infinity)
        #expect(als.alpha == 4 && als.regularization == 20)
        #expect(als.regularizationPower == 0 && als.halfLifeEvents == 0)
    }

    @Test("what is not set is the learner's own default for a stream")
    func liveDefaults() throws {
        let file = "models: {a: {learner: bpr}, b: {learner: warp}, c: {learner: als}}\ndefault-model: a"
        let positive = PositiveRule(ratingMin: 4)
        #expect(
            try load(file).stateOptions.models.map(\.learner) == [
                .bpr(.live, positive: positive), .warp(.live, positive: positive),
                .als(.live, positive: positive),
            ])
    }

    @Test(
        "a setting of another learner is refused with its value and what the learner has, wherever it was given"
    )
    func inapplicable() throws {
        let inFile = #expect(throws: ConfigurationError.self) {
            try load("models:\n  a:\n    learner: als\n    samples: 3\ndefault-model: a")
        }
        let problem = try #require(inFile?.problems.first)
        #expect(problem.key == "models.a.samples")
        #expect(
            problem.message
                == "found 3, but learner als has no 'samples'; it has learner, regularization, "
                + "regularization-power, alpha, dislikes, half-life-events, priors, positive")
        let inFlag = #expect(throws: ConfigurationError.self) {
            try load(settings: ["models.likes.margin=2"])
        }
        #expect(inFlag?.problems.map(\.key) == ["models.likes.margin"])
        #expect(inFlag?.problems.first?.message.hasPrefix("found 2, but learner bpr has no 'margin'") == true)
    }

    @Test("popularity and trending have half-lives of their own")
    func halfLives() throws {
        let options = try load("popularity.half-life-events: 0\ntrending: {half-life-events: 50}")
            .stateOptions
        #expect(options.popularityHalfLifeEvents == 0 && options.trendingHalfLifeEvents == 50)
    }

    @Test("the settings of every model come back from the text that the reference shows")
    func textIsRead() throws {
        let file = """
            models: {a: {learner: warp, learning-rate: 0.5, rate-schedule: inverse-time 10, negatives: popularity^2,
              margin: 3, positive: "rating > 2"}, b: {learner: als, alpha: 2, half-life-events: 3.5}}
            default-model: a
            """
        let models = try load(file).models
        let text = "models: {\(models.map(\.text).joined(separator: ", "))}\ndefault-model: a"
        #expect(try load(text).models == models)
    }
}

@Suite("Half-lives and rules as they are configured")
struct CounterConfigurationTests {
    @Test(
        "half-lives are events or times",
        arguments: [
            ("never", HalfLife.never), ("0", .never), ("20000 events", .events(20_000)),
            ("500", .events(500)), ("15 min", .milliseconds(900_000)), ("2h", .milliseconds(7_200_000)),
        ])
    func halfLives(text: String, halfLife: HalfLife) throws {
        let configuration = try Configuration.load(
            file: nil, environment: [:],
            settings: [
                "models={t: {learner: trending, half-life: \"\(text)\"}}", "default-model=t",
                "recommend.seen=after 3 d",
            ])
        guard case .counter(let options, _) = configuration.stateOptions.models[0].learner else {
            Issue.record("trending does not count")
            return
        }
        #expect(options.halfLife == halfLife)
        #expect(configuration.stateOptions.seen == .after(259_200_000))
        #expect(configuration.engineOptions.lookUps.seen == .after(259_200_000))
        #expect(configuration.models[0].text.contains("half-life"))
    }

    @Test("what is none is refused", arguments: ["soon", "-1 events", "3 moons", "events"])
    func refused(text: String) {
        #expect(throws: ConfigurationError.self) {
            try Configuration.load(
                file: nil, environment: [:],
                settings: ["models={t: {learner: trending, half-life: \"\(text)\"}}", "default-model=t"])
        }
    }
}
