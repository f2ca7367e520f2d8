public import Learners

/// A named learner.
public struct ModelOptions: Sendable, Equatable {
    public enum Learner: Sendable, Equatable {
        case sgd(BiasedSGD.Options)
        case bpr(BPR.Options, positive: PositiveRule)
        case warp(WARP.Options, positive: PositiveRule)
        case als(ALS.Options, positive: PositiveRule)
        case counter(CounterOptions, positive: PositiveRule)
    }

    public var name: String
    public var learner: Learner

    public init(name: String, learner: Learner) {
        self.name = name
        self.learner = learner
    }

    public static let defaults = [
        ModelOptions(name: "stars", learner: .sgd(.live)),
        ModelOptions(name: "likes", learner: .bpr(.live, positive: PositiveRule(ratingMin: 4))),
    ]

    /// Whether its rows are solved against the whole other side.
    package var isAlternating: Bool {
        if case .als = learner { true } else { false }
    }

    /// Of a model that counts rather than learns rows.
    package var counter: CounterOptions? {
        if case .counter(let options, _) = learner { options } else { nil }
    }

    /// Whether it learns a row of numbers for each user and item. One that counts needs none: its tables are as narrow as
    /// tables get, and neither copied nor saved.
    package var learnsRows: Bool { counter == nil }

    /// Numbers in a row of its tables.
    package func factors(of options: Int) -> Int { learnsRows ? options : 8 }

    /// As written in the configuration and in the state.
    public var learnerName: String {
        switch learner {
        case .sgd: "sgd"
        case .bpr: "bpr"
        case .warp: "warp"
        case .als: "als"
        case .counter(let options, _): options.kind.rawValue
        }
    }
}

/// What an implicit model takes as liked. Signals with a positive weight always are.
public struct PositiveRule: Sendable, Equatable {
    public var ratingMin: Float
    /// `rating > x` rather than `rating >= x`.
    public var strict: Bool

    public init(ratingMin: Float, strict: Bool = false) {
        self.ratingMin = ratingMin
        self.strict = strict
    }

    /// Whether a rating of this value is liked.
    @inlinable public func accepts(rating: Float) -> Bool {
        strict ? rating > ratingMin : rating >= ratingMin
    }
}
