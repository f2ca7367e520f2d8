/// A difference between two algorithms on the same users, and its interval.
public struct PairedDifference: Sendable, Equatable {
    /// The algorithm that is taken off.
    public var against: String
    public var difference: Double
    public var interval: ClosedRange<Double>?

    public init(against: String, difference: Double, interval: ClosedRange<Double>?) {
        (self.against, self.difference, self.interval) = (against, difference, interval)
    }

    /// Whether the interval leaves out no difference at all.
    public var isClear: Bool { interval.map { !$0.contains(0) } ?? false }
}

/// One number of the report, with what is needed to believe it or not.
public struct Finding: Sendable, Equatable {
    public var algorithm: String
    public var isBaseline: Bool
    /// What nothing can beat.
    public var isOracle = false
    public var metric: Metric
    public var value: Double
    public var interval: ClosedRange<Double>?
    /// Users measured, and what the mean is over: users or events.
    public var users: Int
    public var count: Int
    /// Against the baseline with the best value.
    public var againstBaseline: PairedDifference?
    /// Against the first algorithm.
    public var againstFirst: PairedDifference?
    /// Of an algorithm, against the best of all others, baselines too. The best was found on the same events, which makes
    /// it look a little better than it is.
    public var againstOther: PairedDifference?
    /// As a part of the best possible; where there is an oracle, and for metrics of which more is better.
    public var share: Share?

    /// A ratio of two values on the same users.
    public struct Share: Sendable, Equatable {
        public var value: Double
        public var interval: ClosedRange<Double>?
    }

    public init(
        algorithm: String, isBaseline: Bool, isOracle: Bool = false, metric: Metric, value: Double,
        interval: ClosedRange<Double>?, users: Int, count: Int, againstBaseline: PairedDifference?,
        againstFirst: PairedDifference?, againstOther: PairedDifference? = nil, share: Share? = nil
    ) {
        (self.algorithm, self.isBaseline, self.isOracle) = (algorithm, isBaseline, isOracle)
        (self.metric, self.value, self.interval) = (metric, value, interval)
        (self.users, self.count) = (users, count)
        (self.againstBaseline, self.againstFirst) = (againstBaseline, againstFirst)
        (self.againstOther, self.share) = (againstOther, share)
    }

    /// 1 where it is clearly better than the best baseline, −1 where clearly worse, 0 where nobody can tell.
    public var verdict: Int {
        guard let difference = againstBaseline, difference.isClear else { return 0 }
        return (difference.difference > 0) == metric.higherIsBetter ? 1 : -1
    }
}

/// Several algorithms on one task, each number beside the baselines.
public struct Comparison: Sendable {
    /// Grouped by metric, in the order of the sheets within.
    public let findings: [Finding]
    /// In the order of the sheets.
    public let algorithms: [String]

    /// What was measured elsewhere.
    ///
    /// - Parameter findings: grouped by metric, in the order of `algorithms` within.
    public init(algorithms: [String], findings: [Finding]) {
        (self.algorithms, self.findings) = (algorithms, findings)
    }

    /// - Parameter sheets: all of one task; the first that is neither baseline nor oracle is the one others are compared with.
    public init(_ sheets: [ScoreSheet], bootstrap: Bootstrap) {
        algorithms = sheets.map(\.name)
        var metrics: [Metric] = []
        for sheet in sheets {
            for metric in sheet.columns.map(\.metric) + sheet.figures.map(\.metric)
            where !metrics.contains(metric) { metrics.append(metric) }
        }
        findings = metrics.flatMap { Self.findings($0, sheets, bootstrap) }
    }

    private static func findings(
        _ metric: Metric, _ sheets: [ScoreSheet], _ bootstrap: Bootstrap
    ) -> [Finding] {
        let measured = sheets.filter { $0.value(metric)?.isFinite ?? false }
        let columns = measured.map { $0.sums(metric) }
        // All or none: a metric is a mean or it is not.
        let means = bootstrap.means(columns.compactMap { $0 })
        let resampled = means.map { $0.map(metric.value(ofMean:)) }
        let values = measured.map { $0.value(metric) ?? .nan }
        func best(_ indices: [Int]) -> Int? {
            indices.max { left, right in
                metric.higherIsBetter ? values[left] < values[right] : values[left] > values[right]
            }
        }
        let baseline = best(measured.indices.filter { measured[$0].isBaseline })
        let first = measured.indices.first { !measured[$0].isBaseline && !measured[$0].isOracle }
        let oracle = measured.indices.first { measured[$0].isOracle }

        func difference(_ index: Int, _ other: Int?) -> PairedDifference? {
            guard let other, other != index, index != oracle, metric.isQuality else { return nil }
            var paired: [Double] = []
            if resampled.indices.contains(index) {
                paired = zip(resampled[index], resampled[other]).map { $0 - $1 }
            }
            return PairedDifference(
                against: measured[other].name, difference: values[index] - values[other],
                interval: bootstrap.interval(paired))
        }
        func againstOther(_ index: Int) -> PairedDifference? {
            guard !measured[index].isBaseline else { return nil }
            return difference(index, best(measured.indices.filter { $0 != index && $0 != oracle }))
        }
        func share(_ index: Int) -> Finding.Share? {
            guard let oracle, oracle != index, metric.higherIsBetter, metric.isQuality, values[oracle] > 0
            else { return nil }
            var ratios: [Double] = []
            if resampled.indices.contains(index) {
                ratios = zip(resampled[index], resampled[oracle]).map { $0 / $1 }
            }
            return Finding.Share(
                value: values[index] / values[oracle], interval: bootstrap.interval(ratios))
        }
        return measured.indices.map { index in
            Finding(
                algorithm: measured[index].name, isBaseline: measured[index].isBaseline,
                isOracle: measured[index].isOracle, metric: metric, value: values[index],
                interval: resampled.indices.contains(index) ? bootstrap.interval(resampled[index]) : nil,
                users: columns[index]?.weights.count { $0 > 0 } ?? 0, count: columns[index]?.count ?? 0,
                againstBaseline: difference(index, baseline), againstFirst: difference(index, first),
                againstOther: againstOther(index), share: share(index))
        }
    }
}
