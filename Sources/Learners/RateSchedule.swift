/// How a learner's rate η falls as a row is learned. The row itself remembers where it stands (`Row.step`), so a row
/// that came late learns as fast as the first ones did, which a rate that falls with the clock would not allow.
public enum RateSchedule: Sendable, Equatable {
    /// η throughout; rows remember nothing.
    case constant
    /// η / (1 + n / halfAfter), n the row's updates so far: half the rate after `halfAfter` updates, which is above 0.
    /// Robbins and Monro, "A Stochastic Approximation Method", 1951.
    case inverseTime(halfAfter: Float)
    /// η / √(1 + G), G the sum over the row's updates of the mean squared gradient of its factors.
    ///
    /// Duchi, Hazan, Singer, "Adaptive Subgradient Methods", 2011, with one sum for a whole row and the 1 under the
    /// root as in Chin et al., "A Learning-rate Schedule for Stochastic Gradient Methods to Matrix Factorization", 2015.
    case adaGrad

    /// What η is multiplied by for a row at this step.
    @inline(__always)
    public func factor(step: Float) -> Float {
        switch self {
        case .constant: 1
        case .inverseTime(let halfAfter): halfAfter / (halfAfter + step)
        case .adaGrad: 1 / (1 + step).squareRoot()
        }
    }

    /// The row's step after an update whose gradient had this mean square.
    @inline(__always)
    func step(after step: Float, meanSquare: Float) -> Float {
        switch self {
        case .constant: step
        case .inverseTime: step + 1
        case .adaGrad: step + meanSquare
        }
    }
}
