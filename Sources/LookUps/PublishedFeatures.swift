internal import Factors
internal import FeatureMaps
internal import Histories
internal import Learners
internal import Locking
internal import State

/// What somebody likes, by features as one solution numbers them.
struct PublishedTaste: Sendable {
    fileprivate let taste: FeatureTaste
    fileprivate let solution: Int
}

/// Items' features, how often each is taken, and so who likes which, as look-ups see it. Written by the engine's queue, read
/// from any thread.
package final class PublishedFeatures: Sendable {
    private struct Latest {
        var solution = 0
        var names: [String] = []
        var counts = FeatureCounts.none
        /// By item row; rows beyond the end have none.
        var features = RowLists()
    }

    private let latest = SharedLock(Latest())

    var bytes: Int { latest.read { $0.features.bytes } }

    /// Takes over what has changed.
    func take(_ priors: ItemPriors) {
        guard priors.isNeeded else { return }
        let changed = priors.takeChanged()
        guard latest.read({ $0.solution }) == priors.solutions else {
            let all = Latest(
                solution: priors.solutions, names: priors.names, counts: priors.counts,
                features: priors.features)
            latest.withLock { $0 = all }
            return
        }
        guard priors.hasMaps, !changed.isEmpty else { return }
        latest.withLock { latest in
            for row in changed.map(Int.init) { latest.features.set(priors.features[row: row], of: row) }
        }
    }

    /// What somebody with this history likes; `nil` where that is not known.
    func taste(of history: History, _ positive: PositiveRule) -> PublishedTaste? {
        latest.read { latest in
            latest.counts.taste(of: history, positive, features: latest.features)
                .map { PublishedTaste(taste: $0, solution: latest.solution) }
        }
    }

    /// How much somebody likes each of these items by what is of one kind.
    func likings(_ liking: PublishedTaste, _ rows: [Int32], _ kind: FeatureKind) -> [Float] {
        latest.read { latest in
            // Features have other numbers by now.
            guard latest.solution == liking.solution else { return rows.map { _ in 0 } }
            return rows.map { row in
                latest.features.with(row: Int(row)) { liking.taste($0, kind) }
            }
        }
    }

    /// How much each of these items is about what was taken last.
    func likenessesToLast(_ liking: PublishedTaste, _ rows: [Int32]) -> [Float] {
        latest.read { latest in
            guard latest.solution == liking.solution else { return rows.map { _ in 0 } }
            return rows.map { row in
                latest.features.with(row: Int(row)) { liking.taste.likenessToLast($0) }
            }
        }
    }

    /// Whether any feature is known of each of these items.
    func areDescribed(_ rows: [Int32]) -> [Bool] {
        latest.read { latest in rows.map { !latest.features.isEmpty(row: Int($0)) } }
    }

    /// What each of an item's features adds to these, by weights of the kinds and of the likeness; greatest first.
    func shares(
        _ liking: PublishedTaste, of row: Int32, weight: (FeatureKind) -> Float, ofLast: Float
    ) -> [Explanation.Part] {
        latest.read { latest in
            guard latest.solution == liking.solution else { return [] }
            return latest.features.with(row: Int(row)) { liking.taste.shares($0) }
                .map {
                    Explanation.Part(
                        name: latest.names[$0.feature],
                        share: weight($0.kind) * $0.share + ofLast * $0.ofLast)
                }
                .sorted { (abs($1.share), $0.name) < (abs($0.share), $1.name) }
        }
    }
}
