import Learners
import Training

/// The settings of an algorithm that is trained in epochs or sweeps, read from its argument.
///
/// The defaults are for many passes over the same data, which wants other rates than one pass over a stream.
struct AlgorithmSettings {
    let algorithm: Algorithm
    let epochs: Int
    let factors: Int

    /// - Throws: `CommandError` that names what is allowed.
    init(_ argument: AlgorithmArgument, factors: Int) throws {
        guard let name = Algorithm.Name(rawValue: argument.name) else {
            let choices = Algorithm.Name.allCases.map(\.rawValue) + ["popularity"]
            throw SettingsReader.refusal(
                argument, "'\(argument.name)' is no algorithm, allowed is \(choices.joined(separator: ", "))")
        }
        var reader = try SettingsReader(argument)
        self.factors = try reader.integer("factors", 8...1024, multipleOf: 8) ?? factors
        epochs = try reader.integer("epochs", 1...10_000) ?? Self.epochs(name)
        switch name {
        case .sgd: algorithm = .sgd(try Self.sgd(&reader))
        case .bpr: algorithm = .bpr(try Self.bpr(&reader))
        case .warp: algorithm = .warp(try Self.warp(&reader))
        case .als: algorithm = .als(try Self.als(&reader))
        }
        try reader.finish()
    }

    private static func epochs(_ name: Algorithm.Name) -> Int {
        switch name {
        case .sgd: 40
        case .bpr: 40
        case .warp: 30
        case .als: 15
        }
    }

    private static func sgd(_ reader: inout SettingsReader) throws -> BiasedSGD.Options {
        var options = BiasedSGD.Options()
        options.learningRate = try reader.rate("learning-rate") ?? 0.01
        options.biasLearningRate = try reader.rate("bias-learning-rate") ?? 0.005
        options.regularization = try reader.penalty("regularization") ?? 0.06
        options.biasRegularization = try reader.penalty("bias-regularization") ?? 0.02
        options.schedule = try reader.schedule()
        return options
    }

    private static func bpr(_ reader: inout SettingsReader) throws -> BPR.Options {
        var options = BPR.Options()
        options.learningRate = try reader.rate("learning-rate") ?? 0.05
        options.regularization = try reader.penalty("regularization") ?? 0.01
        options.biasRegularization = try reader.penalty("bias-regularization") ?? options.regularization
        options.samples = try reader.integer("samples", 1...100) ?? 1
        options.negatives = try reader.negatives(options.negatives)
        options.schedule = try reader.schedule()
        return options
    }

    private static func warp(_ reader: inout SettingsReader) throws -> WARP.Options {
        var options = WARP.Options()
        options.learningRate = try reader.rate("learning-rate") ?? 0.005
        options.regularization = try reader.penalty("regularization") ?? 0.01
        options.biasRegularization = try reader.penalty("bias-regularization") ?? options.regularization
        options.margin = try reader.number("margin", 0...100) ?? options.margin
        options.samplesMax = try reader.integer("max-sampled", 1...10_000) ?? options.samplesMax
        options.negatives = try reader.negatives(options.negatives)
        options.schedule = try reader.schedule()
        return options
    }

    private static func als(_ reader: inout SettingsReader) throws -> ALS.Options {
        var options = ALS.Options()
        options.alpha = try reader.number("alpha", 0...10_000, above: true) ?? 1
        options.regularization = try reader.number("regularization", 0...10_000) ?? 20
        options.regularizationPower =
            try reader.number("regularization-power", 0...2) ?? options.regularizationPower
        options.halfLifeEvents = try reader.number("half-life", 0...1e9) ?? options.halfLifeEvents
        return options
    }
}

extension SettingsReader {
    fileprivate mutating func rate(_ key: String) throws -> Float? { try number(key, 0...1, above: true) }

    fileprivate mutating func penalty(_ key: String) throws -> Float? { try number(key, 0...10) }

    /// `rate=constant`, `rate=adagrad` or `rate=inverse-time`, the last with `half-after=updates`.
    fileprivate mutating func schedule() throws -> RateSchedule {
        let halfAfter = try number("half-after", 1...1e9) ?? 1000
        return try take("rate", "constant, adagrad or inverse-time") { text -> RateSchedule? in
            switch text {
            case "constant": .constant
            case "adagrad": .adaGrad
            case "inverse-time": .inverseTime(halfAfter: halfAfter)
            default: nil
            }
        } ?? .constant
    }

    fileprivate mutating func negatives(_ defaults: NegativeSampler) throws -> NegativeSampler {
        var negatives = defaults
        negatives.popularityPower = try number("popularity-power", 0...2) ?? defaults.popularityPower
        return negatives
    }
}
