/// What is evaluated: something that orders all items for a user and, where it can, predicts ratings.
///
/// Users and items are row numbers of the `Dataset` it was trained on. Called from several threads at once.
public protocol Recommender: Sendable {
    /// As it stands in the report, settings included.
    var name: String { get }

    /// Beside which the others are judged: `popularity`, `random`, `means`.
    var isBaseline: Bool { get }

    /// Whether `rating` answers on the scale of the ratings, so that RMSE and MAE mean something.
    var predictsRatings: Bool { get }

    /// Writes a score for each item, higher is better; `scores` has one place per item of the data set. Equal scores
    /// are taken as a tie, not as an order.
    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>)

    /// The predicted rating; `nil` where `predictsRatings` is false.
    func rating(user: Int, item: Int) -> Float?
}

extension Recommender {
    public var isBaseline: Bool { false }
    public var predictsRatings: Bool { false }
    public func rating(user: Int, item: Int) -> Float? { nil }
}
