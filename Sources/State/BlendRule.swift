package import Blending
package import Histories
internal import Learners

/// The arithmetic of a model that combines others.
package struct BlendRule: Sendable {
    package let options: BlendOptions
    /// What is liked.
    package let positive: PositiveRule
    /// Numbers of the models that are combined, in the order in which they stand in for one another.
    package let models: [Int]
    /// The blend's own parts first, then those models.
    package let shape: BlendShape
    package let rates: FadingRates

    /// Parts that are counts of the blend's own.
    package var counts: Int { rates.count }
    /// The part that says how much the user likes the item's features; behind the counts.
    package var liking: Int { counts }
    /// The part of items that nobody has taken.
    package var newcomer: Int { counts + 1 }
    /// Parts that are the blend's own.
    package var own: Int { counts + 2 }

    package init(
        _ options: BlendOptions, positive: PositiveRule, parts: [String], among all: [ModelOptions]
    ) {
        (self.options, self.positive) = (options, positive)
        rates = FadingRates(options.halfLives)
        // Those that know the user best come first; what is left out or unknown by name is none.
        let ranking = all.filter { $0.blendSource != .rating }
        let wanted = parts.isEmpty ? ranking.map(\.name) : parts
        models = wanted.compactMap { name in
            all.firstIndex { $0.name == name && $0.blendSource != nil }
        }
        shape = BlendShape(
            parts: options.halfLives.map {
                BlendShape.Part(name: "popular \(Self.text($0))", source: .count)
            }
                + [
                    BlendShape.Part(name: "tags", source: .liking),
                    BlendShape.Part(name: "new", source: .newcomer),
                ]
                + models.compactMap { number in
                    all[number].blendSource.map { BlendShape.Part(name: all[number].name, source: $0) }
                })
    }

    private static func text(_ halfLife: HalfLife) -> String {
        switch halfLife {
        case .never: "ever"
        case .events(let length): "\(Int(length)) events"
        case .milliseconds(let length): DurationText.text(milliseconds: length)
        }
    }
}

extension ModelOptions {
    /// What its numbers are as a part of a blend; `nil` for a blend, and for a network over rows.
    var blendSource: BlendSource? {
        switch learner {
        case .sgd: .rating
        case .bpr, .warp: .ranking
        case .als: .preference
        case .counter(let options, _):
            switch options.kind {
            case .popular, .trending: .count
            case .repeat: .chance
            case .next: .succession
            }
        case .mlp, .blend: nil
        }
    }
}

extension BlendContext {
    /// - Parameter time: of the event or the look-up; `nil` where there is none.
    package init(_ history: History, at time: Int64?) {
        guard let time else {
            self.init(events: history.count, gap: nil, together: 0)
            return
        }
        let timed = history.timed(at: time)
        self.init(
            events: history.count, gap: timed.newest.map { max(0, time - $0) }, together: timed.together)
    }
}
