import Dispatch
import Factors
import Foundation
import Locking
import Training

/// The part of a model's interactions that is held back to choose the number of epochs.
///
/// Which ones is a function of the seed, the user and the item alone, so that what is held back is also left out of
/// what the user is known to have seen.
struct ValidationSplit {
    let kept: Interactions
    let heldBack: Interactions
    /// What users have seen, without what is held back.
    let seen: Interactions

    init(_ interactions: Interactions, seen: Interactions, fraction: Double, seed: UInt64) {
        func isHeldBack(_ all: Interactions, _ index: Int) -> Bool {
            var random = KeyedRandom(
                seed: seed ^ 0x7661_6C69_6461_7465, stream: UInt64(all.users[index]),
                index: UInt64(all.items[index]))
            return random.nextUnit() < fraction
        }
        kept = interactions.filter { !isHeldBack(interactions, $0) }
        heldBack = interactions.filter { isHeldBack(interactions, $0) }
        self.seen = seen.filter { !isHeldBack(seen, $0) }
    }
}

/// How good a model is on what was held back.
struct ValidationFigure: Sendable, Equatable {
    enum Metric: String, Sendable {
        case rmse = "RMSE"
        case ndcg = "NDCG@10"

        var lessIsBetter: Bool { self == .rmse }
    }

    var metric: Metric
    var value: Double
    /// Ratings, or users, that it is a mean over.
    var count: Int

    func isBetter(than other: ValidationFigure) -> Bool {
        metric.lessIsBetter ? value < other.value : value > other.value
    }
}

/// Looks at a model after each epoch.
struct Validator {
    static let usersMax = 1_000
    static let depth = 10

    private let split: ValidationSplit
    private let metric: ValidationFigure.Metric
    /// Users with something held back; drawn where there are more than `usersMax`.
    private let users: [Int32]
    private let heldBack: GroupedInteractions
    private let seen: GroupedInteractions

    init(_ split: ValidationSplit, predictsRatings: Bool, seed: UInt64) {
        self.split = split
        metric = predictsRatings ? .rmse : .ndcg
        heldBack = split.heldBack.grouped(by: .user)
        seen = split.seen.grouped(by: .user)
        var random = KeyedRandom(seed: seed, stream: 0x7573_6572)
        var users = (0..<Int32(heldBack.groups)).filter { [heldBack] in !heldBack.range(Int($0)).isEmpty }
        for place in users.indices.prefix(Self.usersMax) {  // the beginning of a shuffle (Fisher and Yates)
            users.swapAt(place, place + random.next(below: users.count - place))
        }
        self.users = Array(users.prefix(Self.usersMax))
    }

    /// `nil` where nothing is held back.
    func figure(_ model: FactorModel) -> ValidationFigure? {
        guard split.heldBack.count > 0 else { return nil }
        return metric == .rmse ? rmse(model) : ndcg(model)
    }

    private func rmse(_ model: FactorModel) -> ValidationFigure {
        let ratings = split.heldBack
        let squares = ratings.users.indices.reduce(0.0) { sum, index in
            let error = Double(
                ratings.values[index]
                    - model.predict(user: Int(ratings.users[index]), item: Int(ratings.items[index])))
            return sum + error * error
        }
        return ValidationFigure(
            metric: .rmse, value: (squares / Double(ratings.count)).squareRoot(), count: ratings.count)
    }

    private func ndcg(_ model: FactorModel) -> ValidationFigure {
        // Each user's gain has a place of its own, so that the sum does not depend on which thread was faster.
        let gains = Lock([Double](repeating: 0, count: users.count))
        let parts = max(1, min(ProcessInfo.processInfo.activeProcessorCount, users.count))
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            var scores: [Float] = []
            for place in stride(from: part, to: users.count, by: parts) {
                let gain = gain(Int(users[place]), model, &scores)
                gains.withLock { $0[place] = gain }
            }
        }
        let sum = gains.withLock { $0.reduce(0, +) }
        return ValidationFigure(metric: .ndcg, value: sum / Double(users.count), count: users.count)
    }

    /// Discounted gain of the first ten unseen items, against that of the best order (Järvelin and Kekäläinen 2002).
    private func gain(_ user: Int, _ model: FactorModel, _ scores: inout [Float]) -> Double {
        model.scores(user: user, into: &scores)
        for place in seen.range(user) { scores[Int(seen.others[place])] = -.infinity }
        var top: [(item: Int, score: Float)] = []
        for (item, score) in scores.enumerated() where score > -.infinity {
            if top.count == Self.depth, score <= top[Self.depth - 1].score { continue }
            let place = top.firstIndex { score > $0.score } ?? top.count
            top.insert((item, score), at: place)
            if top.count > Self.depth { top.removeLast() }
        }
        var gain = 0.0
        for (rank, entry) in top.enumerated() where heldBack.contains(user, Int32(entry.item)) {
            gain += 1 / log2(Double(rank) + 2)
        }
        let wanted = min(Self.depth, heldBack.range(user).count)
        let best = (0..<wanted).reduce(0.0) { $0 + 1 / log2(Double($1) + 2) }
        return gain / best
    }
}
