/// What two models made of the same events: sums over the differences d = first − second, each between −1 and 1. Sums of
/// sums are those of all events, so that a window is the sum of its blocks.
public struct PairedDifferences: Sendable, Equatable {
    public private(set) var count: Int64 = 0
    /// Σ d, and Σ d².
    public private(set) var sum = 0.0
    public private(set) var squares = 0.0

    public init() {}

    public init(count: Int64, sum: Double, squares: Double) {
        (self.count, self.sum, self.squares) = (count, sum, squares)
    }

    /// - Parameter difference: from −1 to 1.
    public mutating func add(_ difference: Double) {
        count += 1
        sum += difference
        squares += difference * difference
    }

    public static func += (left: inout Self, right: Self) {
        left.count += right.count
        left.sum += right.sum
        left.squares += right.squares
    }

    /// The second against the first.
    public var reversed: Self { Self(count: count, sum: -sum, squares: squares) }

    /// 0 without events.
    public var mean: Double { count > 0 ? sum / Double(count) : 0 }

    /// Where the mean of what was to be expected of each event lies, given those before it. With probability 1 − `error`
    /// every interval of a growing sum of events holds it, at all times together: whoever looks after each event, and
    /// stops when it pleases, is not deceived (a confidence sequence). Nothing is assumed of the events but that d is
    /// bounded; they may hang together, and models may learn meanwhile.
    ///
    /// An empirical-Bernstein confidence sequence of Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
    /// nonasymptotic confidence sequences", Annals of Statistics 49(2), 2021, theorem 4, with 0 for each prediction of d.
    public func interval(error: Double) -> ClosedRange<Double> {
        guard count > 0 else { return -1...1 }
        let radius = ExponentialMixture.boundary(squares: squares, error: error / 2) / Double(count)
        return max(-1, mean - radius)...min(1, mean + radius)
    }

    /// Sums over (d − margin) / (1 + margin), which is −1 or more where d is.
    func above(_ margin: Double) -> (sum: Double, squares: Double) {
        let events = Double(count)
        let squares = squares - 2 * margin * sum + events * margin * margin
        return ((sum - events * margin) / (1 + margin), max(0, squares) / ((1 + margin) * (1 + margin)))
    }
}
