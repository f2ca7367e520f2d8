// BenchmarkSupport: what benchmarks share.
//
// Here live their reports, invented and recorded events, logs and brokers to read them from, daemons of their own, and
// look-ups that are timed. Which figure stands beside which baseline is said by the benchmarks themselves.

internal import Foundation

/// A figure and the baseline of the same run.
package struct Comparison {
    package var name: String
    package var ours: Double
    package var baselineName: String
    package var baseline: Double
    package var unit: String
    /// More is better, as of a rate; else less is, as of a time or an error.
    package var moreIsBetter = true

    package init(
        name: String, ours: Double, baselineName: String, baseline: Double, unit: String,
        moreIsBetter: Bool = true
    ) {
        (self.name, self.ours, self.unit) = (name, ours, unit)
        (self.baselineName, self.baseline, self.moreIsBetter) = (baselineName, baseline, moreIsBetter)
    }

    /// How many times better than the baseline.
    package var ratio: Double { moreIsBetter ? ours / baseline : baseline / ours }
}

package enum Report {
    package static func print(_ comparisons: [Comparison]) {
        for line in comparisons {
            let ours = "\(format(line.ours)) \(line.unit)"
            let baseline = "\(line.baselineName) \(format(line.baseline))"
            Swift.print(
                pad(line.name, 40) + pad(ours, 24) + pad(baseline, 40) + String(format: "%.2f x", line.ratio))
        }
    }

    private static func format(_ value: Double) -> String {
        value >= 1000 ? String(Int(value.rounded())) : String(format: "%.4g", value)
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// Seconds that `body` takes; the least of `runs`, because neighbours can only add.
package func seconds(runs: Int = 3, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    return (0..<runs).map { _ in clock.measure(body).seconds }.min() ?? 0
}

extension Duration {
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
