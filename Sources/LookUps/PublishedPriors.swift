internal import FeatureMaps
internal import Locking
internal import State

/// What features say of items' rows, as look-ups see it. Written by the engine's queue, read from any thread.
package final class PublishedPriors: Sendable {
    private struct Maps {
        var solution = 0
        var numbers: [String: Int32] = [:]
        var maps: [FeatureMap?] = []
    }

    private let latest = Lock(Maps())

    /// Takes the maps over where they are others than before.
    func take(_ priors: ItemPriors) {
        guard priors.hasMaps, latest.withLock({ $0.solution }) != priors.solutions else { return }
        let maps = Maps(
            solution: priors.solutions,
            numbers: Dictionary(
                uniqueKeysWithValues: priors.names.enumerated().map { ($1, Int32($0)) }), maps: priors.maps)
        latest.withLock { $0 = maps }
    }

    /// What each of an item's features adds to a score b_i + p_u·q_i, what the base of all adds, and what is the item's own.
    ///
    /// - Parameters:
    ///   - names: of the item's features.
    ///   - user: p_u.
    ///   - score: b_i + p_u·q_i.
    /// - Returns: `nil` where nothing is known of any feature of the item.
    func shares(of names: [String], model: Int, user: [Float], score: Float) -> Explanation.Features? {
        let (numbers, map) = latest.withLock { latest in
            (latest.numbers, latest.maps.indices.contains(model) ? latest.maps[model] : nil)
        }
        guard let map, map.width == user.count + 1 else { return nil }
        var known: [String: Int32] = [:]
        for name in names { if let number = numbers[name] { known[name] = number } }
        guard !known.isEmpty else { return nil }
        func share(_ weights: some Collection<Float>) -> Float {
            // The bias stands behind the vector.
            zip(weights, user + [1]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let shares = known.map { Explanation.Part(name: $0.key, share: share(map.weights(of: $0.value))) }
        let base = share(map.base)
        return Explanation.Features(
            shares: shares.sorted { (abs($1.share), $0.name) < (abs($0.share), $1.name) }, base: base,
            own: score - base - shares.reduce(0) { $0 + $1.share })
    }
}
