import Evaluation
import Factors
import FeatureMaps
import Learners
import Training

/// An algorithm of the command line, ready to be trained on a part of the events.
struct EvaluatedAlgorithm {
    struct Trained {
        var recommender: any Recommender
        var curves: [CurvePoint] = []
    }

    private enum Kind {
        case popularity(halfLife: Double)
        case factors(AlgorithmSettings)
        /// With biased SGD where it is asked for pairs that both know.
        case features(DescribedRatings.Options, sgd: AlgorithmSettings?)
        case spectral(SpectralRidge.Options)
        case encoder(SimilarityEncoder.Options)
    }

    /// As it was given.
    let name: String
    private let kind: Kind

    /// How it is trained, for the header; `nil` where nothing is.
    var training: String? {
        let settings: AlgorithmSettings
        switch kind {
        case .popularity: return nil
        case .features(let options, let sgd):
            let mean = sgd == nil ? "" : ", and of known users and items the mean with sgd"
            return "\(name): \(options.sweeps) sweeps, K = \(options.factors)\(mean)"
        case .spectral(let options):
            return "\(name): K = \(options.factors), λ = \(Int(options.penalty))"
        case .encoder(let options):
            return
                "\(name): \(options.epochs) epochs, K = \(options.factors), input \(options.input.rawValue)"
        case .factors(let own): settings = own
        }
        let (preset, steps) = (settings.preset, settings.preset.algorithm.name == .als ? "sweeps" : "epochs")
        return "\(name): \(preset.epochs) \(steps), K = \(settings.factors)"
    }

    /// - Parameter factors: K where the argument does not say it.
    /// - Throws: `CommandError` for a name or a setting that there is not.
    /// - Parameter isColdStart: no pair of a known user and a known item will be asked for.
    init(_ argument: AlgorithmArgument, factors: Int, isColdStart: Bool = false) throws {
        name = argument.text
        if let kind = try Self.described(argument, factors: factors, isColdStart: isColdStart) {
            self.kind = kind
            return
        }
        if argument.name == "popularity" {
            var reader = try SettingsReader(argument)
            kind = .popularity(halfLife: try reader.number("half-life", 1...1e9) ?? 0)
            try reader.finish()
        } else {
            kind = .factors(try AlgorithmSettings(argument, factors: factors))
        }
    }

    /// - Parameters:
    ///   - seed: with the number of shards, it decides the model to the bit.
    ///   - watch: what to measure of the model after each epoch.
    ///   - onEpoch: called after each epoch with its number, from 1, and how many there will be; an error ends it.
    /// - Throws: `TrainingError` where it diverges.
    func train(
        _ train: [Observation], users: Int, items: Int, seed: UInt64, shards: Int,
        descriptions: DatasetDescriptions, watch: BatchEvaluation.Watch?,
        onEpoch: (_ epoch: Int, _ epochs: Int) throws -> Void
    ) throws -> Trained {
        let settings: AlgorithmSettings
        switch kind {
        case .popularity(let halfLife):
            return Trained(
                recommender: PopularityRecommender(train: train, items: items, halfLife: halfLife))
        case .features(let options, let sgd):
            return Trained(
                recommender: try described(
                    options, sgd: sgd, train, users: users, items: items, seed: seed, shards: shards,
                    descriptions, onEpoch))
        case .spectral(let options):
            let (ratings, features) = try ratings(train, descriptions)
            let model = SpectralRidge(
                ratings, users: users, itemFeatures: features.items, seed: seed, options: options)
            return Trained(recommender: SpectralRecommender(name: name, model: model, items: items))
        case .encoder(let options):
            let (ratings, features) = try ratings(train, descriptions)
            let model = try SimilarityEncoder(
                ratings, userFeatures: features.users, itemFeatures: features.items, seed: seed,
                options: options
            ) { try onEpoch($0, SimilarityEncoder.epochs(options)) }
            return Trained(recommender: EncoderRecommender(name: name, model: model, items: items))
        case .factors(let own): settings = own
        }
        return try trained(
            settings, train, users: users, items: items, seed: seed, shards: shards, watch: watch,
            onEpoch: onEpoch)
    }

    private func trained(
        _ settings: AlgorithmSettings, _ train: [Observation], users: Int, items: Int, seed: UInt64,
        shards: Int, watch: BatchEvaluation.Watch?, onEpoch: (_ epoch: Int, _ epochs: Int) throws -> Void
    ) throws -> Trained {
        let (model, curves) = try factorModel(
            settings, train, users: users, items: items, seed: seed, shards: shards, watch: watch,
            onEpoch: onEpoch)
        return Trained(recommender: FactorRecommender(name: name, model: model), curves: curves)
    }

    private func factorModel(
        _ settings: AlgorithmSettings, _ train: [Observation], users: Int, items: Int, seed: UInt64,
        shards: Int, watch: BatchEvaluation.Watch?, onEpoch: (_ epoch: Int, _ epochs: Int) throws -> Void
    ) throws -> (FactorModel, [CurvePoint]) {
        let epochs = settings.preset.epochs
        let trainer = settings.preset.trainer(factors: settings.factors, seed: seed, shards: shards)
        let (learned, seen) = try interactions(train, users: users, items: items, settings)
        var curves: [CurvePoint] = []
        var failure: (any Error)?
        let model = try trainer.train(learned, epochsMax: epochs, seen: seen) { report, model in
            curves.append(point("training", report.epoch, report.lossName, report.loss))
            do {
                try onEpoch(report.epoch, epochs)
                let watched = try watch?(FactorRecommender(name: name, model: model)) ?? []
                curves += watched.map { point("validation", report.epoch, $0.metric.name, $0.value) }
            } catch {
                failure = error
            }
            return failure == nil
        }
        if let failure { throw failure }
        return (model, curves)
    }

    /// What is learned, and what its users have seen besides.
    ///
    /// - Throws: `EvaluationError.emptyPart` where there is nothing of the kind that the algorithm learns.
    private func interactions(
        _ train: [Observation], users: Int, items: Int, _ settings: AlgorithmSettings
    ) throws(EvaluationError) -> (learned: Interactions, seen: Interactions) {
        func interactions(_ part: [Observation], value: (Observation) -> Float) -> Interactions {
            Interactions(
                userCount: users, itemCount: items, users: part.map(\.user), items: part.map(\.item),
                values: part.map(value), times: part.map(\.time))
        }
        let rates = settings.preset.algorithm.predictsRatings
        // What a ranking learner takes counts alike, a signal by its weight: as on the stream.
        let learned =
            rates
            ? interactions(train.filter(\.isRating)) { $0.value }
            : interactions(train.filter(\.isPositive)) {
                $0.isRating ? 1 : LikingWeight.saturated($0.value)
            }
        guard learned.count > 0 else {
            throw .emptyPart(
                "\(name): the training part holds no \(rates ? "rating" : "liked item") to learn from")
        }
        return (learned, interactions(train) { $0.value })
    }

    private func point(_ candidates: String, _ epoch: Int, _ metric: String, _ value: Double) -> CurvePoint {
        CurvePoint(
            candidates: candidates, algorithm: name, unit: "epoch", at: epoch, metric: metric, value: value)
    }
}

// MARK: - Of what is described

extension EvaluatedAlgorithm {
    /// Names of the algorithms that look at descriptions.
    static let describedNames = ["features", "svd-ridge", "simec"]

    /// `nil` for an algorithm that does not look at descriptions.
    private static func described(
        _ argument: AlgorithmArgument, factors: Int, isColdStart: Bool
    ) throws -> Kind? {
        guard describedNames.contains(argument.name) else { return nil }
        var reader = try SettingsReader(argument)
        if argument.name == "svd-ridge" {
            var options = SpectralRidge.Options()
            options.factors = try reader.integer("factors", 1...512) ?? options.factors
            options.penalty = try reader.number("feature-regularization", 1e-3...1e6) ?? options.penalty
            try reader.finish()
            return .spectral(options)
        }
        if argument.name == "simec" { return .encoder(try encoderOptions(&reader)) }
        var options = DescribedRatings.Options()
        options.factors = try reader.integer("factors", 1...512) ?? options.factors
        options.sweeps = try reader.integer("sweeps", 1...1_000) ?? options.sweeps
        options.userPenalty = Float(
            try reader.number("user-regularization", 1e-3...1e6) ?? Double(options.userPenalty))
        options.itemPenalty = Float(
            try reader.number("regularization", 1e-3...1e6) ?? Double(options.itemPenalty))
        options.evidence = Float(try reader.number("evidence", 0...1e6) ?? Double(options.evidence))
        options.featurePenalty =
            try reader.number("feature-regularization", 1e-3...1e6) ?? options.featurePenalty
        try reader.finish()
        guard !isColdStart, let sgd = AlgorithmArgument(argument: "sgd") else {
            return .features(options, sgd: nil)
        }
        return .features(options, sgd: try AlgorithmSettings(sgd, factors: factors))
    }

    private static func encoderOptions(_ reader: inout SettingsReader) throws -> SimilarityEncoder.Options {
        var options = SimilarityEncoder.Options()
        let inputs = SimilarityEncoder.Input.allCases.map(\.rawValue).joined(separator: " or ")
        options.input =
            try reader.take("input", inputs) { SimilarityEncoder.Input(rawValue: $0) } ?? options.input
        options.factors = try reader.integer("factors", 1...512) ?? options.factors
        options.epochs = try reader.integer("epochs", 1...10_000) ?? options.epochs
        options.learningRate = Float(
            try reader.number("learning-rate", 1e-6...1) ?? Double(options.learningRate))
        options.decay = Float(try reader.number("regularization", 0...100) ?? Double(options.decay))
        options.featurePenalty =
            try reader.number("feature-regularization", 1e-3...1e6) ?? options.featurePenalty
        try reader.finish()
        return options
    }

    private func ratings(
        _ train: [Observation], _ descriptions: DatasetDescriptions
    ) throws(EvaluationError) -> (
        DescribedRatings.Ratings, (users: FeatureMatrix, items: FeatureMatrix)
    ) {
        let rated = train.filter(\.isRating)
        guard !rated.isEmpty else {
            throw .emptyPart("\(name): the training part holds no rating to learn from")
        }
        let ratings = DescribedRatings.Ratings(
            users: rated.map(\.user), items: rated.map(\.item), values: rated.map(\.value))
        return (ratings, descriptions.features(of: rated))
    }

    private func described(
        _ options: DescribedRatings.Options, sgd: AlgorithmSettings?, _ train: [Observation], users: Int,
        items: Int, seed: UInt64, shards: Int, _ descriptions: DatasetDescriptions,
        _ onEpoch: (_ epoch: Int, _ epochs: Int) throws -> Void
    ) throws -> DescribedRecommender {
        let (ratings, features) = try ratings(train, descriptions)
        var options = options
        options.seed = seed
        let model = try DescribedRatings(
            ratings, userFeatures: features.users, itemFeatures: features.items, options: options,
            workers: shards
        ) { try onEpoch($0, options.sweeps) }
        let factorModel = try sgd.map {
            try self.factorModel(
                $0, train, users: users, items: items, seed: seed, shards: shards, watch: nil,
                onEpoch: onEpoch
            ).0
        }
        var hasUser = [Bool](repeating: false, count: users)
        var hasItem = [Bool](repeating: false, count: items)
        for (user, item) in zip(ratings.users, ratings.items) {
            hasUser[Int(user)] = true
            hasItem[Int(item)] = true
        }
        return DescribedRecommender(
            name: name, model: model, sgd: factorModel, items: items, hasUser: hasUser, hasItem: hasItem)
    }
}

/// A trained model as something to evaluate.
private struct FactorRecommender: Recommender {
    let name: String
    let model: FactorModel
    private let algebra = LinearAlgebra()

    init(name: String, model: FactorModel) {
        self.name = name
        self.model = model
    }

    var predictsRatings: Bool { model.predictsRatings }

    /// b_i + p_u·q_i: what is the same for all items of a user does not change a ranking.
    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        guard let start = scores.baseAddress, model.items.count > 0 else { return }
        let count = model.items.count
        if model.neural != nil {
            var whole: [Float] = []
            model.scores(user: user, into: &whole)
            for item in 0..<count { scores[item] = whole[item] }
            return
        }
        model.items.withVectors(from: 0, count: count) { matrix in
            model.users.withVectors(from: user, count: 1) { vector in
                algebra.multiply(
                    matrix: matrix, rows: count, factors: model.factors, vector: vector, scores: start)
            }
        }
        for item in 0..<count { scores[item] += model.items.bias(item) }
    }

    func rating(user: Int, item: Int) -> Float? {
        predictsRatings ? model.predict(user: user, item: item) : nil
    }
}
