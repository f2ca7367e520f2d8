import Settings
import Training

/// An algorithm that is trained in epochs or sweeps, read from its argument: what it says holds, what it does not say
/// is the preset's, as for `freshet train` and `freshet-bench quality`.
struct AlgorithmSettings {
    static let names =
        Algorithm.Name.allCases.map(\.rawValue) + ["als-classical", "popularity"]
        + EvaluatedAlgorithm.describedNames

    let preset: Algorithm.Preset
    let factors: Int

    /// - Parameter factors: K where the argument does not say it.
    /// - Throws: `CommandError` that names what is allowed.
    init(_ argument: AlgorithmArgument, factors: Int) throws {
        guard let preset = Self.preset(argument.name) else {
            if let learner = ModelSettings.Learner(rawValue: argument.name), !learner.hasRows {
                let does =
                    learner.counts ? "counts a stream, and has" : "combines others on a stream, and has"
                throw SettingsReader.refusal(
                    argument,
                    "'\(argument.name)' \(does) nothing to train; say --protocol prequential")
            }
            throw SettingsReader.refusal(
                argument,
                "'\(argument.name)' is no algorithm, allowed is \(Self.names.joined(separator: ", "))")
        }
        let learner = preset.algorithm.name.learner
        var reader = try SettingsReader(argument)
        self.factors = try reader.integer("factors", 8...1024, multipleOf: 8) ?? factors
        let epochs = try reader.integer("epochs", 1...10_000)
        let model = try reader.model(argument.name, learner, without: ["positive"])
        if !learner.predictsRatings, argument.settings.contains(where: { $0.key == "positive" }) {
            throw SettingsReader.refusal(
                argument, "'positive' is the same for all that is held out; say --positive")
        }
        try reader.finish()
        var own = preset.with(model)
        if let epochs { own.epochs = epochs }
        self.preset = own
    }

    private static func preset(_ name: String) -> Algorithm.Preset? {
        name == "als-classical" ? .alsClassical : Algorithm.Name(rawValue: name).map { .preset($0) }
    }
}

extension SettingsReader {
    /// What a model of the configuration may be given, under the same names and with the same bounds.
    mutating func model(
        _ name: String, _ learner: ModelSettings.Learner, without: [String] = []
    ) throws -> ModelSettings {
        var model = ModelSettings(name: name, learner: learner)
        for field in ModelField.all where field.learners.contains(learner) && !without.contains(field.name) {
            _ = try take(field.name, field.allowed) { field.set($0, &model) ? true : nil }
        }
        return model
    }
}
