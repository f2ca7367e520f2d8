import Evaluation

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
    }

    let dataset: Dataset
    let options: Options
    let workers: Int
    let bootstrap: Bootstrap
    let progress: EvaluationProgress

    private var seed: UInt64 { UInt64(bitPattern: Int64(options.seed)) }

    /// - Throws: `CommandError`, `EvaluationError`.
    func report(_ setup: EvaluationProtocol) throws -> EvaluationReport {
        let algorithms = try options.algorithms.map { try EvaluatedAlgorithm($0, factors: options.factors) }
        guard let rule = options.rule else { return try resubstitution(algorithms, setup) }
        let split = try split(rule)
        let tasks = tasks(split)
        let ratings = RatingTask(dataset: dataset, split: split)
        var rankingSheets = tasks.map { _ in [ScoreSheet]() }
        var ratingSheets: [ScoreSheet] = []
        var curves: [CurvePoint] = []
        func measure(_ recommender: any Recommender) throws {
            progress.say("measuring \(recommender.name)", isStep: true)
            for (index, task) in tasks.enumerated() where !task.users.isEmpty {
                rankingSheets[index].append(try task.measure(recommender, workers: workers))
            }
            if ratings.ratings > 0, let sheet = try ratings.measure(recommender) {
                ratingSheets.append(sheet)
            }
        }
        for algorithm in algorithms {
            let trained = try train(algorithm, split.train)
            curves += trained.curves
            try measure(trained.recommender)
        }
        for baseline in baselines(split.train) { try measure(baseline) }

        var report = EvaluationReport(
            setup: describe(setup, rule, split, tasks), level: bootstrap.level, curves: curves)
        progress.say("resampling", isStep: true)
        for (task, sheets) in zip(tasks, rankingSheets) where !sheets.isEmpty {
            report.sections.append(section(task, sheets))
        }
        if !ratingSheets.isEmpty {
            report.sections.append(
                EvaluationSection(
                    title: "ratings",
                    note:
                        "\(Progress.grouped(ratings.ratings)) ratings of \(Progress.grouped(ratings.users.count)) users, predictions clipped to "
                        + "\(ratings.range.lowerBound)…\(ratings.range.upperBound); means over ratings, intervals over users",
                    comparison: Comparison(ratingSheets, bootstrap: bootstrap)))
        }
        return report
    }

    // MARK: - Parts

    private func split(_ rule: SplitRule) throws(EvaluationError) -> Split {
        let whole = try Split(dataset.observations, rule: rule, seed: seed)
        guard options.isValidation else { return whole }
        return try Split(whole.train, rule: rule, seed: seed &+ 1)
    }

    private func tasks(_ split: Split) -> [RankingTask] {
        var rules: [CandidateRule] = [.full]
        if let given = options.given {
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
        return baselines
    }

    private func train(
        _ algorithm: EvaluatedAlgorithm, _ train: [Observation]
    ) throws -> EvaluatedAlgorithm.Trained {
        progress.say("training \(algorithm.name)", isStep: true)
        return try algorithm.train(
            train, users: dataset.userIDs.count, items: dataset.itemIDs.count, seed: seed, shards: workers
        ) { epoch, epochs in
            progress.say("training \(algorithm.name): epoch \(epoch) of \(epochs)")
        }
    }

    private func section(_ task: RankingTask, _ sheets: [ScoreSheet]) -> EvaluationSection {
        EvaluationSection(
            title: task.candidates.label, isSampled: task.candidates.isSampled,
            note:
                "means over \(Progress.grouped(task.users.count)) users with a held-out item that they liked",
            comparison: Comparison(sheets, bootstrap: bootstrap))
    }

    // MARK: - The header

    private func describe(
        _ setup: EvaluationProtocol, _ rule: SplitRule, _ split: Split, _ tasks: [RankingTask]
    ) -> EvaluationProtocol {
        var setup = describe(setup)
        setup.add(
            "split", rule.description + (options.isValidation ? "; then the same again out of the rest" : ""))
        let test = options.isValidation ? "validation" : "test"
        setup.add(
            "parts",
            "\(Progress.grouped(split.train.count)) events to learn, \(Progress.grouped(split.test.count)) for \(test)"
        )
        let users = Set(split.train.map(\.user)), items = Set(split.train.map(\.item))
        let newUsers = Set(split.test.map(\.user)).subtracting(users).count
        let newItems = Set(split.test.map(\.item)).subtracting(items).count
        setup.add(
            "unknown",
            "\(Progress.grouped(newUsers)) users and \(Progress.grouped(newItems)) items of the \(test) part are not in "
                + "training; they count like all others")
        if let given = options.given, given.unknownPairs + given.unknownNegatives > 0 {
            setup.warnings.append(
                "the file of negatives names \(Progress.grouped(given.unknownPairs)) pairs and "
                    + "\(Progress.grouped(given.unknownNegatives)) negatives that the events do not know")
        }
        if tasks.allSatisfy(\.users.isEmpty) {
            setup.warnings.append("nothing to rank: no held-out event is liked (\(options.positive.text))")
        }
        if tasks.contains(where: \.candidates.isSampled) {
            setup.warnings.append(
                "numbers against sampled negatives flatter every model and may change their order "
                    + "(Krichene and Rendle 2020)")
        }
        return setup
    }

    private func describe(_ setup: EvaluationProtocol) -> EvaluationProtocol {
        var setup = setup
        let found = dataset.findings
        setup.add(
            "data",
            "\(Progress.grouped(dataset.observations.count)) pairs of \(Progress.grouped(dataset.userIDs.count)) users and "
                + "\(Progress.grouped(dataset.itemIDs.count)) items, \(Progress.grouped(dataset.positives)) liked"
        )
        let counts = [
            ("duplicates", found.duplicates), ("superseded by a later one", found.superseded),
            ("clicks on rated items", found.outranked), ("taken back", found.retracted),
            ("with a time before the row above", found.backwards), ("without a time", found.timeless),
        ]
        let said = counts.filter { $0.1 > 0 }.map { "\(Progress.grouped($0.1)) \($0.0)" }
        let all = ["\(Progress.grouped(found.events)) events"] + (said.isEmpty ? ["no duplicates"] : said)
        setup.add("events", all.joined(separator: ", "))
        return setup
    }

    // MARK: - Learning and testing on the same

    private func resubstitution(
        _ algorithms: [EvaluatedAlgorithm], _ setup: EvaluationProtocol
    ) throws -> EvaluationReport {
        let liked = dataset.observations.filter(\.isPositive).map { ($0.user, $0.item) }
        let positives = ItemLists(users: dataset.userIDs.count, pairs: liked)
        var (sheets, curves): ([ScoreSheet], [CurvePoint]) = ([], [])
        func measure(_ recommender: any Recommender) throws {
            progress.say("measuring \(recommender.name)", isStep: true)
            var sheet = ScoreSheet(name: recommender.name, isBaseline: recommender.isBaseline)
            let area = try CellAUC.measure(recommender, dataset: dataset, positives: positives, excluded: nil)
            if let area { sheet.set(.cellAUC, area) }
            sheets.append(sheet)
        }
        for algorithm in algorithms {
            let trained = try train(algorithm, dataset.observations)
            curves += trained.curves
            try measure(trained.recommender)
        }
        for baseline in baselines(dataset.observations) { try measure(baseline) }
        var setup = describe(setup)
        setup.add("split", "none: learned and tested on the same events")
        setup.warnings.append(
            "this says how well a model remembers what it learned, not how well it predicts")
        let cells = dataset.userIDs.count * dataset.itemIDs.count
        return EvaluationReport(
            setup: setup, level: bootstrap.level,
            sections: [
                EvaluationSection(
                    title: "all cells",
                    note:
                        "\(Progress.grouped(liked.count)) liked of \(Progress.grouped(cells)) cells, in one ranking",
                    comparison: Comparison(sheets, bootstrap: bootstrap))
            ], curves: curves)
    }
}
