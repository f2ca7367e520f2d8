internal import Factors
internal import Learners
internal import Locking
internal import Retrieval
internal import State

/// A network as look-ups see it, and what it makes of each item's row. Written by the engine's queue with each
/// publication: of the items that changed, or of all where the network took a step.
final class PublishedNetwork: Sendable {
    private struct Served: Sendable {
        /// Replaced as a whole, and so never changed while somebody reads it.
        var network: RatingNetwork
        var halves: ItemHalves
    }

    let rule: NeuralRating
    private let served: SharedLock<Served>
    /// Of the engine's queue alone: the `NetworkState.version` that is served.
    private let version = Lock<Int?>(nil)

    init(_ rule: NeuralRating, factors: Int) {
        self.rule = rule
        let network = RatingNetwork(
            hidden: rule.options.hidden, second: rule.options.secondHidden, factors: factors, seed: 0)
        served = SharedLock(Served(network: network, halves: ItemHalves(units: network.units)))
    }

    var bytes: Int { served.read { $0.halves.bytes + $0.network.bytes } }

    /// The network that is served.
    var network: RatingNetwork { served.read { $0.network } }

    /// Takes over what has changed.
    func take(_ rows: [Int32], from model: ModelState) {
        guard let state = model.network else { return }
        let (items, count) = (model.items, model.items.count)
        guard version.withLock({ $0 }) == state.version else {
            let (network, halves) = (state.network.copy(), ItemHalves(units: state.network.units))
            halves.grow(to: count)
            for row in 0..<count { halves.set(row, items.row(row), network) }
            served.withLock { $0 = Served(network: network, halves: halves) }
            return version.withLock { $0 = state.version }
        }
        let (network, known) = served.read { ($0.network, $0.halves.count) }
        let changed = rows.filter { Int($0) < known } + (Int32(known)..<Int32(max(known, count)))
        guard !changed.isEmpty else { return }
        // Worked out before anybody has to wait.
        let fresh = ItemHalves(units: network.units)
        fresh.grow(to: changed.count)
        for (place, row) in changed.enumerated() { fresh.set(place, items.row(Int(row)), network) }
        served.withLock { served in
            served.halves.grow(to: count)
            for (place, row) in changed.enumerated() { served.halves.set(Int(row), from: fresh, at: place) }
        }
    }

    /// What items' scores are beside the biases, for a user's vector; of all items that are published, or of these rows.
    /// NaN for a row that is not published.
    func matches(of vector: [Float], rows: [Int]? = nil, _ index: borrowing IndexView) -> [Float] {
        let published = index.count
        return served.read { served in
            let user = NeuralUser(vector, rule, served.network)
            let known = min(published, served.halves.count)
            func match(_ row: Int, _ output: Float) -> Float {
                guard user.needsVectors else { return user.match(output: output, vector: nil) }
                return index.withVector(row) { user.match(output: output, vector: $0) }
            }
            if let rows {
                return rows.map { row in
                    guard row >= 0, row < known else { return .nan }
                    return match(row, user.outputs(served.halves, from: row, count: 1)[0])
                }
            }
            var matches = user.outputs(served.halves, from: 0, count: known)
            for row in 0..<known { matches[row] = match(row, matches[row]) }
            return matches + Array(repeating: .nan, count: published - known)
        }
    }
}
