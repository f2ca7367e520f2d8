internal import BenchmarkSupport
internal import Foundation
internal import Training

/// What the bars ask for, each measured over a whole model.
enum QualityMeasures {
    /// Root mean squared error over `test`; predictions are held within the scale.
    static func rmse(_ model: FactorModel, _ test: Interactions, scale: ClosedRange<Float>) -> Double {
        var sum = 0.0
        for index in 0..<test.count {
            let raw = model.predict(user: Int(test.users[index]), item: Int(test.items[index]))
            let error = Double(min(max(raw, scale.lowerBound), scale.upperBound) - test.values[index])
            sum += error * error
        }
        return (sum / Double(max(1, test.count))).squareRoot()
    }

    struct Ranking {
        /// Among the item wanted and its 99 negatives.
        var hitRate = 0.0
        var ndcg = 0.0
        /// Among all items that the user did not take in training.
        var fullHitRate = 0.0
        var fullNDCG = 0.0
    }

    /// HR@10 and NDCG@10 of leave-one-out; an item of equal score counts as ranked higher.
    static func ranking(_ model: FactorModel, _ split: LeaveOneOut) -> Ranking {
        let seen = split.train.grouped(by: .user)
        var sums = Ranking()
        var users = 0
        var scores: [Float] = []
        for (user, wanted) in split.wanted.enumerated() where wanted >= 0 {
            model.scores(user: user, into: &scores)
            let score = scores[Int(wanted)]
            let above = split.negatives[user].count { !(scores[Int($0)] < score) }
            for place in seen.range(user) { scores[Int(seen.others[place])] = -.infinity }
            let fullAbove = scores.count { !($0 < score) } - 1
            users += 1
            if above < 10 {
                sums.hitRate += 1
                sums.ndcg += 1 / log2(Double(above) + 2)
            }
            if fullAbove < 10 {
                sums.fullHitRate += 1
                sums.fullNDCG += 1 / log2(Double(fullAbove) + 2)
            }
        }
        let count = Double(max(1, users))
        return Ranking(
            hitRate: sums.hitRate / count, ndcg: sums.ndcg / count, fullHitRate: sums.fullHitRate / count,
            fullNDCG: sums.fullNDCG / count)
    }

    /// Area under the ROC curve over *all* cells of users × items together, `positives` against the rest, on what the
    /// model was trained on: how well it has learned its data, not how well it foresees.
    static func rocAUC(_ model: FactorModel, _ positives: Interactions) -> Double {
        // Scores by the upper 22 bits of their order-preserving pattern; equal ones count by halves.
        let shift: UInt32 = 10
        var positiveCounts = [Int32](repeating: 0, count: 1 << 22)
        var counts = positiveCounts
        let taken = positives.grouped(by: .user)
        var scores: [Float] = []
        func bin(_ score: Float) -> Int {
            let bits = score.bitPattern
            return Int((bits >> 31 == 1 ? ~bits : bits | 0x8000_0000) >> shift)
        }
        for user in 0..<positives.userCount {
            model.scores(user: user, into: &scores)
            for score in scores { counts[bin(score)] += 1 }
            for place in taken.range(user) { positiveCounts[bin(scores[Int(taken.others[place])])] += 1 }
        }
        var (below, area, positive) = (0.0, 0.0, 0.0)
        for bin in counts.indices where counts[bin] > 0 {
            let (ones, zeros) = (Double(positiveCounts[bin]), Double(counts[bin] - positiveCounts[bin]))
            area += ones * (below + zeros / 2)
            below += zeros
            positive += ones
        }
        return area / max(1, below * positive)
    }
}
