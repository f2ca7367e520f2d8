internal import Learners

/// The means model with shrinkage, r̂ = μ + b_i + b_u, fitted at once (`Learners.MeansBaseline` has the formulae).
public struct MeansRecommender: Recommender {
    private let mean: Double
    private let itemOffsets: [Double]
    private let userOffsets: [Double]

    public var name: String { "means" }
    public var isBaseline: Bool { true }
    public var predictsRatings: Bool { true }

    public init(train: [Observation], users: Int, items: Int) {
        let means = MeansBaseline()
        let ratings = train.filter(\.isRating)
        let sum = ratings.reduce(0) { $0 + Double($1.value) }
        let mean = ratings.isEmpty ? 0 : sum / Double(ratings.count)
        var (itemSums, itemCounts) = ([Double](repeating: 0, count: items), [Int](repeating: 0, count: items))
        for rating in ratings {
            itemSums[Int(rating.item)] += Double(rating.value)
            itemCounts[Int(rating.item)] += 1
        }
        let offsets = zip(itemSums, itemCounts).map { sum, count in
            means.itemOffset(ratingSum: sum, ratings: count, mean: mean)
        }
        var (userSums, userCounts) = ([Double](repeating: 0, count: users), [Int](repeating: 0, count: users))
        for rating in ratings {
            userSums[Int(rating.user)] += Double(rating.value) - mean - offsets[Int(rating.item)]
            userCounts[Int(rating.user)] += 1
        }
        self.mean = mean
        itemOffsets = offsets
        userOffsets = zip(userSums, userCounts).map { means.userOffset(residualSum: $0, ratings: $1) }
    }

    public func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in itemOffsets.indices { scores[item] = Float(itemOffsets[item]) }
    }

    public func rating(user: Int, item: Int) -> Float? {
        Float(mean + itemOffsets[item] + userOffsets[user])
    }
}
