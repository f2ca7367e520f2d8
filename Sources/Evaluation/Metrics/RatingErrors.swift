/// Errors of predicted ratings by user, with and without clipping to the range of the ratings learned: of one split, or of
/// several together.
public struct RatingErrors: Sendable {
    private var squared: UserSums
    private var absolute: UserSums
    private var rawSquared: UserSums
    private var rawAbsolute: UserSums

    /// - Parameter users: of the data set; the clusters of the intervals.
    public init(users: Int) {
        squared = UserSums(users: users)
        (absolute, rawSquared, rawAbsolute) = (squared, squared, squared)
    }

    public var count: Int { squared.count }
    public var rmse: Double? { squared.mean?.squareRoot() }

    public mutating func add(_ rating: Float, predicted: Float, user: Int, range: ClosedRange<Float>) {
        let raw = Double(rating) - Double(predicted)
        let clipped =
            Double(rating) - Double(min(max(predicted, range.lowerBound), range.upperBound))
        squared.add(clipped * clipped, user: user)
        absolute.add(abs(clipped), user: user)
        rawSquared.add(raw * raw, user: user)
        rawAbsolute.add(abs(raw), user: user)
    }

    public func sheet(name: String, isBaseline: Bool) -> ScoreSheet {
        var sheet = ScoreSheet(name: name, isBaseline: isBaseline)
        sheet.set(.rmse, squared)
        sheet.set(.mae, absolute)
        sheet.set(.rawRMSE, rawSquared)
        sheet.set(.rawMAE, rawAbsolute)
        return sheet
    }
}
