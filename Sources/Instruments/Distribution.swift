/// The upper ends of a histogram's ranges, ascending; one more range has no end.
public struct HistogramBounds: Sendable, Equatable {
    public let upper: [Double]

    /// From 25 microseconds to ten minutes: look-ups at one end, a backlog at the other.
    public static let seconds = HistogramBounds(upper: [
        25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3,
        1,
        5, 30, 120, 600,
    ])
    /// Of how many things there were: from one to half a million.
    public static let counts = HistogramBounds(upper: [
        1, 4, 16, 64, 256, 1_024, 2_048, 4_096, 8_192, 16_384, 65_536, 524_288,
    ])

    public init(upper: [Double]) { self.upper = upper }

    /// The range that a value falls into: the first whose upper end is not below it.
    func cell(of value: Double) -> Int {
        var (low, high) = (0, upper.count)
        while low < high {
            let middle = (low + high) / 2
            if upper[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// What a histogram held at one moment.
public struct Distribution: Sendable, Equatable {
    public let bounds: HistogramBounds
    /// By range; one more than there are bounds.
    public let counts: [Int]
    public let sum: Double

    public init(bounds: HistogramBounds, counts: [Int], sum: Double) {
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    public var count: Int { counts.reduce(0, +) }

    public static func + (left: Distribution, right: Distribution) -> Distribution {
        Distribution(
            bounds: left.bounds, counts: zip(left.counts, right.counts).map(+), sum: left.sum + right.sum)
    }

    /// What came after `earlier`.
    public static func - (later: Distribution, earlier: Distribution) -> Distribution {
        Distribution(
            bounds: later.bounds, counts: zip(later.counts, earlier.counts).map { max(0, $0 - $1) },
            sum: later.sum - earlier.sum)
    }

    /// The value below which the given part of all lies, linear within its range as Prometheus's `histogram_quantile` has
    /// it; the last bound for what lies beyond it, `nil` of nothing.
    ///
    /// - Parameter part: from 0 to 1.
    public func quantile(_ part: Double) -> Double? {
        let wanted = part * Double(count)
        guard count > 0 else { return nil }
        var below = 0
        for (number, found) in counts.enumerated() {
            guard number < bounds.upper.count else { break }
            if Double(below + found) >= wanted, found > 0 {
                let low = number == 0 ? 0 : bounds.upper[number - 1]
                return low + (bounds.upper[number] - low) * (wanted - Double(below)) / Double(found)
            }
            below += found
        }
        return bounds.upper.last
    }
}
