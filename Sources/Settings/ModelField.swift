internal import Learners

/// One setting of a model: which learners have it, what it may be, and where it goes.
public struct ModelField: Sendable {
    /// The key below the model's name, say `learning-rate`.
    public let name: String
    /// Those that have it.
    public let learners: [ModelSettings.Learner]
    /// In words, for messages.
    public let allowed: String
    /// False where the text is not allowed; nothing at all gives the field back to the learner's default.
    public let set: @Sendable (String?, inout ModelSettings) -> Bool
    /// As it would stand in the file; `nil` where it is not set.
    public let text: @Sendable (ModelSettings) -> String?

    /// Every setting but `learner`, in the order of the reference.
    public static let all: [ModelField] = [
        rate("learning-rate", [.sgd, .bpr, .warp, .mlp], \.learningRate),
        rate("user-learning-rate", [.sgd, .bpr, .warp, .mlp], \.userLearningRate),
        rate("bias-learning-rate", [.sgd, .bpr, .warp, .mlp], \.biasLearningRate),
        rate("user-bias-learning-rate", [.sgd, .mlp], \.userBiasLearningRate),
        number("bias-shrinkage", [.sgd, .mlp], \.biasShrinkage, 0...1_000),
        text(
            "rate-schedule", [.sgd, .bpr, .warp, .mlp], \.rateSchedule, ModelSettings.RateSchedule.allowed,
            parse: { ModelSettings.RateSchedule($0) }, text: { $0.text }),
        number("regularization", [.sgd, .bpr, .warp, .als, .mlp], \.regularization, 0...1_000),
        number("user-regularization", [.sgd, .bpr, .warp, .mlp], \.userRegularization, 0...1_000),
        number("bias-regularization", [.sgd, .bpr, .warp, .mlp], \.biasRegularization, 0...1_000),
        number("regularization-power", [.als], \.regularizationPower, 0...1),
        integer("replays", [.sgd, .mlp], \.replays, 0...100),
        rate("replay-learning-rate", [.sgd, .mlp], \.replayLearningRate),
        integer("hidden", [.mlp], \.hidden, 1...1_024),
        integer("second-hidden", [.mlp], \.secondHidden, 0...1_024),
        number("dropout", [.mlp], \.dropout, 0...0.9),
        number("lambda", [.mlp], \.mix, 0...100),
        rate("network-learning-rate", [.mlp], \.networkLearningRate),
        number("network-regularization", [.mlp], \.networkRegularization, 0...1_000),
        integer("network-block-events", [.mlp], \.networkBlockEvents, 1...100_000),
        integer("samples", [.bpr, .warp], \.samples, 1...100),
        integer("hardest-of", [.bpr], \.hardestOf, 1...100),
        integer("max-sampled", [.warp], \.maxSampled, 1...10_000),
        number("margin", [.warp], \.margin, 0...100),
        text(
            "negatives", [.bpr, .warp], \.negatives, ModelSettings.Negatives.allowed,
            parse: { ModelSettings.Negatives($0) }, text: { $0.text }),
        number("alpha", [.als], \.alpha, 0.001...10_000),
        number("dislikes", [.als], \.dislikes, 0...1),
        number("half-life-events", [.als], \.halfLifeEvents, 0...1e6),
        text(
            "half-life", ModelSettings.Learner.counters, \.halfLife, HalfLife.allowed,
            parse: { HalfLife(configured: $0) }, text: { "\"\($0.configured)\"" }),
        integer("successors", [.next], \.successors, 1...1_024),
        integer("trail", [.next], \.trail, 1...64),
        text(
            "priors", [.sgd, .bpr, .warp, .als], \.priors, "on or off",
            parse: { ["on": true, "off": false, "true": true, "false": false][$0] },
            text: { $0 ? "\"on\"" : "\"off\"" }),
        text(
            "parts", [.blend], \.parts, "names of other models, parted by blanks; nothing takes all",
            parse: { text in
                let names = text.split(whereSeparator: { $0 == " " || $0 == "+" }).map(String.init)
                return names.allSatisfy(ModelSettings.isName) && !names.isEmpty ? names : nil
            }, text: { "\"\($0.joined(separator: " "))\"" }),
        text(
            "positive", [.bpr, .warp, .als] + ModelSettings.Learner.counters + [.blend], \.positive,
            ModelSettings.Positive.allowed,
            parse: { ModelSettings.Positive($0) }, text: { "\"\($0.text)\"" }),
    ]

    /// `nil` where there is none of this name.
    public static func named(_ name: String) -> ModelField? { all.first { $0.name == name } }

    /// `learner` and what this learner has beside it.
    public static func names(of learner: ModelSettings.Learner) -> String {
        (["learner"] + all.filter { $0.learners.contains(learner) }.map(\.name)).joined(separator: ", ")
    }

    // MARK: - Kinds of settings

    private typealias Path<Value> = any WritableKeyPath<ModelSettings, Value?> & Sendable

    private static func text<Value: Sendable>(
        _ name: String, _ learners: [ModelSettings.Learner], _ path: Path<Value>, _ allowed: String,
        parse: @escaping @Sendable (String) -> Value?, text: @escaping @Sendable (Value) -> String
    ) -> Self {
        Self(
            name: name, learners: learners, allowed: allowed,
            set: { found, model in
                guard let found else {
                    model[keyPath: path] = nil
                    return true
                }
                guard let parsed = parse(found) else { return false }
                model[keyPath: path] = parsed
                return true
            },
            text: { $0[keyPath: path].map(text) })
    }

    private static func number(
        _ name: String, _ learners: [ModelSettings.Learner], _ path: Path<Double>,
        _ range: ClosedRange<Double>
    ) -> Self {
        let bounds = [range.lowerBound, range.upperBound].map(ConfigurationText.number)
        return text(
            name, learners, path, "a number from \(bounds[0]) to \(bounds[1])",
            parse: { Double($0).flatMap { range.contains($0) ? $0 : nil } }, text: ConfigurationText.number)
    }

    private static func rate(
        _ name: String, _ learners: [ModelSettings.Learner], _ path: Path<Double>
    ) -> Self {
        text(
            name, learners, path, "a number above 0, to 10",
            parse: { Double($0).flatMap { $0 > 0 && $0 <= 10 ? $0 : nil } }, text: ConfigurationText.number)
    }

    private static func integer(
        _ name: String, _ learners: [ModelSettings.Learner], _ path: Path<Int>, _ range: ClosedRange<Int>
    ) -> Self {
        text(
            name, learners, path, "an integer from \(range.lowerBound) to \(range.upperBound)",
            parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, text: { String($0) })
    }
}
