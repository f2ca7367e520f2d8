internal import Factors
internal import Locking
internal import Retrieval

/// Every pass over a published index stands here, so that there is one place to make it faster.
extension Engine {
    /// What a pass found, best first.
    struct Found: Sendable {
        var items: [Candidate]
        var path: String
        /// Where the answer has to tell.
        var census: Census?
    }

    /// Somebody's taste, and what may be shown to them.
    struct Wish: Sendable {
        var taste: Taste
        var selection: Selection
    }

    /// The best `limit` items for each, all from one state of the items.
    func best(_ limit: Int, for wishes: [Wish], in model: ModelState, counts: Bool) -> [Found] {
        let (lists, catalogue) = model.index.read { index in
            (
                wishes.map { index.top(limit, query: $0.taste.vector, filter: $0.selection.filter) },
                index.count
            )
        }
        return zip(wishes, lists).map { wish, items in
            Found(
                items: items, path: Self.scanPath,
                census: counts ? wish.selection.census(catalogue: catalogue) : nil)
        }
    }

    func nearest(
        _ limit: Int, to vector: [Float], metric: SimilarityMetric, selection: Selection,
        in model: ModelState, counts: Bool
    ) -> Found {
        let (items, catalogue) = model.index.read {
            ($0.nearest(limit, to: vector, metric: metric, filter: selection.filter), $0.count)
        }
        return Found(
            items: items, path: Self.scanPath, census: counts ? selection.census(catalogue: catalogue) : nil)
    }

    /// A list over all users.
    func list(
        _ limit: Int, by order: TopQuery.Order, selection: Selection, in model: Int, counts: Bool
    ) -> Found {
        let index = state.models[model].index
        let filter = selection.filter
        if order == .trending { return trending(limit, selection: selection, in: model, counts: counts) }
        return index.read { index in
            let items =
                switch order {
                case .popular, .trending: index.mostPopular(limit, filter: filter)
                case .bias: index.byBias(limit, leastFirst: false, filter: filter)
                case .leastBias: index.byBias(limit, leastFirst: true, filter: filter)
                }
            let census =
                counts ? selection.census(catalogue: index.count) { index.popularity[$0] > 0 } : nil
            return Found(items: items, path: Self.listPath, census: census)
        }
    }

    /// What was taken most of late: by the count that fades fast.
    private func trending(_ limit: Int, selection: Selection, in model: Int, counts: Bool) -> Found {
        let trends = published.withLock { $0.counts[model].map { Float($0.trend) } }
        let census = counts ? selection.census(catalogue: trends.count) { trends[$0] > 0 } : nil
        var taken: [Candidate] = []
        for (row, trend) in trends.enumerated()
        where trend > 0 && trend.isFinite && selection.filter.allows(row) {
            taken.append(Candidate(row: Int32(row), score: trend))
        }
        taken.sort(by: >)
        return Found(items: Array(taken.prefix(limit)), path: Self.listPath, census: census)
    }

    /// Every item was looked at.
    private static let scanPath = "scan"
    /// Read from what is counted of items, without anybody's taste.
    private static let listPath = "list"
}
