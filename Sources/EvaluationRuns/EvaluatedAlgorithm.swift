import Evaluation
import Factors
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
    }

    /// As it was given.
    let name: String
    private let kind: Kind

    /// How it is trained, for the header; `nil` where nothing is.
    var training: String? {
        guard case .factors(let settings) = kind else { return nil }
        let (preset, steps) = (settings.preset, settings.preset.algorithm.name == .als ? "sweeps" : "epochs")
        return "\(name): \(preset.epochs) \(steps), K = \(settings.factors)"
    }

    /// - Parameter factors: K where the argument does not say it.
    /// - Throws: `CommandError` for a name or a setting that there is not.
    init(_ argument: AlgorithmArgument, factors: Int) throws {
        name = argument.text
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
        watch: BatchEvaluation.Watch?, onEpoch: (_ epoch: Int, _ epochs: Int) throws -> Void
    ) throws -> Trained {
        let settings: AlgorithmSettings
        switch kind {
        case .popularity(let halfLife):
            return Trained(
                recommender: PopularityRecommender(train: train, items: items, halfLife: halfLife))
        case .factors(let own): settings = own
        }
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
        return Trained(recommender: FactorRecommender(name: name, model: model), curves: curves)
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
