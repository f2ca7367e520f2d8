internal import Foundation

/// A figure and the baseline of the same run.
struct Comparison {
    var name: String
    var ours: Double
    var baselineName: String
    var baseline: Double
    var unit: String
    /// More is better, as of a rate; else less is, as of a time or an error.
    var moreIsBetter = true

    /// How many times better than the baseline.
    var ratio: Double { moreIsBetter ? ours / baseline : baseline / ours }
}

enum Report {
    static func print(_ comparisons: [Comparison]) {
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
func seconds(runs: Int = 3, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    return (0..<runs).map { _ in clock.measure(body).seconds }.min() ?? 0
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
