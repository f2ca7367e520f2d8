internal import Foundation
package import Histories
package import Learners

extension ALS {
    /// What counts less than this is left out of a fold-in.
    private static let weightMin: Float = 0.01

    /// What the user took, newest first, as far as it counts in a fold-in (`Options.halfLifeEvents`); without a half-life
    /// all of it, in the history's own order.
    package func newest(of history: History, _ positive: PositiveRule) -> [HistoryEntry] {
        func isTaken(_ entry: HistoryEntry) -> Bool { positive.accepts(entry.kind, value: entry.value) }
        guard options.halfLifeEvents > 0 else { return history.entries.filter(isTaken) }
        let depth = max(1, Int(options.halfLifeEvents * -log2(Self.weightMin)) + 1)
        return history.newest(depth, where: isTaken)
    }
}
