internal import Events
internal import Factors
internal import Histories
internal import Learners
internal import Retrieval
internal import State

/// What each past item of a user adds to a score, where the model can tell: by alternating least squares.
extension LookupAnswerer {
    struct Share {
        var row: Int32
        var similarity: Float
        var value: Float
    }

    /// `nil` for a model of another kind, or where there is no solution.
    func shares(of history: History, in row: Int, model: PublishedModel) -> [Share]? {
        guard case .als(let als, let positive) = model.traits.rule, let solving = model.solving else {
            return nil
        }
        let newest = als.newest(of: history, positive)
        let gramian = solving.gramian
        return model.index.read { index -> [Share]? in
            var items = FoldInItems(factors: index.factors)
            let known = newest.filter { Int($0.item) < index.count }
            for entry in known {
                let item = Int(entry.item)
                items.append(
                    vector: index.vector(item), bias: index.biases[item],
                    value: positive.weight(of: entry))
            }
            let shares = solving.workspaces.with {
                als.shares(
                    of: items, in: index.vector(row), gramian: gramian, workspace: $0)
            }
            guard let shares, shares.allSatisfy({ $0.share.isFinite }) else { return nil }
            return zip(known, shares).map {
                Share(row: $0.item, similarity: $1.similarity, value: $1.share)
            }
        }
    }

    /// The greatest shares, and what is left of `match` beside them.
    func carried(
        by shares: [Share], of history: History, match: Float
    ) -> ([Explanation.Carrier], Explanation.Rest) {
        let ordered = shares.sorted { ($1.value, $0.row) < ($0.value, $1.row) }
        let (first, others) = (
            ordered.prefix(Explanation.carriersMax), ordered.dropFirst(Explanation.carriersMax)
        )
        var carriers = described(
            first.map { Candidate(row: $0.row, score: $0.similarity) }, in: history)
        for (index, share) in zip(carriers.indices, first) { carriers[index].share = share.value }
        let sum = others.reduce(0) { $0 + $1.value }
        let shown = first.reduce(0) { $0 + $1.value }
        return (carriers, Explanation.Rest(others: sum, drift: match - shown - sum))
    }
}
