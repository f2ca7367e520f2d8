import Evaluation
import Events
import FeatureMaps
import InventedWorlds
import Learners
import Reporting
import Settings
import State
import StreamLearning

/// Test, then learn, in the order of time, by the daemon's own live learners.
struct PrequentialEvaluation {
    struct Options {
        /// Those of the configuration where there are none.
        var algorithms: [AlgorithmArgument]
        var configured: [ModelSettings] = []
        var positive: ModelSettings.Positive
        var depths: [Int]
        var factors: Int
        var seed: Int
        /// Events over which the curves are averaged.
        var window: Int
        /// In liked events; 0 for none.
        var popularityHalfLife: Double
        /// Whether what was taken is a candidate again.
        var seen = SeenRule.exclude
        /// Weights of signals by their names.
        var signals = EventOptions().signals
        /// After how long their weight counts half.
        var signalHalfLife = HalfLife.never
        /// One liked event in so many is ranked.
        var sample = 1
        /// Whether ratings of what is not liked are ranked too.
        var ranksDisliked = false
        /// Whether tables described all before the first event.
        var describesFirst = false
        /// What features say of rows.
        var priors = ItemPriors.Options()
        /// By place in the stream; `nil` where nobody knows.
        var truths: [ChoiceTruth?]?

        /// As the report calls them.
        var names: [String] { algorithms.isEmpty ? configured.map(\.name) : algorithms.map(\.text) }
    }

    /// Events handed over together; what is learned does not depend on it.
    private static let batchEvents = 256
    /// Points of each curve.
    private static let pointsPerWindow = 10

    private let options: Options
    private let models: [ModelOptions]
    private var replay: Replay
    private var rankings: RankedSections
    private var ratings: [RatingTally] = []
    /// The same of items of few ratings and signals before.
    private var newRatings: [(events: ClosedRange<Int>, tallies: [RatingTally])] = []
    private var learned = 0
    private(set) var curves: [CurvePoint] = []

    /// - Throws: `CommandError` for an algorithm that does not learn live, or a setting that it does not have.
    init(_ options: Options) throws {
        self.options = options
        let replayOptions = try LiveModels.replayOptions(options)
        models = replayOptions.state.models
        replay = Replay(options: replayOptions)
        rankings = RankedSections(
            models: options.names, depths: options.depths,
            halfLife: options.popularityHalfLife > 0
                ? ConfigurationText.number(options.popularityHalfLife) : nil,
            hasOracle: options.truths != nil, seen: options.seen, window: options.window,
            ranksDisliked: options.ranksDisliked)
        for (index, name) in options.names.enumerated() {
            switch models[index].learner {
            case .sgd, .mlp:
                ratings.append(RatingTally(name: name, model: index, window: options.window))
            case .bpr, .warp, .als, .counter, .blend: break
            }
        }
        if !ratings.isEmpty { ratings.append(RatingTally(name: "means", model: nil, window: options.window)) }
        newRatings = [0...0, 1...5].map { ($0, ratings) }
    }

    /// Replays all events. `onProgress` hears how many are learned; an error ends it.
    mutating func run(_ events: [Event], onProgress: (Int) throws -> Void) throws {
        let pointEvery = max(1, options.window / Self.pointsPerWindow)
        for start in stride(from: 0, to: events.count, by: Self.batchEvents) {
            let batch = events[start..<min(events.count, start + Self.batchEvents)]
            for event in try replay.learn(batch) {
                try take(event)
                learned += 1
                if learned % pointEvery == 0 { addPoints() }
            }
            try onProgress(start + batch.count)
        }
        if learned % pointEvery != 0 { addPoints() }
    }

    private mutating func take(_ event: ReplayedEvent) throws {
        if let means = event.meansSquaredError {
            for index in ratings.indices {
                let error = ratings[index].model.map { event.squaredErrors[$0] } ?? means
                guard let error else { continue }
                ratings[index].add(Double(error), user: Int(event.user))
                for part in newRatings.indices where newRatings[part].events.contains(event.itemEvents) {
                    newRatings[part].tallies[index].add(Double(error), user: Int(event.user))
                }
            }
        }
        let truths = options.truths
        try rankings.take(event) { try Self.truth(event, truths) }
    }

    private static func truth(_ event: ReplayedEvent, _ truths: [ChoiceTruth?]?) throws -> ChoiceTruth? {
        guard let truths else { return nil }
        guard let truth = truths[Int(event.offset)] else {
            throw CommandError(
                "event \(event.offset + 1) is ranked, but the oracle says nothing of it: it speaks of what is liked by "
                    + "--positive 'rating >= 4'", code: .data)
        }
        return truth
    }

    private mutating func addPoints() {
        curves += rankings.points(at: learned) + ratings.flatMap { $0.points(at: learned) }
    }

    func report(_ setup: EvaluationProtocol, bootstrap: Bootstrap) -> EvaluationReport {
        var setup = setup
        setup.add(
            "learned", "one pass in the order of time, each event tested before it is learned, no refit")
        setup.add("factors", "K = \(options.factors)")
        if replay.descriptions > 0 {
            setup.add(
                "described",
                "\(NumberText.grouped(replay.descriptions)) descriptions; those of tables came "
                    + (options.describesFirst
                        ? "before all events" : "right before the first event of their item or user"))
        }
        rankings.describe(&setup, seen: options.seen, sample: options.sample)
        setup.add(
            "unknown users",
            "\(NumberText.grouped(rankings.unknownUsers)) liked events left out: each the first of its user, where the "
                + "daemon answers by popularity")
        setup.add("duplicates", "\(NumberText.grouped(Int(replay.duplicates))) events passed over")
        for (name, rejected) in zip(options.names, replay.rejected) where rejected > 0 {
            setup.warnings.append("\(name): the guard refused \(NumberText.grouped(rejected)) updates")
        }
        var report = EvaluationReport(setup: setup, level: bootstrap.level, curves: curves)
        let users = ([rankings.users] + ratings.map(\.users)).max() ?? 0
        report.sections = rankings.measured(users: users, bootstrap: bootstrap)
        if report.sections.isEmpty {
            report.setup.warnings.append(
                "nothing was ranked: no liked event on a known item (\(options.positive.text))")
        }
        if ratings.contains(where: { $0.count > 0 }) {
            report.sections.append(
                EvaluationSection(
                    title: "ratings", note: "means over events, intervals over users",
                    comparison: Comparison(ratings.map { $0.sheet(users: users) }, bootstrap: bootstrap)))
        }
        for (events, tallies) in newRatings where tallies.contains(where: { $0.count > 0 }) {
            let words =
                events.upperBound == 0 ? "no event" : "\(events.lowerBound) to \(events.upperBound) events"
            report.sections.append(
                EvaluationSection(
                    title: "ratings of items of \(words) before",
                    note: "\(NumberText.grouped(tallies[0].count)) ratings, intervals over users",
                    comparison: Comparison(tallies.map { $0.sheet(users: users) }, bootstrap: bootstrap)))
        }
        return report
    }
}

/// The models of a replay, read as the configuration reads those of the daemon.
enum LiveModels {
    static func replayOptions(_ options: PrequentialEvaluation.Options) throws -> Replay.Options {
        var configuration = Configuration()
        (configuration.engine.factors, configuration.engine.seed) = (options.factors, options.seed)
        let models = try options.algorithms.enumerated().map { try model($1, number: $0 + 1) }
        configuration.models = (models.isEmpty ? options.configured : models).map { model in
            var model = model
            if !model.learner.predictsRatings { model.positive = model.positive ?? options.positive }
            return model
        }
        var replay = Replay.Options()
        (replay.state, replay.learning) = (configuration.stateOptions, configuration.learningOptions)
        replay.positive = options.positive.positiveRule
        replay.popularityHalfLife = options.popularityHalfLife
        replay.state.seen = options.seen
        replay.state.priors = options.priors
        replay.learning.signals = options.signals
        replay.learning.signalHalfLife = options.signalHalfLife
        (replay.rankEvery, replay.ranksDisliked) = (options.sample, options.ranksDisliked)
        return replay
    }

    private static func model(_ argument: AlgorithmArgument, number: Int) throws -> ModelSettings {
        // As the other protocols call it; there it never fades either unless told to.
        let isPopularity = argument.name == "popularity"
        guard let learner = isPopularity ? .popular : ModelSettings.Learner(rawValue: argument.name) else {
            let learners = ModelSettings.Learner.allCases.map(\.rawValue)
            let choices = (learners + ["popularity"]).joined(separator: ", ")
            throw SettingsReader.refusal(
                argument, "'\(argument.name)' does not learn live, allowed is \(choices)")
        }
        var reader = try SettingsReader(argument)
        var model = try reader.model("\(argument.name)-\(number)", learner)
        if isPopularity { model.halfLife = model.halfLife ?? .never }
        try reader.finish()
        return model
    }
}
