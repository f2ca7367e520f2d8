public import Evaluation
import Foundation
public import Reporting
import Settings

/// How the numbers of a report came about: printed above them, and inside each JSON record.
public struct EvaluationProtocol: Sendable {
    /// Say `leave-one-out`.
    public var name: String
    /// In the order in which they are printed.
    public var facts: [(name: String, value: String)] = []
    /// What a reader has to know so as not to be misled.
    public var warnings: [String] = []

    mutating func add(_ name: String, _ value: String) { facts.append((name, value)) }
}

/// One task with all its algorithms.
public struct EvaluationSection: Sendable {
    /// Which items compete, say `full ranking`; `ratings` for predicted ratings.
    public var title: String
    /// Numbers against a sample of the items are labelled wherever they stand.
    public var isSampled = false
    /// What the means are over.
    public var note: String
    /// All algorithms, beside the baselines.
    public var comparison: Comparison
}

/// A point of a curve.
public struct CurvePoint: Sendable, Equatable {
    /// Which items compete, or `training` and `validation` for a point by epoch.
    public var candidates: String
    /// As it was given.
    public var algorithm: String
    /// `epoch` or `event`.
    public var unit: String
    /// Number of the epoch or event, from 1.
    public var at: Int
    /// Say `NDCG@10`, or the name of a training loss.
    public var metric: String
    /// Of the metric; not smoothed but for the moving window of `prequential`.
    public var value: Double
    /// Standard error of the value over the window, as if its events were independent; `nil` of a point by epoch.
    public var standardError: Double?
}

/// The numbers of one run, with how they came about.
public struct EvaluationReport: Sendable {
    /// How the numbers came about.
    public var setup: EvaluationProtocol
    /// Of all intervals, say 0.95.
    public var level: Double
    /// A task each, in the order in which they are printed.
    public var sections: [EvaluationSection] = []
    /// By algorithm, in the order of epochs or events.
    public var curves: [CurvePoint] = []
    /// Algorithms that could not be trained, and why; the others stand all the same.
    public var failures: [String] = []
    /// What to end with though the numbers stand: lines of the input that were passed over.
    public var passedOver: CommandError?
}

// MARK: - For people

extension EvaluationReport {
    /// Metric columns side by side on a terminal.
    private static let columnsMax = 9

    /// The protocol, then tables of all numbers with their intervals.
    public var text: String {
        var facts = Table([Table.Column(title: "protocol"), Table.Column(title: setup.name, widthMax: 160)])
        for fact in setup.facts { facts.append([fact.name, fact.value]) }
        for warning in setup.warnings { facts.append(["warning", warning]) }
        return ([facts.text] + sections.map(text)).joined(separator: "\n\n")
    }

    private func text(_ section: EvaluationSection) -> String {
        let label = section.isSampled ? "\(section.title) (SAMPLED: flatters every model)" : section.title
        var parts = ["\(label); \(section.note)"]
        let metrics = section.comparison.findings.map(\.metric).uniqued
        for start in stride(from: 0, to: metrics.count, by: Self.columnsMax) {
            let slice = Array(metrics[start..<min(metrics.count, start + Self.columnsMax)])
            parts.append(values(section.comparison, slice).text)
        }
        parts.append(Self.legend)
        if section.comparison.findings.contains(where: \.isOracle) { parts.append(Self.oracleLegend) }
        parts.append(details(section.comparison).text)
        return parts.joined(separator: "\n")
    }

    private static let legend =
        "  + clearly better, - clearly worse than the best baseline (*): the interval of the paired difference leaves out 0"

    private static let oracleLegend =
        "  the oracle knows how the events came about: the best possible, which no model can beat"

    private func values(_ comparison: Comparison, _ metrics: [Metric]) -> Table {
        var table = Table(
            [Table.Column(title: "algorithm", widthMax: 48)]
                + metrics.map { Table.Column(title: $0.name + "  ", alignment: .right) })
        for algorithm in comparison.algorithms {
            let cells = metrics.map { metric -> String in
                guard let finding = comparison.finding(algorithm, metric) else { return "-  " }
                return "\(Self.number(finding.value)) \(Self.mark(finding, comparison))"
            }
            table.append([algorithm] + cells)
        }
        return table
    }

    private static func mark(_ finding: Finding, _ comparison: Comparison) -> String {
        switch finding.verdict {
        case 1: "+"
        case -1: "-"
        case 0 where finding.isOracle: " "
        default: finding.isBaseline && finding.metric.isQuality && finding.againstBaseline == nil ? "*" : " "
        }
    }

    private func details(_ comparison: Comparison) -> Table {
        let percent = "\(ConfigurationText.number((level * 1000).rounded() / 10)) % interval"
        let findings = comparison.findings
        // With one algorithm the best other is the best baseline.
        let hasRivals =
            Set(findings.lazy.filter { !$0.isBaseline && !$0.isOracle }.map(\.algorithm)).count > 1
        let hasShares = findings.contains { $0.share != nil }
        var columns = [
            Table.Column(title: "metric"), Table.Column(title: "algorithm", widthMax: 48),
            Table.Column(title: "value", alignment: .right), Table.Column(title: percent),
            Table.Column(title: "less the best baseline"), Table.Column(title: "less the first algorithm"),
        ]
        if hasRivals { columns.append(Table.Column(title: "less the best of all others")) }
        if hasShares { columns.append(Table.Column(title: "of the best possible")) }
        var table = Table(columns)
        for finding in findings {
            var cells = [
                finding.metric.name, finding.algorithm, Self.number(finding.value),
                finding.interval.map(Self.interval) ?? "-",
                finding.againstBaseline.map(Self.difference) ?? "-",
                finding.againstFirst.map(Self.difference) ?? "-",
            ]
            if hasRivals {
                let lead = finding.againstOther
                cells.append(lead.map { "\(Self.difference($0)) \($0.against)" } ?? "-")
            }
            if hasShares {
                cells.append(
                    finding.share.map {
                        "\(Self.number($0.value)) \($0.interval.map(Self.interval) ?? "(no interval)")"
                    } ?? "-")
            }
            table.append(cells)
        }
        return table
    }

    private static func difference(_ difference: PairedDifference) -> String {
        let sign = difference.difference < 0 ? "" : "+"
        return
            "\(sign)\(number(difference.difference)) \(difference.interval.map(interval) ?? "(no interval)")"
    }

    private static func interval(_ interval: ClosedRange<Double>) -> String {
        "(\(number(interval.lowerBound)) … \(number(interval.upperBound)))"
    }

    /// Four decimals.
    static func number(_ value: Double) -> String {
        value.formatted(
            .number.precision(.fractionLength(4)).grouping(.never).locale(Locale(identifier: "en")))
    }
}

extension Comparison {
    func finding(_ algorithm: String, _ metric: Metric) -> Finding? {
        findings.first { $0.algorithm == algorithm && $0.metric == metric }
    }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of first coming.
    var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
