package import Histories

/// What a user took, of which the rows make a taste that is slower than the user's own row: Σ q_j / √(n + 1) over the n newest
/// liked items (Kabbur, Ning, Karypis, "FISM", 2013). A user's row follows what was taken of late, as suits most
/// streams; this says what was liked all along, and nothing of it is learned or kept.
package enum PastItems {
    /// Looked at, the newest: more say little more, and each costs a look-up time.
    private static let itemsMax = 128

    package static func items(of history: History, _ positive: PositiveRule) -> [Int32] {
        history.newest(itemsMax) { positive.liking(of: $0) > 0 }.map(\.item)
    }

    /// What the sum of so many rows is multiplied by.
    package static func scale(_ count: Int) -> Float { 1 / Float(count + 1).squareRoot() }
}
