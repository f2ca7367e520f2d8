public import Learners

/// A learner and its settings, for training in a batch.
public enum Algorithm: Sendable, Equatable {
    case sgd(BiasedSGD.Options)
    case bpr(BPR.Options)
    case warp(WARP.Options)
    case als(ALS.Options)
    case mlp(NeuralRating.Options)

    public enum Name: String, Sendable, CaseIterable {
        case sgd, bpr, warp, als, mlp

        /// Predicts ratings, rather than scores to rank by.
        public var predictsRatings: Bool { self == .sgd || self == .mlp }
    }

    public var name: Name {
        switch self {
        case .sgd: .sgd
        case .bpr: .bpr
        case .warp: .warp
        case .als: .als
        case .mlp: .mlp
        }
    }

    /// Predicts ratings, rather than scores to rank by.
    public var predictsRatings: Bool { name.predictsRatings }
}
