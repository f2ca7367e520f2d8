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
        case .counter(let options, let positive): self = .counter(CounterRule(options), positive: positive)
        case .blend(_, let positive): self = .blend(positive: positive)
        }
    }

    /// A rating on the user's scale (`PREDICT` answers μ + biases + product), rather than a rank score.
    package var predictsRatings: Bool {
        if case .sgd = self { true } else { false }
    }

    /// Whether the model learns from an event of this kind and value.
    @inlinable
    package func accepts(_ kind: HistoryEntry.Kind, value: Float) -> Bool {
        switch self {
        case .sgd: kind == .rating
        case .bpr(_, let positive), .warp(_, let positive), .als(_, let positive),
            .counter(_, let positive), .blend(let positive):
            positive.accepts(kind, value: value)
        }
    }
}

extension PositiveRule {
    /// A signal of positive weight is always liked.
    @inlinable
    package func accepts(_ kind: HistoryEntry.Kind, value: Float) -> Bool {
        kind == .signal ? value > 0 : accepts(rating: value)
    }
}
