internal import Foundation
package import Histories
package import Learners

extension ALS {
    /// What counts less than this is left out of a fold-in.
    private static let weightMin: Float = 0.01

    /// What the user likes or dislikes, newest first, as far as it counts in a fold-in (`Options.halfLifeEvents`); without a
    /// half-life all of it, in the history's own order.
    package func newest(of history: History, _ positive: PositiveRule) -> [HistoryEntry] {
        func says(_ entry: HistoryEntry) -> Bool { positive.liking(of: entry) != 0 }
        guard options.halfLifeEvents > 0 else { return history.entries.filter(says) }
        let depth = max(1, Int(options.halfLifeEvents * -log2(Self.weightMin)) + 1)
        return history.newest(depth, where: says)
    }
}
