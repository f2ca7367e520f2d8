/// Means without shrinkage by counts: r̂ = μ + s (ū − μ) + s (ī − μ), with one s for all. Of a user or an item without ratings the
/// mean is μ.
public struct PlainMeansRecommender: Recommender {
    /// The s that are worth trying; 0 is the mean of all.
    public static let shares = [0.1, 0.5, 0.9, 1]

    private let share: Double
    private let mean: Double
    private let userOffsets: [Double]
    private let itemOffsets: [Double]

    public var name: String { "plain-means:s=\(share)" }
    public var isBaseline: Bool { true }
    public var predictsRatings: Bool { true }

    public init(train: [Observation], users: Int, items: Int, share: Double) {
        let ratings = train.filter(\.isRating)
        let sum = ratings.reduce(0) { $0 + Double($1.value) }
        let mean = ratings.isEmpty ? 0 : sum / Double(ratings.count)
        func offsets(_ count: Int, _ row: (Observation) -> Int32) -> [Double] {
            var (sums, counts) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
            for rating in ratings {
                sums[Int(row(rating))] += Double(rating.value) - mean
                counts[Int(row(rating))] += 1
            }
            return zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
        }
        (self.share, self.mean) = (share, mean)
        userOffsets = offsets(users, \.user)
        itemOffsets = offsets(items, \.item)
    }

    public func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in itemOffsets.indices { scores[item] = Float(itemOffsets[item]) }
    }

    public func rating(user: Int, item: Int) -> Float? {
        Float(mean + share * userOffsets[user] + share * itemOffsets[item])
    }
}
