internal import Factors

/// Drops an update whose result is not finite or whose norm passes the bound; the rows then stay as they were.
public struct UpdateGuard: Sendable {
    /// Largest Euclidean norm of a row, and largest absolute bias.
    public let normMax: Float

    public init(normMax: Float) { self.normMax = normMax }

    /// False for NaN too: every comparison with NaN is false.
    @inline(__always)
    func allows(squaredNorm: Float, bias: Float) -> Bool {
        squaredNorm <= normMax * normMax && abs(bias) <= normMax
    }
}

/// What became of one update.
public enum UpdateResult: Sendable, Equatable {
    case applied
    /// The guard refused it; nothing was changed.
    case rejected
}

extension Row {
    /// Takes over the vector and the bias of `other`; the step stays the row's own until `advance`.
    @inline(__always)
    func replace(with other: Row) {
        for lane in indices { self[lane] = other[lane] }
        bias = other.bias
    }

    /// Counts an update that was applied; `squares` are those of its gradient, summed lane by lane.
    @inline(__always)
    func advance(_ schedule: RateSchedule, squares: SIMD8<Float>) {
        // A gradient whose square overflows stops the row for good, which is what such a row needs.
        step = min(
            schedule.step(after: step, meanSquare: squares.sum() / Float(indices.count * 8)),
            .greatestFiniteMagnitude)
    }
}
