/// A metric per user: its mean over all is Σ sums / Σ weights.
///
/// Users are the clusters of the bootstrap: what one user does is not independent of what the same user did before.
public struct UserSums: Sendable, Equatable {
    public var sums: [Double]
    public var weights: [Double]

    public init(users: Int) {
        sums = Array(repeating: 0, count: users)
        weights = Array(repeating: 0, count: users)
    }

    /// A user beyond those there are makes room for itself.
    public mutating func add(_ value: Double, user: Int) {
        grow(to: user + 1)
        sums[user] += value
        weights[user] += 1
    }

    /// Makes room for `users`; those that come to it have no weight.
    public mutating func grow(to users: Int) {
        while sums.count < users {
            sums.append(0)
            weights.append(0)
        }
    }

    public func padded(to users: Int) -> UserSums {
        var padded = self
        padded.grow(to: users)
        return padded
    }

    public var count: Int { Int(weights.reduce(0, +)) }
    /// `nil` where nothing was measured.
    public var mean: Double? {
        let weight = weights.reduce(0, +)
        return weight > 0 ? sums.reduce(0, +) / weight : nil
    }
}

/// What was measured of one algorithm.
public struct ScoreSheet: Sendable {
    public var name: String
    public var isBaseline: Bool
    /// What nothing can beat, as it knows how the events came about; it is no baseline, and no rival.
    public var isOracle: Bool
    /// Metrics that are means over users or events. The users' order is the same on every sheet of a report.
    public private(set) var columns: [(metric: Metric, sums: UserSums)] = []
    /// Metrics that are no means, and so have no interval.
    public private(set) var figures: [(metric: Metric, value: Double)] = []

    public init(name: String, isBaseline: Bool, isOracle: Bool = false) {
        self.name = name
        self.isBaseline = isBaseline
        self.isOracle = isOracle
    }

    public mutating func set(_ metric: Metric, _ sums: UserSums) { columns.append((metric, sums)) }
    public mutating func set(_ metric: Metric, _ value: Double) { figures.append((metric, value)) }

    public func sums(_ metric: Metric) -> UserSums? { columns.first { $0.metric == metric }?.sums }

    public func value(_ metric: Metric) -> Double? {
        if let figure = figures.first(where: { $0.metric == metric }) { return figure.value }
        return sums(metric)?.mean.map(metric.value(ofMean:))
    }
}
