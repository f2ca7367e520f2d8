import Evaluation
import Reporting
import Settings
import Training

/// Trains each algorithm on the training part and measures it on the held-out one, beside the baselines.
struct BatchEvaluation {
    struct Options {
        var algorithms: [AlgorithmArgument]
        /// `nil` learns and tests on the same events.
        var rule: SplitRule?
        var isValidation: Bool
        var given: GivenNegatives?
        var drawn: Int?
        var positive: ModelSettings.Positive
        var depths: [Int]
        var factors: Int
        var seed: Int
        var popularityHalfLife: Double
        /// By epoch; with `isValidation` of the validation part too.
        var wantsCurves: Bool
    }

    let dataset: Dataset
    let descriptions: DatasetDescriptions
    let options: Options
    let workers: Int
    let bootstrap: Bootstrap
    let progress: EvaluationProgress
    /// Throws where the work is to end.
    let goesOn: () throws -> Void

    var seed: UInt64 { UInt64(bitPattern: Int64(options.seed)) }

    /// - Throws: `CommandError`, `EvaluationError`.
    func report(_ setup: EvaluationProtocol) throws -> EvaluationReport {
        let algorithms = try options.algorithms.map { try EvaluatedAlgorithm($0, factors: options.factors) }
        guard let rule = options.rule else { return try resubstitution(algorithms, setup) }
        let split = try split(rule)
        let tasks = tasks(split)
        let ratings = RatingTask(dataset: dataset, split: split)
        var rankingSheets = tasks.map { _ in [ScoreSheet]() }
        var ratingSheets: [ScoreSheet] = []
        var report = EvaluationReport(
            setup: describe(describe(setup, algorithms), rule, split, tasks), level: bootstrap.level)
        try forEach(algorithms, learning: split.train, watch: watch(tasks[0], ratings), &report) {
            recommender in
            for (index, task) in tasks.enumerated() where !task.users.isEmpty {
                rankingSheets[index].append(try task.measure(recommender, workers: workers))
            }
            if ratings.ratings > 0, let sheet = try ratings.measure(recommender) {
                ratingSheets.append(sheet)
            }
        }
        progress.say("resampling", isStep: true)
        for (task, sheets) in zip(tasks, rankingSheets) where !sheets.isEmpty {
            report.sections.append(section(task, sheets))
        }
        if !ratingSheets.isEmpty {
            report.sections.append(
                EvaluationSection(
                    title: "ratings",
                    note:
                        "\(NumberText.grouped(ratings.ratings)) ratings of \(NumberText.grouped(ratings.users.count)) users, predictions clipped to "
                        + "\(ratings.range.lowerBound)…\(ratings.range.upperBound); means over ratings, intervals over users",
                    comparison: Comparison(ratingSheets, bootstrap: bootstrap)))
        }
        return report
    }

    // MARK: - Parts

    private func split(_ rule: SplitRule) throws(EvaluationError) -> Split {
        let whole = try Split(dataset.observations, rule: rule, seed: seed)
        guard options.isValidation else { return whole }
        return try Split(whole.train, rule: Self.validationRule(rule), seed: seed &+ 1)
    }

    /// Out of what a file leaves, each user's last one: the file names no more.
    static func validationRule(_ rule: SplitRule) -> SplitRule {
        if case .given = rule { .leaveOneOut } else { rule }
    }

    private func tasks(_ split: Split) -> [RankingTask] {
        var rules: [CandidateRule] = [.full]
        if let given = options.given, !options.isValidation {
            let pairs = given.entries.flatMap { entry in entry.negatives.map { (entry.user, $0) } }
            rules.append(.given(ItemLists(users: dataset.userIDs.count, pairs: pairs)))
        } else if let drawn = options.drawn {
            rules.append(.drawn(count: drawn, seed: seed))
        }
        return rules.map {
            RankingTask(dataset: dataset, split: split, candidates: $0, depths: options.depths)
        }
    }

    private func baselines(_ train: [Observation]) -> [any Recommender] {
        let items = dataset.itemIDs.count
        var baselines: [any Recommender] = [PopularityRecommender(train: train, items: items)]
        if options.popularityHalfLife > 0 {
            baselines.append(
                PopularityRecommender(train: train, items: items, halfLife: options.popularityHalfLife))
        }
        baselines.append(RandomRecommender(seed: seed))
        if dataset.ratings > 0 {
            baselines.append(MeansRecommender(train: train, users: dataset.userIDs.count, items: items))
        }
        // One that was asked for by its name stands among the algorithms already.
        return baselines.filter { baseline in !options.algorithms.contains { $0.text == baseline.name } }
    }

    // MARK: - Training

    /// A figure to follow from epoch to epoch.
    typealias Watch = (any Recommender) throws -> [(metric: Metric, value: Double)]

    /// Curves of the held-out part are for choosing, so there are none of a test part.
    private func watch(_ ranking: RankingTask, _ ratings: RatingTask) -> Watch? {
        guard options.isValidation, options.wantsCurves else { return nil }
        return { recommender in
            let sheet =
                try recommender.predictsRatings
                ? ratings.measure(recommender) : ranking.measure(recommender, workers: workers)
            guard let sheet else { return [] }
            return sheet.columns.compactMap { metric, _ in sheet.value(metric).map { (metric, $0) } }
        }
    }

    /// Trains and measures the algorithms, then the baselines. One that diverges is left out, and named.
    func forEach(
        _ algorithms: [EvaluatedAlgorithm], learning train: [Observation], watch: Watch?,
        _ report: inout EvaluationReport, measure: (any Recommender) throws -> Void
    ) throws {
        for algorithm in algorithms {
            progress.say("training \(algorithm.name)", isStep: true)
            do {
                let trained = try algorithm.train(
                    train, users: dataset.userIDs.count, items: dataset.itemIDs.count, seed: seed,
                    shards: workers, descriptions: descriptions, watch: watch
                ) { epoch, epochs in
                    progress.say("training \(algorithm.name): epoch \(epoch) of \(epochs)")
                    try goesOn()
                }
                report.curves += trained.curves
                progress.say("measuring \(algorithm.name)", isStep: true)
                try measure(trained.recommender)
                try goesOn()
            } catch let error as TrainingError {
                report.failures.append("\(algorithm.name): \(error)")
            } catch let error as EvaluationError {
                report.failures.append("\(error)")
            }
        }
        for failure in report.failures { report.setup.warnings.append("left out: \(failure)") }
        for baseline in baselines(train) {
            progress.say("measuring \(baseline.name)", isStep: true)
            try measure(baseline)
            try goesOn()
        }
    }

    private func section(_ task: RankingTask, _ sheets: [ScoreSheet]) -> EvaluationSection {
        EvaluationSection(
            title: task.candidates.label, isSampled: task.candidates.isSampled,
            note:
                "means over \(NumberText.grouped(task.users.count)) users with a held-out item that they liked",
            comparison: Comparison(sheets, bootstrap: bootstrap))
    }
}
