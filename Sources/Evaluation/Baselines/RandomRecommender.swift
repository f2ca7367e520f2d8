internal import Factors

/// Scores by chance: a function of seed, user and item.
public struct RandomRecommender: Recommender {
    private let seed: UInt64

    public var name: String { "random" }
    public var isBaseline: Bool { true }

    public init(seed: UInt64) { self.seed = seed }

    public func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        var random = KeyedRandom(seed: seed, stream: 0x4A2D, index: UInt64(user))
        for item in scores.indices { scores[item] = Float(random.nextUnit()) }
    }
}
