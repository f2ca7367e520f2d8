import Evaluation
import InventedWorlds
import StreamLearning

/// The mean of the newest values, and how sure it is.
struct MovingSpread {
    private var values: MovingMean
    private var squares: MovingMean

    init(length: Int) { (values, squares) = (MovingMean(length: length), MovingMean(length: length)) }

    mutating func add(_ value: Double) {
        values.add(value)
        squares.add(value * value)
    }

    var mean: Double? { values.mean }

    /// Of the mean, as if the values were independent; `nil` below two of them.
    var standardError: Double? {
        guard values.count > 1, let mean = values.mean, let square = squares.mean else { return nil }
        return (max(0, square - mean * mean) / Double(values.count - 1)).squareRoot()
    }
}

/// How one algorithm ranked the events of a replay.
struct RankingTally {
    /// Whose ranking it is.
    enum Source {
        case model(Int)
        case popularity
        case decayedPopularity
        /// What chance gets on average: all candidates tie.
        case random
        /// Somebody who knows how the events came about.
        case oracle
    }

    let name: String
    private let source: Source
    private let metrics: [Metric]
    private var sums: [UserSums]
    private var windows: [MovingSpread]

    init(name: String, source: Source, metrics: [Metric], window: Int) {
        self.name = name
        self.source = source
        self.metrics = metrics
        sums = metrics.map { _ in UserSums(users: 0) }
        windows = metrics.map { _ in MovingSpread(length: window) }
    }

    /// An item never heard of before is no candidate: a miss, and no pair for AUC.
    mutating func addMiss(user: Int) {
        for (index, metric) in metrics.enumerated() where metric != .auc {
            sums[index].add(0, user: user)
            windows[index].add(0)
        }
    }

    /// - Parameter oracle: where the item stood with whoever knows; a miss for it where it named the item at no place.
    mutating func add(_ ranking: ReplayedEvent.Ranking, oracle: ChoiceTruth.Standing?, user: Int) {
        let place: RankedRelevance
        if case .oracle = source {
            guard let higher = oracle?.place.map({ $0 - 1 }) else { return addMiss(user: user) }
            place = RankedRelevance(
                higher: higher, equal: 0, candidates: max(ranking.candidates, higher + 1))
        } else {
            let standing = standing(ranking)
            place = RankedRelevance(
                higher: standing.higher, equal: standing.equal, candidates: ranking.candidates)
        }
        for (index, metric) in metrics.enumerated() {
            guard let value = place.value(metric) else { continue }
            sums[index].add(value, user: user)
            windows[index].add(value)
        }
    }

    private func standing(_ ranking: ReplayedEvent.Ranking) -> ReplayedEvent.Standing {
        switch source {
        case .model(let index): ranking.models[index]
        case .popularity: ranking.popularity
        case .decayedPopularity: ranking.decayedPopularity
        case .random, .oracle: ReplayedEvent.Standing(higher: 0, equal: ranking.candidates - 1)
        }
    }

    /// One past the highest row of a user met.
    var users: Int { sums.map(\.sums.count).max() ?? 0 }

    func points(at event: Int) -> [CurvePoint] {
        zip(metrics, windows).compactMap { metric, window in
            window.mean.map {
                CurvePoint(
                    candidates: "full ranking", algorithm: name, unit: "event", at: event,
                    metric: metric.name,
                    value: $0, standardError: window.standardError)
            }
        }
    }

    func sheet(users: Int) -> ScoreSheet {
        let (isBaseline, isOracle) =
            switch source {
            case .model: (false, false)
            case .popularity, .decayedPopularity, .random: (true, false)
            case .oracle: (false, true)
            }
        var sheet = ScoreSheet(name: name, isBaseline: isBaseline, isOracle: isOracle)
        for (metric, sums) in zip(metrics, sums) { sheet.set(metric, sums.padded(to: users)) }
        return sheet
    }
}

/// The errors of one algorithm over a replay.
struct RatingTally {
    let name: String
    /// `nil` for the means baseline.
    let model: Int?
    private var squared = UserSums(users: 0)
    private var absolute = UserSums(users: 0)
    private var window: MovingSpread

    init(name: String, model: Int?, window: Int) {
        self.name = name
        self.model = model
        self.window = MovingSpread(length: window)
    }

    var count: Int { squared.count }
    /// One past the highest row of a user met.
    var users: Int { squared.sums.count }

    mutating func add(_ squaredError: Double, user: Int) {
        squared.add(squaredError, user: user)
        absolute.add(squaredError.squareRoot(), user: user)
        window.add(squaredError)
    }

    func points(at event: Int) -> [CurvePoint] {
        guard let mean = window.mean else { return [] }
        let root = max(0, mean).squareRoot()
        return [
            CurvePoint(
                candidates: "ratings", algorithm: name, unit: "event", at: event, metric: Metric.rmse.name,
                value: root,
                // Of squared errors it is known; a root is by twice itself less.
                standardError: window.standardError.map { $0 / (2 * max(root, 1e-9)) })
        ]
    }

    func sheet(users: Int) -> ScoreSheet {
        var sheet = ScoreSheet(name: name, isBaseline: model == nil)
        sheet.set(.rmse, squared.padded(to: users))
        sheet.set(.mae, absolute.padded(to: users))
        return sheet
    }
}
