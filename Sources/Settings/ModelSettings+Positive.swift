extension ModelSettings {
    /// What an implicit model takes as liked: which ratings, and which weight of all signals on an item together.
    public struct Positive: Sendable, Equatable {
        /// How much it takes.
        public enum Bar: Sendable, Equatable {
            /// Any rating; any weight above 0.
            case any
            case atLeast(Double)
            case above(Double)
        }

        public var ratings: Bar
        public var weights: Bar

        public init(ratings: Bar, weights: Bar = .any) {
            (self.ratings, self.weights) = (ratings, weights)
        }

        public static let any = Self(ratings: .any)
        public static func ratingAtLeast(_ bound: Double) -> Self { Self(ratings: .atLeast(bound)) }
        public static func ratingAbove(_ bound: Double) -> Self { Self(ratings: .above(bound)) }
        /// Ratings of whoever says nothing of them.
        static let usualRatings = Bar.atLeast(4)

        /// In words, for messages.
        public static let allowed =
            "'any', 'rating >= X', 'weight >= Y' (Y above 0; > for either), or both joined by 'or'"

        /// Reads `any`, `rating >= X`, `weight >= Y`, with `>` too, or two of these joined by `or`; `nil` when it is anything
        /// else. Ratings of which nothing is said are liked from 4 on, weights of which nothing is said above 0.
        public init?(_ text: String) {
            if text.filter({ $0 != " " }) == "any" {
                self = .any
                return
            }
            var (ratings, weights): (Bar?, Bar?)
            for part in text.split(separator: " or ", omittingEmptySubsequences: false) {
                let words = part.filter { $0 != " " }
                if words.hasPrefix("rating"), ratings == nil, let bar = Bar(words.dropFirst(6)) {
                    ratings = bar
                } else if words.hasPrefix("weight"), weights == nil, let bar = Bar(words.dropFirst(6)),
                    bar.isWeight
                {
                    weights = bar
                } else {
                    return nil
                }
            }
            self.init(ratings: ratings ?? Self.usualRatings, weights: weights ?? .any)
        }

        /// As it would stand in the file.
        public var text: String {
            switch (ratings, weights) {
            case (.any, .any): "any"
            case (_, .any): "rating \(ratings.text)"
            case (Self.usualRatings, _): "weight \(weights.text)"
            default: "rating \(ratings.text) or weight \(weights.text)"
            }
        }
    }
}

extension ModelSettings.Positive.Bar {
    /// Reads `>=X` or `>X`.
    fileprivate init?(_ text: Substring) {
        let isStrict = !text.hasPrefix(">=")
        guard text.hasPrefix(">"), let bound = Double(text.dropFirst(isStrict ? 1 : 2)), bound.isFinite
        else { return nil }
        self = isStrict ? .above(bound) : .atLeast(bound)
    }

    /// What weighs nothing, or less, is never liked.
    fileprivate var isWeight: Bool {
        switch self {
        case .any: true
        case .atLeast(let bound): bound > 0
        case .above(let bound): bound >= 0
        }
    }

    fileprivate var text: String {
        switch self {
        case .any: ">= \(ConfigurationText.number(-1e6))"
        case .atLeast(let bound): ">= \(ConfigurationText.number(bound))"
        case .above(let bound): "> \(ConfigurationText.number(bound))"
        }
    }
}
