import ContentEvaluation
import Evaluation
import FeatureMaps
import Reporting

/// Whether what is learned of items' descriptions tells which of them are rated alike, beside the cosine of the descriptions
/// themselves.
struct SimilarityEvaluation {
    struct Options {
        /// One of default settings where there are none.
        var algorithms: [AlgorithmArgument]
        /// Ratings that an item has to have.
        var ratingsMin: Int
        /// Part of the items that is held out.
        var fraction: Double
        var seed: Int
    }

    static let algorithmName = "content-similarity"
    static let baselineName = "tag-cosine"

    /// Of an algorithm: how it is learned, and items that a feature has to be on.
    private struct Settings {
        var name: String
        var options: LearnedSimilarity.Options
        var itemsMin: Int
    }

    let dataset: Dataset
    let descriptions: DatasetDescriptions
    let options: Options
    let bootstrap: Bootstrap
    let progress: EvaluationProgress
    /// Throws where the work is to end.
    let goesOn: () throws -> Void

    /// - Throws: `CommandError`, `EvaluationError`.
    func report(_ setup: EvaluationProtocol) throws -> EvaluationReport {
        let arguments =
            options.algorithms.isEmpty
            ? [AlgorithmArgument(argument: Self.algorithmName)].compactMap(\.self) : options.algorithms
        let algorithms = try arguments.map(Self.settings)
        let rated = dataset.observations.filter(\.isRating)
        let ratings = DescribedRatings.Ratings(
            users: rated.map(\.user), items: rated.map(\.item), values: rated.map(\.value))
        let seed = UInt64(bitPattern: Int64(options.seed))
        guard
            let trial = SimilarityTrial(
                ratings, itemCount: dataset.itemIDs.count, ratingsMin: options.ratingsMin,
                heldOut: options.fraction, seed: seed)
        else {
            throw EvaluationError.emptyPart(
                "of items of \(options.ratingsMin) ratings or more there have to be at least three to learn from and "
                    + "two to hold out, and no more than \(SimilarityTrial.itemsMax); say --ratings-min")
        }
        // A title that one item alone has tells nothing but which item it is.
        let lists = trial.items.map { descriptions.items[$0].filter { !TitleYear.isTitle($0) } }
        let raw = trial.cosines(of: FeatureMatrix(of: lists, rowsMin: 1))
        var values: [(name: String, values: [Float])] = []
        for algorithm in algorithms {
            progress.say("training \(algorithm.name)", isStep: true)
            values.append((algorithm.name, try learned(algorithm, lists, trial, seed)))
        }
        values.append((Self.baselineName, raw))
        progress.say("resampling", isStep: true)
        var report = EvaluationReport(
            setup: describe(setup, algorithms, trial, ratings.values.count), level: bootstrap.level)
        report.sections = try SimilarityTrial.Pairs.allCases.map { try section($0, trial, values) }
        return report
    }

    private static func settings(_ argument: AlgorithmArgument) throws -> Settings {
        guard argument.name == algorithmName else {
            throw SettingsReader.refusal(
                argument, "--protocol similarity judges \(algorithmName), and nothing else")
        }
        var reader = try SettingsReader(argument)
        var own = LearnedSimilarity.Options()
        own.hidden = try reader.integer("hidden", 8...4_096) ?? own.hidden
        own.outputs = try reader.integer("factors", 1...1_024) ?? own.outputs
        own.epochs = try reader.integer("epochs", 1...10_000) ?? own.epochs
        own.learningRate = Float(
            try reader.number("learning-rate", 1e-6...1) ?? Double(own.learningRate))
        own.decay = Float(try reader.number("regularization", 0...100) ?? Double(own.decay))
        own.dropout = try reader.number("dropout", 0...0.95) ?? own.dropout
        own.hiddenDropout = try reader.number("hidden-dropout", 0...0.95) ?? own.hiddenDropout
        own.batchItems = try reader.integer("batch-items", 2...8_000) ?? own.batchItems
        let itemsMin = try reader.integer("items-min", 1...1_000_000) ?? 2
        try reader.finish()
        return Settings(name: argument.text, options: own, itemsMin: itemsMin)
    }

    private func learned(
        _ algorithm: Settings, _ lists: [[String]], _ trial: SimilarityTrial, _ seed: UInt64
    ) throws -> [Float] {
        // What is on held-out items alone nobody can learn.
        let features = FeatureMatrix(of: lists, rowsMin: algorithm.itemsMin) { $0 < trial.learned }
        let model = try LearnedSimilarity(
            features, rows: Array(0..<trial.learned), similarities: trial.similarities, seed: seed,
            options: algorithm.options
        ) { epoch in
            progress.say("training \(algorithm.name): epoch \(epoch) of \(algorithm.options.epochs)")
            try goesOn()
        }
        let vectors = model.vectors(of: features)
        guard model.isFinite, vectors.numbers.allSatisfy(\.isFinite) else {
            throw CommandError("\(algorithm.name): it diverged; lower learning-rate")
        }
        return trial.products(vectors.numbers, width: vectors.width)
    }

    private func section(
        _ pairs: SimilarityTrial.Pairs, _ trial: SimilarityTrial, _ values: [(name: String, values: [Float])]
    ) throws -> EvaluationSection {
        let resampled = trial.resampled(
            values.map(\.values), pairs, resamples: bootstrap.resamples, seed: bootstrap.seed)
        try goesOn()
        let figures = values.map { trial.correlation($0.values, pairs) ?? .nan }
        func less(_ index: Int, _ other: Int) -> PairedDifference? {
            guard index != other else { return nil }
            return PairedDifference(
                against: values[other].name, difference: figures[index] - figures[other],
                interval: bootstrap.interval(of: zip(resampled[index], resampled[other]).map { $0 - $1 }))
        }
        let findings = values.indices.filter { figures[$0].isFinite }.map { index -> Finding in
            let isBaseline = values[index].name == Self.baselineName
            return Finding(
                algorithm: values[index].name, isBaseline: isBaseline, metric: .pearson,
                value: figures[index], interval: bootstrap.interval(of: resampled[index]), users: 0,
                count: trial.count(pairs), againstBaseline: less(index, values.count - 1),
                againstFirst: less(index, 0))
        }
        let title =
            switch pairs {
            case .learned: "pairs that were learned"
            case .heldOut: "pairs with an item that was held out"
            }
        return EvaluationSection(
            title: title,
            note:
                "Pearson's correlation with the cosine of residuals over \(NumberText.grouped(trial.count(pairs))) pairs; "
                + "intervals over items",
            comparison: Comparison(algorithms: values.map(\.name), findings: findings))
    }

    private func describe(
        _ setup: EvaluationProtocol, _ algorithms: [Settings], _ trial: SimilarityTrial, _ ratings: Int
    ) -> EvaluationProtocol {
        var setup = setup
        let held = trial.items.count - trial.learned
        setup.add(
            "items",
            "\(NumberText.grouped(trial.items.count)) of \(options.ratingsMin) ratings or more, "
                + "\(NumberText.grouped(held)) of them held out")
        setup.add(
            "similarity",
            "cosine of items' residuals, ratings less the user's mean and then the item's, of \(NumberText.grouped(ratings)) ratings"
        )
        let trained = algorithms.map {
            "\($0.name): \($0.options.hidden) hidden units, K = \($0.options.outputs), \($0.options.epochs) epochs, "
                + "features on \($0.itemsMin) items or more"
        }
        setup.add("trained", trained.joined(separator: "; "))
        return setup
    }
}
