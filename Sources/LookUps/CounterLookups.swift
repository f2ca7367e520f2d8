internal import Counting
internal import Events
internal import Factors
internal import Histories
internal import Learners
internal import Retrieval
internal import State

/// Look-ups of models that count: the few items that a user's own counts say anything of, before the popular ones.
extension LookupAnswerer {
    /// The best `limit` items. What no personal count names is in the order of popularity, so that its best are the most
    /// popular: no more of them than are asked for need be looked at.
    func best(
        _ limit: Int, personal: RowScores, selection: Selection, in model: PublishedModel,
        rule: CounterRule, counts: Bool
    ) -> Found {
        let (filter, clock) = (selection.filter, published.clock(of: model))
        return model.index.read { index in
            var found: [Candidate] = []
            for (row, score) in personal where Int(row) < index.count && filter.allows(Int(row)) {
                let base = rule.base(clock.popular(index.popularity[Int(row)]))
                if (score + base).isFinite { found.append(Candidate(row: row, score: score + base)) }
            }
            let popular = index.mostPopular(limit + found.count, clock: clock, filter: filter)
            for candidate in popular where personal[candidate.row] == nil {
                let base = rule.base(clock.popular(index.popularity[Int(candidate.row)]))
                found.append(Candidate(row: candidate.row, score: base))
            }
            found.sort { $0.score != $1.score ? $0.score > $1.score : $0.row < $1.row }
            let census =
                counts
                ? selection.census(catalogue: index.count) { row in
                    personal[Int32(row)] != nil || index.popularity[row].popular > -.infinity
                } : nil
            return Found(items: Array(found.prefix(limit)), path: Self.countsPath, census: census)
        }
    }

    private static let countsPath = "counts"

    /// What the model gives to these rows; NaN for one that is not published yet.
    func scores(
        _ rows: [Int], personal: RowScores, in model: PublishedModel, rule: CounterRule
    ) -> [Float] {
        let clock = published.clock(of: model)
        return model.index.read { index in
            rows.map { row in
                guard row < index.count else { return .nan }
                return rule.base(clock.popular(index.popularity[row])) + (personal[Int32(row)] ?? 0)
            }
        }
    }

    /// What follows the item, most first.
    func following(
        _ query: SimilarQuery, row: Int, selection: Selection, in model: PublishedModel,
        _ counters: PublishedCounters
    ) throws(LookupError) -> Found {
        guard counters.rule.options.kind == .next else {
            throw LookupError(
                .invalid,
                "model '\(model.traits.name)' counts, and knows nothing of what is similar; ask another")
        }
        var trail = UserTrail()
        trail.follow(Int32(row), limit: 1)
        return best(
            query.count, personal: counters.personal(trail), selection: selection, in: model,
            rule: counters.rule, counts: query.wantsMeta)
    }

    /// A session's items as a user's trail.
    func trail(of rows: [Int], weights: [Float?], _ rule: CounterRule) -> UserTrail {
        var trail = UserTrail()
        for (place, row) in rows.enumerated() where weights[place] != 0 {
            trail.take(Int32(row), at: nil, ordinal: Int64(place), halfLife: .never)
            trail.follow(Int32(row), limit: rule.options.trail)
            trail.events += 1
        }
        return trail
    }

    /// Where an item stands for a user of a counting model.
    struct CountedStanding {
        var base: Float
        var personal: Float
        var better: Int
        /// The score of the tenth that may be recommended.
        var bar: Float?
    }

    /// `nil` where the item is not published yet.
    func standing(
        of row: Int, depth: Int, personal: RowScores, filter: ItemFilter, in model: PublishedModel,
        rule: CounterRule
    ) -> CountedStanding? {
        let clock = published.clock(of: model)
        let bases = model.index.read { index in
            (0..<index.count).map { rule.base(clock.popular(index.popularity[$0])) }
        }
        guard row < bases.count else { return nil }
        let own = bases[row] + (personal[Int32(row)] ?? 0)
        var (others, better): ([Float], Int) = ([], 0)
        for other in bases.indices where other != row && filter.allows(other) {
            let value = bases[other] + (personal[Int32(other)] ?? 0)
            // What nobody took is not recommended.
            if value <= 0 { continue }
            if value > own || (value == own && other < row) { better += 1 }
            others.append(value)
        }
        if filter.allows(row), own > 0 { others.append(own) }
        others.sort(by: >)
        return CountedStanding(
            base: bases[row], personal: personal[Int32(row)] ?? 0, better: better,
            bar: others.count >= depth ? others[depth - 1] : nil)
    }

    /// Why, or why not: popularity's part is `itemBias`, that of the user's own counts `match`.
    func explain(
        _ query: ExplainQuery, row: Int, counters: PublishedCounters, model: PublishedModel,
        user: (taste: Taste, history: History, hidden: HiddenItems), selection: Selection,
        obstacles: [Explanation.Obstacle]
    ) throws(LookupError) -> Explanation {
        var obstacles = obstacles
        let trail = user.taste.trail ?? UserTrail()
        let personal = counters.personal(trail)
        guard
            let standing = standing(
                of: row, depth: Explanation.depth, personal: personal, filter: selection.filter, in: model,
                rule: counters.rule)
        else { throw withoutFactors(query.item) }
        var carriers: [Explanation.Carrier] = []
        var shares = counters.shares(of: Int32(row), after: trail)
        if counters.rule.options.kind == .repeat, standing.personal > 0 {
            shares = [(Int32(row), 1, standing.personal)]
        }
        shares.sort { ($1.share, $0.item) < ($0.share, $1.item) }
        carriers = described(
            shares.map { Candidate(row: $0.item, score: $0.similarity) }, in: user.history)
        let shown = shares.filter { user.history.contains($0.item) }
        for (place, share) in zip(carriers.indices, shown) { carriers[place].share = share.share }
        let isCandidate = obstacles.isEmpty
        if standing.better >= Explanation.depth { obstacles.append(.rank) }
        return Explanation(
            model: model.traits.name, score: standing.base + standing.personal, mean: nil, userBias: nil,
            itemBias: standing.base, match: standing.personal,
            rank: isCandidate ? standing.better + 1 : nil, topTenScore: standing.bar, obstacles: obstacles,
            seen: user.history[Int32(row)].map { UserRecord.Entry($0, item: query.item) },
            carriers: Array(carriers.prefix(Explanation.carriersMax)))
    }
}
