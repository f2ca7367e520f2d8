import Evaluation
import Events
import Learners
import Reporting
import Settings
import State
import StreamLearning

/// Test, then learn, in the order of time, by the daemon's own live learners.
struct PrequentialEvaluation {
    struct Options {
        var algorithms: [AlgorithmArgument]
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
    }

    /// Events handed over together; what is learned does not depend on it.
    private static let batchEvents = 256
    /// Points of each curve.
    private static let pointsPerWindow = 10

    private let options: Options
    private let models: [ModelOptions]
    private var replay: Replay
    private var ranking: [RankingTally] = []
    private var ratings: [RatingTally] = []
    private var counts = Counts()
    private(set) var curves: [CurvePoint] = []

    /// What became of the events; it stands in the header.
    private struct Counts {
        var events = 0
        var ranked = 0
        var unknownItems = 0
        var unknownUsers = 0
        var repeats = 0
        var keptOut = 0
    }

    /// - Throws: `CommandError` for an algorithm that does not learn live, or a setting that it does not have.
    init(_ options: Options) throws {
        self.options = options
        let replayOptions = try LiveModels.replayOptions(options)
        models = replayOptions.state.models
        replay = Replay(options: replayOptions)
        makeTallies()
    }

    private mutating func makeTallies() {
        let metrics = options.depths.flatMap { [Metric.recall($0), .ndcg($0), .mrr($0)] } + [.auc]
        func tally(_ name: String, isBaseline: Bool = true, _ source: RankingTally.Source) -> RankingTally {
            RankingTally(
                name: name, isBaseline: isBaseline, source: source, metrics: metrics, window: options.window)
        }
        for (index, argument) in options.algorithms.enumerated() {
            ranking.append(tally(argument.text, isBaseline: false, .model(index)))
            if case .sgd = models[index].learner {
                ratings.append(RatingTally(name: argument.text, model: index, window: options.window))
            }
        }
        ranking.append(tally("popularity", .popularity))
        if options.popularityHalfLife > 0 {
            let halfLife = ConfigurationText.number(options.popularityHalfLife)
            ranking.append(tally("popularity:half-life=\(halfLife)", .decayedPopularity))
        }
        ranking.append(tally("random", .random))
        if !ratings.isEmpty { ratings.append(RatingTally(name: "means", model: nil, window: options.window)) }
    }

    /// Replays all events. `onProgress` hears how many are learned; an error ends it.
    mutating func run(_ events: [Event], onProgress: (Int) throws -> Void) throws {
        let pointEvery = max(1, options.window / Self.pointsPerWindow)
        for start in stride(from: 0, to: events.count, by: Self.batchEvents) {
            let batch = events[start..<min(events.count, start + Self.batchEvents)]
            for event in try replay.learn(batch) {
                take(event)
                counts.events += 1
                if counts.events % pointEvery == 0 { addPoints() }
            }
            try onProgress(start + batch.count)
        }
        if counts.events % pointEvery != 0 { addPoints() }
    }

    private mutating func take(_ event: ReplayedEvent) {
        let user = Int(event.user)
        if let means = event.meansSquaredError {
            for index in ratings.indices {
                let error = ratings[index].model.map { event.squaredErrors[$0] } ?? means
                if let error { ratings[index].add(Double(error), user: user) }
            }
        }
        guard event.isPositive else { return }
        // Whoever has no history gets what is popular, whatever the model: that says nothing about the model.
        guard event.userIsKnown else {
            counts.unknownUsers += 1
            return
        }
        if event.isRepeat { counts.repeats += 1 }
        if event.isKeptOut {
            counts.keptOut += 1
        } else if let place = event.ranking {
            counts.ranked += 1
            for index in ranking.indices { ranking[index].add(place, user: user) }
        } else {
            counts.unknownItems += 1
            for index in ranking.indices { ranking[index].addMiss(user: user) }
        }
    }

    private mutating func addPoints() {
        let points =
            ranking.flatMap { $0.points(at: counts.events) }
            + ratings.flatMap { $0.points(at: counts.events) }
        curves += points
    }

    private var candidates: String {
        switch options.seen {
        case .exclude: " that the user has not seen"
        case .allow: ", those that the user has taken too"
        case .after: " that the user has not taken of late"
        }
    }

    func report(_ setup: EvaluationProtocol, bootstrap: Bootstrap) -> EvaluationReport {
        var setup = setup
        setup.add(
            "learned", "one pass in the order of time, each event tested before it is learned, no refit")
        setup.add("factors", "K = \(options.factors)")
        setup.add("seen", options.seen.text)
        setup.add("candidates", "all items heard of before\(candidates)")
        setup.add("ranked", "\(NumberText.grouped(counts.ranked)) liked events of users with a history")
        setup.add(
            "unknown items",
            "\(NumberText.grouped(counts.unknownItems)) more such events, a miss for everybody: no model could rank the item"
        )
        setup.add(
            "unknown users",
            "\(NumberText.grouped(counts.unknownUsers)) liked events left out: each the first of its user, where the daemon "
                + "answers by popularity")
        setup.add(
            "repeats",
            "\(NumberText.grouped(counts.repeats)) liked events on what the user had seen; "
                + "\(NumberText.grouped(counts.keptOut)) of them left out")
        setup.add("duplicates", "\(NumberText.grouped(Int(replay.duplicates))) events passed over")
        for (model, rejected) in zip(options.algorithms, replay.rejected) where rejected > 0 {
            setup.warnings.append("\(model.text): the guard refused \(NumberText.grouped(rejected)) updates")
        }
        var report = EvaluationReport(setup: setup, level: bootstrap.level, curves: curves)
        let users = (ranking.map(\.users) + ratings.map(\.users)).max() ?? 0
        if counts.ranked > 0 {
            report.sections.append(
                EvaluationSection(
                    title: "full ranking", note: "means over events, intervals over users",
                    comparison: Comparison(ranking.map { $0.sheet(users: users) }, bootstrap: bootstrap)))
        } else {
            report.setup.warnings.append(
                "nothing was ranked: no liked event on a known item (\(options.positive.text))")
        }
        if ratings.contains(where: { $0.count > 0 }) {
            report.sections.append(
                EvaluationSection(
                    title: "ratings", note: "means over events, intervals over users",
                    comparison: Comparison(ratings.map { $0.sheet(users: users) }, bootstrap: bootstrap)))
        }
        return report
    }
}

/// The models of a replay, read as the configuration reads those of the daemon.
enum LiveModels {
    static func replayOptions(_ options: PrequentialEvaluation.Options) throws -> Replay.Options {
        var configuration = Configuration()
        (configuration.engine.factors, configuration.engine.seed) = (options.factors, options.seed)
        configuration.models = try options.algorithms.enumerated().map { index, argument in
            var model = try model(argument, number: index + 1)
            if model.learner != .sgd { model.positive = model.positive ?? options.positive }
            return model
        }
        var replay = Replay.Options()
        (replay.state, replay.learning) = (configuration.stateOptions, configuration.learningOptions)
        replay.positive = options.positive.positiveRule
        replay.popularityHalfLife = options.popularityHalfLife
        replay.state.seen = options.seen
        replay.learning.signals = options.signals
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
