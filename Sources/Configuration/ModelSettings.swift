/// One entry of `models`.
struct ModelSettings: Sendable, Equatable {
    enum Learner: String, Sendable, CaseIterable { case sgd, bpr, warp, als }

    /// What an implicit model takes as liked.
    enum Positive: Sendable, Equatable {
        case any
        case ratingAtLeast(Double)
        case ratingAbove(Double)

        static let allowed = "'any', 'rating >= X' or 'rating > X'"

        /// Reads `any`, `rating >= X` or `rating > X`; `nil` when it is anything else.
        init?(_ text: String) {
            let words = text.filter { $0 != " " }
            if words == "any" {
                self = .any
            } else if words.hasPrefix("rating>="), let bound = Double(words.dropFirst(8)), bound.isFinite {
                self = .ratingAtLeast(bound)
            } else if words.hasPrefix("rating>"), let bound = Double(words.dropFirst(7)), bound.isFinite {
                self = .ratingAbove(bound)
            } else {
                return nil
            }
        }

        var text: String {
            switch self {
            case .any: "any"
            case .ratingAtLeast(let bound): "rating >= \(ConfigurationText.number(bound))"
            case .ratingAbove(let bound): "rating > \(ConfigurationText.number(bound))"
            }
        }
    }

    /// How a learning rate falls.
    enum RateSchedule: Sendable, Equatable {
        case constant
        case adagrad
        /// Half the rate after so many updates of a row.
        case inverseTime(Double)

        static let allowed =
            "'constant', 'adagrad' or 'inverse-time N' (half the rate after N updates of a row)"

        init?(_ text: String) {
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

        var text: String {
            switch self {
            case .constant: "constant"
            case .adagrad: "adagrad"
            case .inverseTime(let half): "inverse-time \(ConfigurationText.number(half))"
            }
        }
    }

    /// How negatives are drawn.
    enum Negatives: Sendable, Equatable {
        case uniform
        /// In proportion to popularity to this power.
        case popularity(Double)

        static let allowed = "'uniform' or 'popularity^P' (P a number above 0, to 2)"

        init?(_ text: String) {
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

        var text: String {
            switch self {
            case .uniform: "uniform"
            case .popularity(let power): "popularity^\(ConfigurationText.number(power))"
            }
        }
    }

    var name: String
    var learner: Learner
    // `nil` stands for the learner's own default. Which learner has which, and what is allowed: `ModelField.all`.
    var learningRate: Double?
    var userLearningRate: Double?
    var biasLearningRate: Double?
    var rateSchedule: RateSchedule?
    var regularization: Double?
    var userRegularization: Double?
    var biasRegularization: Double?
    var regularizationPower: Double?
    var samples: Int?
    var maxSampled: Int?
    var margin: Double?
    var negatives: Negatives?
    var alpha: Double?
    var halfLifeEvents: Double?
    /// `nil` stands for `rating >= 4`.
    var positive: Positive?

    static let defaults = [
        ModelSettings(name: "stars", learner: .sgd),
        ModelSettings(name: "likes", learner: .bpr, positive: .ratingAtLeast(4)),
    ]

    static let nameAllowed = "1 to 32 of a-z, 0-9, '-' and '_'"

    static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "0"..."9", "-", "_": true
                default: false
                }
            }
    }

    /// As it would stand in the file.
    var text: String {
        let fields = ModelField.all.compactMap { field in field.text(self).map { "\(field.name): \($0)" } }
        return "\(name): {\((["learner: \(learner.rawValue)"] + fields).joined(separator: ", "))}"
    }
}
