/// What is counted of an item, over all models.
package struct ItemStats: BitwiseCopyable, Sendable {
    /// Users in whose history the item stands.
    package var users: Int32 = 0
    /// Ratings that stand, and their sum.
    package var ratings: Int32 = 0
    package var ratingSum: Double = 0
    /// Time of the last rating or signal, in milliseconds since 1970.
    package var lastEvent: Int64?
    /// To be written with the next checkpoint.
    package var unsaved = true
    /// Changed since look-ups were last told.
    package var unpublished = false

    package init() {}
}

extension ItemStats {
    /// Counts a rating, or takes it off (`sign` −1).
    package mutating func add(rating: Float, sign: Int32) {
        ratings += sign
        ratingSum += Double(sign) * Double(rating)
    }
}
