internal import Factors
internal import Foundation

/// Percentile intervals by resampling users with replacement (Efron 1979; Efron and Tibshirani 1993, chapter 13).
///
/// Whole users are drawn, not events: the events of one user hang together, and an interval that took them as
/// independent would be too narrow. All algorithms see the same resamples, so that differences are paired.
public struct Bootstrap: Sendable, Equatable {
    /// 0 for no intervals.
    public var resamples = 1000
    public var seed: UInt64 = 1
    /// Probability that the interval is to hold.
    public var level = 0.95

    public init(resamples: Int = 1000, seed: UInt64 = 1, level: Double = 0.95) {
        self.resamples = resamples
        self.seed = seed
        self.level = level
    }

    /// Means of each column in each resample: `[column][resample]`, NaN where the resample holds nothing of it.
    func means(_ columns: [UserSums]) -> [[Double]] {
        let users = columns.first?.sums.count ?? 0
        var means = columns.map { _ in [Double]() }
        guard users > 1 else { return means }
        var counts = [Double](repeating: 0, count: users)
        for resample in 0..<resamples {
            var random = KeyedRandom(seed: seed, stream: 0xB007, index: UInt64(resample))
            for user in counts.indices { counts[user] = 0 }
            for _ in 0..<users { counts[random.next(below: users)] += 1 }
            for (index, column) in columns.enumerated() {
                means[index].append(Self.dot(counts, column.sums) / Self.dot(counts, column.weights))
            }
        }
        return means
    }

    /// The middle `level` of what came of resamples elsewhere; `nil` where there are too few to tell.
    public func interval(of values: [Double]) -> ClosedRange<Double>? { interval(values) }

    /// The middle `level` of the values; `nil` where there are too few to tell.
    func interval(_ values: [Double]) -> ClosedRange<Double>? {
        let sorted = values.filter { !$0.isNaN }.sorted()
        guard sorted.count >= 2, sorted.count * 2 > values.count else { return nil }
        let tail = (1 - level) / 2
        return Self.quantile(tail, sorted)...Self.quantile(1 - tail, sorted)
    }

    /// Linear between order statistics (Hyndman and Fan 1996, type 7).
    static func quantile(_ fraction: Double, _ sorted: [Double]) -> Double {
        let place = fraction * Double(sorted.count - 1)
        let low = Int(place.rounded(.down))
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
    }

    /// Four sums side by side: one alone would wait for each addition.
    private static func dot(_ left: [Double], _ right: [Double]) -> Double {
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                var sums = SIMD4<Double>.zero
                var index = 0
                while index + 4 <= left.count {
                    let a = SIMD4(left[index], left[index + 1], left[index + 2], left[index + 3])
                    let b = SIMD4(right[index], right[index + 1], right[index + 2], right[index + 3])
                    sums = sums + a * b
                    index += 4
                }
                var sum = sums.sum()
                while index < left.count {
                    sum += left[index] * right[index]
                    index += 1
                }
                return sum
            }
        }
    }
}
