internal import HeapModule
internal import Learners
internal import Retrieval
internal import State

/// Look-ups of models with a network: every item is looked at, by one product of its units each.
extension LookupAnswerer {
    func best(
        _ limit: Int, _ taste: Taste, selection: Selection, in model: PublishedModel,
        _ network: PublishedNetwork, counts: Bool
    ) -> Found {
        model.index.read { index in
            let matches = network.matches(of: taste.vector, index)
            var first = FirstItems(limit: limit)
            for row in matches.indices where selection.filter.allows(row) {
                first.offer(Candidate(row: Int32(row), score: index.biases[row] + matches[row]))
            }
            return Found(
                items: first.bestFirst, path: "network",
                census: counts ? selection.census(catalogue: index.count) : nil)
        }
    }

    /// What the model gives to these rows, but for the user's bias; NaN for one that is not published yet.
    func scores(_ rows: [Int], _ taste: Taste, in model: PublishedModel, _ network: PublishedNetwork)
        -> [Float]
    {
        model.index.read { index in
            zip(rows, network.matches(of: taste.vector, rows: rows, index)).map { row, match in
                match.isNaN ? .nan : index.biases[row] + match
            }
        }
    }

    /// `nil` where the item is not published yet.
    func standing(
        of row: Int, depth: Int, _ taste: Taste, filter: ItemFilter, _ network: PublishedNetwork,
        _ index: borrowing IndexView
    ) -> Standing? {
        let matches = network.matches(of: taste.vector, index)
        guard row < matches.count, matches[row].isFinite else { return nil }
        let own = Candidate(row: Int32(row), score: index.biases[row] + matches[row])
        var (first, better) = (FirstItems(limit: depth), 0)
        for other in matches.indices where filter.allows(other) {
            let candidate = Candidate(row: Int32(other), score: index.biases[other] + matches[other])
            if candidate > own { better += 1 }
            first.offer(candidate)
        }
        let best = first.bestFirst
        return Standing(
            product: matches[row], bias: index.biases[row], better: better,
            bar: best.count == depth ? best.last?.score : nil)
    }
}

/// The best of the candidates offered whose scores are numbers.
private struct FirstItems {
    private let limit: Int
    private var heap = Heap<Candidate>()

    init(limit: Int) { self.limit = limit }

    mutating func offer(_ candidate: Candidate) {
        guard candidate.score.isFinite, limit > 0 else { return }
        if heap.count < limit {
            heap.insert(candidate)
        } else if let worst = heap.min, worst < candidate {
            heap.replaceMin(with: candidate)
        }
    }

    var bestFirst: [Candidate] { heap.unordered.sorted(by: >) }
}

/// The network's own steps for a new user, items and network held fixed.
struct NeuralFoldIn: FoldIn {
    let network: PublishedNetwork

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { ratings }

    /// An item without a weight counts as liked, as `RatingFoldIn` has it.
    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        let items = session.rated(index)
        let (rule, network) = (network.rule, network.network)
        return { rule.foldIn(items, network: network) }
    }
}
