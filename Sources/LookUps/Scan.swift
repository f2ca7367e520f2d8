internal import Counting
internal import Factors
internal import Retrieval
internal import State

/// Every pass over a published index stands here, so that there is one place to make it faster.
extension LookupAnswerer {
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
    func best(_ limit: Int, for wishes: [Wish], in model: PublishedModel, counts: Bool) -> [Found] {
        if let blend = model.blend {
            return wishes.map { wish in
                wish.taste.blended.map {
                    best(limit, $0, selection: wish.selection, in: model, blend, counts: counts)
                } ?? list(limit, by: .popular, selection: wish.selection, in: model, counts: counts)
            }
        }
        if let counters = model.counters {
            return wishes.map { wish in
                best(
                    limit, personal: wish.taste.trail.map { counters.personal($0) } ?? [:],
                    selection: wish.selection, in: model, rule: counters.rule, counts: counts)
            }
        }
        if let network = model.network {
            return wishes.map { wish in
                best(
                    limit, wish.taste, selection: wish.selection, in: model, network, counts: counts)
            }
        }
        let (answers, catalogue) = model.index.read { index -> ([TopAnswer], Int) in
            let answers =
                wishes.count == 1
                ? [index.answer(limit, query: wishes[0].taste.vector, filter: wishes[0].selection.filter)]
                : index.top(
                    limit, queries: wishes.map(\.taste.vector), filters: wishes.map(\.selection.filter))
            return (answers, index.count)
        }
        return zip(wishes, answers).map { wish, answer in
            found(answer, selection: wish.selection, catalogue: catalogue, counts: counts)
        }
    }

    func nearest(
        _ limit: Int, to vector: [Float], metric: SimilarityMetric, selection: Selection,
        in model: PublishedModel, counts: Bool
    ) -> Found {
        let (answer, catalogue) = model.index.read {
            ($0.nearestAnswer(limit, to: vector, metric: metric, filter: selection.filter), $0.count)
        }
        return found(answer, selection: selection, catalogue: catalogue, counts: counts)
    }

    func found(_ answer: TopAnswer, selection: Selection, catalogue: Int, counts: Bool) -> Found {
        scans.count(answer.path)
        return Found(
            items: answer.candidates, path: answer.path.rawValue,
            census: counts ? selection.census(catalogue: catalogue) : nil)
    }

    /// A list over all users.
    ///
    /// - Parameter among: of biases, how many of the most taken items are ranked; `nil` for all.
    func list(
        _ limit: Int, by order: TopQuery.Order, among: Int? = nil, selection: Selection,
        in model: PublishedModel, counts: Bool
    ) -> Found {
        let (filter, clock) = (selection.filter, published.clock(of: model))
        func byBias(_ index: borrowing IndexView, leastFirst: Bool) -> [Candidate] {
            guard let among else { return index.byBias(limit, leastFirst: leastFirst, filter: filter) }
            let most = index.mostPopular(among, clock: clock, filter: filter)
            return index.byBias(limit, leastFirst: leastFirst, among: most.map(\.row))
        }
        return model.index.read { index in
            let items =
                switch order {
                case .popular: index.mostPopular(limit, clock: clock, filter: filter)
                case .trending: index.trending(limit, clock: clock, filter: filter)
                case .bias: byBias(index, leastFirst: false)
                case .leastBias: byBias(index, leastFirst: true)
                }
            guard counts else { return Found(items: items, path: Self.listPath) }
            let census = selection.census(catalogue: index.count) { row in
                let popularity = index.popularity[row]
                return order == .trending ? clock.trend(popularity) > 0 : popularity.popular > -.infinity
            }
            return Found(items: items, path: Self.listPath, census: census)
        }
    }

    /// Read from what is counted of items, without anybody's taste.
    private static let listPath = "list"
}
