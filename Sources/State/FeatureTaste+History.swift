package import Factors
package import FeatureMaps
package import Histories

extension FeatureCounts {
    /// Items of a history that are looked at, the newest: tastes change, and a flood of one user's costs no more.
    private static let newestMax = 512

    /// What somebody with this history likes.
    package func taste(
        of history: History, _ positive: PositiveRule, features: RowLists
    ) -> FeatureTaste? {
        guard !taken.isEmpty, !history.isEmpty else { return nil }
        let liked = history.newest(Self.newestMax) { positive.liking(of: $0) > 0 }
        return taste(liked.lazy.map(\.item), features: features)
    }
}

extension ItemPriors {
    /// What somebody with this history likes, by the features as they are now.
    package func taste(of history: History, _ positive: PositiveRule) -> FeatureTaste? {
        counts.taste(of: history, positive, features: features)
    }
}
