public import Learners

/// One entry of `models`: a learner, and what is said of it. What is not said stays the learner's own default.
///
/// ```swift
/// let likes = ModelSettings(name: "likes", learner: .bpr, positive: .ratingAtLeast(4))
/// let options = likes.bpr(over: .live)
/// ```
public struct ModelSettings: Sendable, Equatable {
    /// The update rules, by the names that they have everywhere.
    public enum Learner: String, Sendable, CaseIterable {
        case sgd, bpr, warp, als, mlp
        case popular, trending, `repeat`, next
        /// Combines others.
        case blend

        /// Those that count rather than learn rows: on the stream alone.
        public static let counters: [Self] = [.popular, .trending, .repeat, .next]

        public var counts: Bool { Self.counters.contains(self) }

        /// Whether it learns rows of users and items, and so from a history too.
        public var hasRows: Bool { !counts && self != .blend }

        /// Whether it learns ratings, rather than what is liked.
        public var predictsRatings: Bool { self == .sgd || self == .mlp }
    }

    /// How a learning rate falls.
    public enum RateSchedule: Sendable, Equatable {
        case constant
        case adagrad
        /// Half the rate after so many updates of a row.
        case inverseTime(Double)

        /// In words, for messages.
        public static let allowed =
            "'constant', 'adagrad' or 'inverse-time N' (half the rate after N updates of a row)"

        /// Reads `constant`, `adagrad` or `inverse-time N`; `nil` when it is anything else.
        public init?(_ text: String) {
            let words = text.split(separator: " ")
            switch words.first {
            case "constant" where words.count == 1: self = .constant
            case "adagrad" where words.count == 1: self = .adagrad
            case "inverse-time" where words.count == 2:
                guard let half = Double(words[1]), half >= 1, half <= 1e9 else { return nil }
                self = .inverseTime(half)
            default: return nil
            }
        }

        /// As it would stand in the file.
        public var text: String {
            switch self {
            case .constant: "constant"
            case .adagrad: "adagrad"
            case .inverseTime(let half): "inverse-time \(ConfigurationText.number(half))"
            }
        }
    }

    /// How negatives are drawn.
    public enum Negatives: Sendable, Equatable {
        case uniform
        /// In proportion to popularity to this power.
        case popularity(Double)

        /// In words, for messages.
        public static let allowed = "'uniform' or 'popularity^P' (P a number above 0, to 2)"

        /// Reads `uniform` or `popularity^P`; `nil` when it is anything else.
        public init?(_ text: String) {
            let prefix = "popularity^"
            if text == "uniform" {
                self = .uniform
            } else if text.hasPrefix(prefix), let power = Double(text.dropFirst(prefix.count)), power > 0,
                power <= 2
            {
                self = .popularity(power)
            } else {
                return nil
            }
        }

        /// As it would stand in the file.
        public var text: String {
            switch self {
            case .uniform: "uniform"
            case .popularity(let power): "popularity^\(ConfigurationText.number(power))"
            }
        }
    }

    /// Unique in a configuration.
    public var name: String
    /// Its update rule.
    public var learner: Learner
    // `nil` stands for the learner's own default. Which learner has which, and what is allowed: `ModelField.all`.
    public var learningRate: Double?
    public var userLearningRate: Double?
    public var biasLearningRate: Double?
    public var userBiasLearningRate: Double?
    public var biasShrinkage: Double?
    public var rateSchedule: RateSchedule?
    public var regularization: Double?
    public var userRegularization: Double?
    public var biasRegularization: Double?
    public var regularizationPower: Double?
    public var replays: Int?
    public var replayLearningRate: Double?
    public var hidden: Int?
    /// The same of a second layer; 0 for none.
    public var secondHidden: Int?
    /// The chance that a unit is left out of what is learned of an event.
    public var dropout: Double?
    /// λ of the network beside the dot product.
    public var mix: Double?
    public var networkLearningRate: Double?
    public var networkRegularization: Double?
    public var networkBlockEvents: Int?
    public var samples: Int?
    public var hardestOf: Int?
    public var maxSampled: Int?
    public var margin: Double?
    public var negatives: Negatives?
    public var alpha: Double?
    public var dislikes: Double?
    public var halfLifeEvents: Double?
    public var halfLife: HalfLife?
    public var successors: Int?
    public var trail: Int?
    /// Names of models; `nil` stands for all others but those of ratings.
    public var parts: [String]?
    public var priors: Bool?
    /// `nil` stands for `rating >= 4`.
    public var positive: Positive?

    /// The models of a configuration that names none.
    public static let defaults = [
        ModelSettings(name: "stars", learner: .sgd),
        ModelSettings(name: "likes", learner: .bpr, positive: .ratingAtLeast(4)),
        ModelSettings(name: "repeat", learner: .repeat),
        ModelSettings(name: "next", learner: .next),
        ModelSettings(name: "blend", learner: .blend),
    ]

    /// What `isName` takes, in words.
    public static let nameAllowed = "1 to 32 of a-z, 0-9, '-' and '_'"

    /// Whether a model may be called so.
    public static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "0"..."9", "-", "_": true
                default: false
                }
            }
    }

    /// As it would stand in the file.
    public var text: String {
        let fields = ModelField.all.compactMap { field in field.text(self).map { "\(field.name): \($0)" } }
        return "\(name): {\((["learner: \(learner.rawValue)"] + fields).joined(separator: ", "))}"
    }
}

extension ModelSettings {
    /// A model with all the defaults of its learner.
    public init(name: String, learner: Learner) {
        (self.name, self.learner) = (name, learner)
    }
}
