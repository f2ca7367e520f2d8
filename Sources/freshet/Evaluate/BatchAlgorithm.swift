import Evaluation

/// An algorithm of the command line, ready to be trained on a part of the events.
struct BatchAlgorithm {
    struct Trained {
        var recommender: any Recommender
        var curves: [CurvePoint] = []
    }

    let name: String
    private let popularityHalfLife: Double

    /// - Throws: `CommandError` for a name or a setting that there is not.
    init(_ argument: AlgorithmArgument, factors: Int) throws {
        name = argument.text
        guard argument.name == "popularity" else {
            throw SettingsReader.refusal(argument, "'\(argument.name)' is no algorithm")
        }
        var reader = try SettingsReader(argument)
        popularityHalfLife = Double(try reader.number("half-life", 1...1e9) ?? 0)
        try reader.finish()
    }

    func train(
        _ train: [Observation], users: Int, items: Int, seed: UInt64, shards: Int,
        onEpoch: (_ epoch: Int, _ epochs: Int) -> Void
    ) throws -> Trained {
        Trained(recommender: PopularityRecommender(train: train, items: items, halfLife: popularityHalfLife))
    }
}
