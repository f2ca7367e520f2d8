public import Blending
internal import Counting
public import Learners

/// A named learner.
public struct ModelOptions: Sendable, Equatable {
    public enum Learner: Sendable, Equatable {
        case sgd(BiasedSGD.Options)
        case bpr(BPR.Options, positive: PositiveRule)
        case warp(WARP.Options, positive: PositiveRule)
        case als(ALS.Options, positive: PositiveRule)
        case mlp(NeuralRating.Options)
        case counter(CounterOptions, positive: PositiveRule)
        case blend(BlendOptions, positive: PositiveRule)
    }

    public var name: String
    public var learner: Learner
    /// Of a blend, the names of the models that it combines; none stands for all others but those of ratings.
    public var parts: [String] = []
    /// Whether rows of its items start, and are drawn to, where what is learned of their features says. Where not said,
    /// those of a model of ratings do: the others' lists were worse with it on whole streams.
    public var usesPriors: Bool

    public init(name: String, learner: Learner, parts: [String] = [], usesPriors: Bool? = nil) {
        self.name = name
        if let usesPriors {
            self.usesPriors = usesPriors
        } else if case .sgd = learner {
            self.usesPriors = true
        } else {
            self.usesPriors = false
        }
        self.learner = learner
        self.parts = parts
    }

    public static let defaults = [
        ModelOptions(name: "stars", learner: .sgd(.live)),
        ModelOptions(name: "likes", learner: .bpr(.live, positive: PositiveRule(ratingMin: 4))),
        ModelOptions(
            name: "repeat", learner: .counter(CounterOptions(.repeat), positive: PositiveRule(ratingMin: 4))),
        ModelOptions(
            name: "next", learner: .counter(CounterOptions(.next), positive: PositiveRule(ratingMin: 4))),
        ModelOptions(
            name: "blend", learner: .blend(BlendOptions(), positive: PositiveRule(ratingMin: 4))),
    ]

    /// Whether its rows are solved against the whole other side.
    package var isAlternating: Bool {
        if case .als = learner { true } else { false }
    }

    /// Of a model that counts rather than learns rows.
    package var counter: CounterOptions? {
        if case .counter(let options, _) = learner { options } else { nil }
    }

    /// Whether it learns a row of numbers for each user and item. One that counts or combines needs none: its tables are
    /// as narrow as tables get, and neither copied nor saved.
    package var learnsRows: Bool {
        switch learner {
        case .sgd, .bpr, .warp, .als, .mlp: true
        case .counter, .blend: false
        }
    }

    /// Numbers in a row of its tables.
    package func factors(of options: Int) -> Int { learnsRows ? options : 8 }

    /// Whether it combines others, and has no rows of its own.
    package var isBlend: Bool {
        switch learner {
        case .blend: true
        case .sgd, .bpr, .warp, .als, .mlp, .counter: false
        }
    }

    /// Whether it keeps of each user what was taken last.
    package var keepsTrails: Bool { counter.map { CounterRule($0).isPersonal } == true }

    /// As written in the configuration and in the state.
    public var learnerName: String {
        switch learner {
        case .sgd: "sgd"
        case .bpr: "bpr"
        case .warp: "warp"
        case .als: "als"
        case .mlp: "mlp"
        case .counter(let options, _): options.kind.rawValue
        case .blend: "blend"
        }
    }
}

/// What an implicit model takes as liked: a rating by its value, signals by what they weigh together.
public struct PositiveRule: Sendable, Equatable {
    public var ratingMin: Float
    /// `rating > x` rather than `rating >= x`.
    public var strict: Bool
    /// Not below 0: what weighs less than nothing is never liked.
    public var weightMin: Float
    /// `weight > x` rather than `weight >= x`.
    public var weightIsStrict: Bool
    /// How much a rating below the bar counts as a dislike, where one above it counts 1 as a liking; 0: it says nothing.
    public var dislikeWeight: Float = 0

    public init(ratingMin: Float, strict: Bool = false, weightMin: Float = 0, weightIsStrict: Bool = true) {
        self.ratingMin = ratingMin
        self.strict = strict
        self.weightMin = weightMin
        self.weightIsStrict = weightIsStrict
    }

    /// Whether a rating of this value is liked.
    @inlinable public func accepts(rating: Float) -> Bool {
        strict ? rating > ratingMin : rating >= ratingMin
    }

    /// Whether signals of this weight are liked.
    @inlinable public func accepts(weight: Float) -> Bool {
        weight > 0 && (weightIsStrict ? weight > weightMin : weight >= weightMin)
    }
}
