/// One entry of `models`.
struct ModelSettings: Sendable, Equatable {
    enum Learner: String, Sendable, CaseIterable { case sgd, bpr }

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

    var name: String
    var learner: Learner
    /// `nil`, here and below: the learner's own default.
    var learningRate: Double?
    /// SGD only.
    var biasLearningRate: Double?
    var regularization: Double?
    var biasRegularization: Double?
    /// Negatives drawn per event; BPR only.
    var samples: Int?
    /// BPR only; `nil` stands for `rating >= 4`.
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
        var fields = ["learner: \(learner.rawValue)"]
        if let learningRate { fields.append("learning-rate: \(ConfigurationText.number(learningRate))") }
        if let biasLearningRate {
            fields.append("bias-learning-rate: \(ConfigurationText.number(biasLearningRate))")
        }
        if let regularization { fields.append("regularization: \(ConfigurationText.number(regularization))") }
        if let biasRegularization {
            fields.append("bias-regularization: \(ConfigurationText.number(biasRegularization))")
        }
        if let samples { fields.append("samples: \(samples)") }
        if let positive { fields.append("positive: \"\(positive.text)\"") }
        return "\(name): {\(fields.joined(separator: ", "))}"
    }
}
