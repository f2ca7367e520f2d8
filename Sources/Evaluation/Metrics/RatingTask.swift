/// Predicts held-out ratings. What is predicted beyond the ratings of the training part is clipped to them, for all
/// alike: nobody gives six stars of five.
public struct RatingTask: Sendable {
    private let userIDs: [String]
    private let test: [Observation]
    /// Users with a rating in the test part; the rows of the score sheets.
    public let users: [Int]
    private let rows: [Int32]
    /// Least and greatest rating of the training part.
    public let range: ClosedRange<Float>

    public init(dataset: Dataset, split: Split) {
        userIDs = dataset.userIDs
        test = split.test.filter(\.isRating)
        let known = split.train.lazy.filter(\.isRating).map(\.value)
        range = (known.min() ?? -.greatestFiniteMagnitude)...(known.max() ?? .greatestFiniteMagnitude)
        var rows = [Int32](repeating: -1, count: dataset.userIDs.count)
        var users: [Int] = []
        for observation in test where rows[Int(observation.user)] < 0 {
            rows[Int(observation.user)] = Int32(users.count)
            users.append(Int(observation.user))
        }
        self.rows = rows
        self.users = users
    }

    public var ratings: Int { test.count }

    /// - Returns: `nil` for a recommender that does not predict ratings.
    /// - Throws: `EvaluationError.nonFinite`.
    public func measure(_ recommender: any Recommender) throws(EvaluationError) -> ScoreSheet? {
        guard recommender.predictsRatings else { return nil }
        var (squared, absolute) = (UserSums(users: users.count), UserSums(users: users.count))
        for observation in test {
            let (user, item) = (Int(observation.user), Int(observation.item))
            guard let predicted = recommender.rating(user: user, item: item), predicted.isFinite else {
                throw .nonFinite(model: recommender.name, user: userIDs[user])
            }
            let clipped = min(max(predicted, range.lowerBound), range.upperBound)
            let error = Double(observation.value) - Double(clipped)
            squared.add(error * error, user: Int(rows[user]))
            absolute.add(abs(error), user: Int(rows[user]))
        }
        var sheet = ScoreSheet(name: recommender.name, isBaseline: recommender.isBaseline)
        sheet.set(.rmse, squared)
        sheet.set(.mae, absolute)
        return sheet
    }
}
