public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Weighted approximate-rank pairwise loss: negatives are drawn until one comes within the margin of the item that
/// the user took, and the fewer draws that needed, the lower that item must stand, and the larger the step.
///
/// Loss of one such pair: L(⌊(I − 1) / draws⌋) · (margin − x), x = p_u·(q_i − q_j) + b_i − b_j, L(k) = Σ_{n ≤ k} 1/n;
/// descend with weight decay. Weston, Bengio, Usunier, "WSABIE: Scaling Up to Large Vocabulary Image Annotation", 2011.
public struct WARP: Sendable {
    public struct Options: Sendable, Equatable {
        /// η of vectors and biases, before the weight by rank (up to about 8 in a catalogue of a thousand items).
        public var learningRate: Float = 0.02
        /// η of users' vectors and of biases; `nil` for `learningRate`. A user has few events and moves on: on a stream a
        /// rate many times that of items, which all users share, follows each taste of the moment.
        public var userLearningRate: Float?
        public var biasLearningRate: Float?
        /// How η falls.
        public var schedule: RateSchedule = .constant
        /// λ of the vectors.
        public var regularization: Float = 0.02
        /// λ of users' vectors; `nil` for `regularization`.
        public var userRegularization: Float?
        /// λ_b of the biases.
        public var biasRegularization: Float = 0.02
        /// By how much the item taken has to score above others.
        public var margin: Float = 1
        /// Negatives within the margin that are looked for, and learned from, at each event.
        public var samples: Int = 1
        /// Negatives drawn for each of them before the event is taken as learned.
        public var samplesMax: Int = 30
        /// How they are drawn.
        public var negatives = NegativeSampler()

        public init() {}
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// The score by which items are ranked; without the user's bias, which is the same for all items.
    @inline(__always)
    public func score(user: Row, item: Row) -> Float {
        item.bias + user.dot(item)
    }

    /// Whether an item of score `negative` comes within the margin of one of score `positive`. Not so for NaN.
    @inline(__always)
    public func violates(positive: Float, negative: Float) -> Bool {
        negative > positive - options.margin
    }

    /// L of the rank estimated by `draws`, the violating one included, among `candidates` items.
    public func rankLoss(draws: Int, candidates: Int) -> Float {
        Self.harmonic(max(1, (candidates - 1) / max(1, draws)))
    }

    /// Σ_{n ≤ k} 1/n; beyond 16 by Euler and Maclaurin, whose error is then below float32's.
    static func harmonic(_ k: Int) -> Float {
        guard k > 16 else { return (1...max(1, k)).reduce(0) { $0 + 1 / Float($1) } }
        let k = Double(k)
        return Float(log(k) + 0.577_215_664_901_532_9 + 1 / (2 * k) - 1 / (12 * k * k))
    }

    /// One step, with a `negative` that violates the margin.
    ///
    /// - Parameters:
    ///   - weight: scales the gradient (1 for a liked rating, the signal's weight otherwise).
    ///   - draws: how many negatives were drawn until this one was found, itself included.
    ///   - candidates: I, the items that the event competes with.
    public func update(
        weight: Float, draws: Int, candidates: Int, user: Row, positive: Row, negative: Row, scratch: Scratch
    ) -> UpdateResult {
        step.apply(
            weight * rankLoss(draws: draws, candidates: candidates), user: user, positive: positive,
            negative: negative, scratch: scratch)
    }

    var step: PairwiseStep {
        PairwiseStep(
            schedule: options.schedule, itemRate: options.learningRate,
            userRate: options.userLearningRate ?? options.learningRate,
            biasRate: options.biasLearningRate ?? options.learningRate,
            itemRegularization: options.regularization,
            userRegularization: options.userRegularization ?? options.regularization,
            biasRegularization: options.biasRegularization, updateGuard: updateGuard)
    }
}
