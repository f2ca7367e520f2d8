import Evaluation
import Foundation

/// One number as JSON, with the protocol that it came by.
private struct EvaluationRecord: Encodable {
    struct Difference: Encodable {
        var algorithm: String
        var difference: Double
        var interval: [Double]?

        init?(_ difference: PairedDifference?) {
            guard let difference else { return nil }
            algorithm = difference.against
            self.difference = difference.difference
            interval = difference.interval.map { [$0.lowerBound, $0.upperBound] }
        }
    }

    var protocolName: String
    var setup: [String: String]
    var warnings: [String]
    var candidates: String
    var sampled: Bool
    var algorithm: String
    var baseline: Bool
    var metric: String
    var higherIsBetter: Bool?
    var value: Double
    var level: Double
    var interval: [Double]?
    var users: Int
    var count: Int
    var againstBestBaseline: Difference?
    var againstFirst: Difference?
    var againstOther: Difference?
    /// Left out but for the oracle.
    var oracle: Bool?
    var share: Share?

    struct Share: Encodable {
        var share: Double
        var interval: [Double]?
    }

    enum CodingKeys: String, CodingKey {
        case protocolName = "protocol"
        case setup, warnings, candidates, sampled, algorithm, baseline, metric, value, level, interval, users,
            count, oracle
        case higherIsBetter = "higher-is-better"
        case againstBestBaseline = "against-best-baseline"
        case againstFirst = "against-first"
        case againstOther = "against-best-other"
        case share = "of-best-possible"
    }
}

extension EvaluationReport {
    /// One JSON object a line and number.
    ///
    /// - Throws: only what the encoder throws.
    public func jsonLines() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let facts = Dictionary(
            setup.facts.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let records = sections.flatMap { section in
            section.comparison.findings.map { finding in
                EvaluationRecord(
                    protocolName: setup.name, setup: facts, warnings: setup.warnings,
                    candidates: section.title, sampled: section.isSampled, algorithm: finding.algorithm,
                    baseline: finding.isBaseline, metric: finding.metric.name,
                    higherIsBetter: finding.metric.isQuality ? finding.metric.higherIsBetter : nil,
                    value: finding.value, level: level,
                    interval: finding.interval.map { [$0.lowerBound, $0.upperBound] }, users: finding.users,
                    count: finding.count, againstBestBaseline: .init(finding.againstBaseline),
                    againstFirst: .init(finding.againstFirst), againstOther: .init(finding.againstOther),
                    oracle: finding.isOracle ? true : nil,
                    share: finding.share.map {
                        .init(
                            share: $0.value, interval: $0.interval.map { [$0.lowerBound, $0.upperBound] })
                    })
            }
        }
        return try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
            .joined(separator: "\n")
    }

    /// The curves as CSV, with a header.
    public var curvesCSV: String {
        let header = "protocol,candidates,algorithm,unit,at,metric,value"
        let rows = curves.map { point in
            [
                setup.name, point.candidates, point.algorithm, point.unit, String(point.at), point.metric,
                String(point.value),
            ].map(Self.cell).joined(separator: ",")
        }
        return ([header] + rows).joined(separator: "\n") + "\n"
    }

    /// Quoted where it has to be (RFC 4180): settings are parted by commas.
    private static func cell(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
