public import Counting
public import Histories
public import Learners

/// A model's arithmetic, and which events it learns from. Everything else that a model does, on the stream and in
/// look-ups, is chosen by this.
@usableFromInline
package enum UpdateRule: Sendable {
    case sgd(BiasedSGD)
    case bpr(BPR, positive: PositiveRule)
    case warp(WARP, positive: PositiveRule)
    case als(ALS, positive: PositiveRule)
    case mlp(NeuralRating)
    case counter(CounterRule, positive: PositiveRule)
    /// Its parts are in `ModelTraits.blend`: nobody counts references for asking a rule at every event.
    case blend(positive: PositiveRule)

    /// - Parameter updateGuard: what every update of the model has to pass.
    package init(_ learner: ModelOptions.Learner, updateGuard: UpdateGuard) {
        switch learner {
        case .sgd(let options): self = .sgd(BiasedSGD(options: options, updateGuard: updateGuard))
        case .bpr(let options, let positive):
            self = .bpr(BPR(options: options, updateGuard: updateGuard), positive: positive)
        case .warp(let options, let positive):
            self = .warp(WARP(options: options, updateGuard: updateGuard), positive: positive)
        case .als(let options, let positive):
            self = .als(ALS(options: options, updateGuard: updateGuard), positive: positive)
        case .mlp(let options): self = .mlp(NeuralRating(options: options, updateGuard: updateGuard))
        case .counter(let options, let positive): self = .counter(CounterRule(options), positive: positive)
        case .blend(_, let positive): self = .blend(positive: positive)
        }
    }

    /// A rating on the user's scale (`PREDICT` answers μ + biases + product), rather than a rank score.
    package var predictsRatings: Bool {
        switch self {
        case .sgd, .mlp: true
        case .bpr, .warp, .als, .counter, .blend: false
        }
    }

    /// How much the model counts what a user did with an item: above 0 what it takes as liked, below 0 what it takes as
    /// disliked, 0 for what says nothing to it. One that learns ratings counts each rating 1.
    @inlinable
    package func weight(of pair: HistoryEntry) -> Float {
        switch self {
        case .sgd, .mlp: pair.kind == .rating ? 1 : 0
        case .bpr(_, let positive), .warp(_, let positive), .als(_, let positive),
            .counter(_, let positive), .blend(let positive):
            positive.weight(of: pair)
        }
    }

    /// Whether the model learns from an event of this kind and value, which has made the pair what it is.
    @inlinable
    package func learns(from kind: HistoryEntry.Kind, value: Float, of pair: HistoryEntry) -> Bool {
        switch self {
        case .sgd, .mlp: kind == .rating
        case .bpr(_, let positive), .warp(_, let positive), .als(_, let positive),
            .counter(_, let positive), .blend(let positive):
            positive.isLiked(kind, value: value, of: pair)
        }
    }
}

extension PositiveRule {
    /// How much the user likes the item: 1 for a rating that passes the bar and the weight of the signals, together. What is
    /// rated below the bar is not liked, whatever was done with it, and disliked where that counts. Signals that weigh less than nothing are a dislike of as
    /// much. Signals between nothing and the bar are neither.
    @inlinable
    package func liking(of pair: HistoryEntry) -> Float {
        let signals = pair.signalWeight
        guard pair.kind == .signal else {
            if accepts(rating: pair.value) { return 1 + signals }
            return min(0, signals) - dislikeWeight
        }
        return signals < 0 || accepts(weight: signals) ? signals : 0
    }

    /// The same as learners count it.
    @inlinable
    package func weight(of pair: HistoryEntry) -> Float { LikingWeight.saturated(liking(of: pair)) }

    /// Whether an event of this kind and value, which has made the pair what it is, is of what is liked.
    @inlinable
    package func isLiked(_ kind: HistoryEntry.Kind, value: Float, of pair: HistoryEntry) -> Bool {
        // What was liked before is not liked once more by a dislike.
        (kind == .rating || value > 0) && liking(of: pair) > 0
    }
}
