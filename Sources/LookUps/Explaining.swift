internal import Counting
internal import Events
internal import Factors
internal import Histories
internal import Identities
internal import Learners
internal import Retrieval
internal import State

extension LookupAnswerer {
    package func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation {
        let number = try modelNumber(query.model)
        let model = published.models[number]
        guard let copy = try wholeUser(query.user, model: number) else { throw unknown(query.user) }
        guard hasTaste(copy.taste, model) else { throw withoutTaste(query.user, model) }
        let row = try rows(of: [query.item])[0]
        var selection = selection(tags: query.tags, exclude: query.exclude, keepsReasons: true)
        let seen = keptOut(copy.history, options.seen)
        var obstacles = obstacles(of: row, selection, copy, isSeen: seen.contains(Int32(row)))
        selection.leaveOut(copy.hidden.rows, because: .hidden)
        selection.leaveOut(seen, because: .seen)
        if let blend = model.blend {
            return try explain(
                query, row: row, blend: blend, model: model, user: copy, selection: selection,
                obstacles: obstacles)
        }
        if let counters = model.counters {
            return try explain(
                query, row: row, counters: counters, model: model, user: copy, selection: selection,
                obstacles: obstacles)
        }
        let filter = selection.filter
        let liked = liked(copy.history, by: model.traits.rule, except: row)
        let found = model.index.read { index -> (standing: Standing, carriers: [Candidate])? in
            let standing =
                if let network = model.network {
                    standing(
                        of: row, depth: Explanation.depth, copy.taste, filter: filter, network, index)
                } else {
                    index.standing(
                        of: row, depth: Explanation.depth, query: copy.taste.vector, filter: filter)
                }
            guard let standing else { return nil }
            let carriers = index.nearest(
                Explanation.carriersMax, to: index.vector(row), metric: .cosine,
                filter: ItemFilter(required: [liked]))
            return (standing, carriers)
        }
        guard let (standing, nearest) = found else { throw withoutFactors(query.item) }
        let unit = published.unit(of: model)
        let userBias = copy.taste.bias
        var mean: Float?
        if case .rating(let scale) = unit { mean = Float(scale.mean) }
        var carriers = described(nearest, in: copy.history)
        var rest: Explanation.Rest?
        if let shares = shares(of: copy.history, in: row, model: model) {
            (carriers, rest) = carried(by: shares, of: copy.history, match: standing.product)
        }
        let isCandidate = obstacles.isEmpty
        if standing.better >= Explanation.depth { obstacles.append(.rank) }
        var explanation = Explanation(
            model: model.traits.name, score: unit.answer(standing.score, userBias: userBias), mean: mean,
            userBias: mean.map { _ in unit.part(userBias) }, itemBias: unit.part(standing.bias),
            match: unit.part(standing.product), rank: isCandidate ? standing.better + 1 : nil,
            topTenScore: standing.bar.map { unit.answer($0, userBias: userBias) },
            obstacles: obstacles,
            seen: copy.history[Int32(row)].map { UserRecord.Entry($0, item: query.item) },
            carriers: carriers, rest: rest)
        explanation.features = features(of: row, standing, copy.taste, model: number, in: unit)
        return explanation
    }

    /// What the item's features add to its score, in the score's unit.
    private func features(
        of row: Int, _ standing: Standing, _ taste: Taste, model number: Int, in unit: ScoreUnit
    ) -> Explanation.Features? {
        let names = view.readCatalogue { row < $0.entries.count ? $0.entries[row].features : [] }
        let found = published.priors.shares(
            of: names, model: number, user: taste.vector, score: standing.bias + standing.product)
        guard var found else { return nil }
        for index in found.shares.indices { found.shares[index].share = unit.part(found.shares[index].share) }
        (found.base, found.own) = (unit.part(found.base), unit.part(found.own))
        return found
    }

    /// All that an explanation needs of a user.
    private func wholeUser(
        _ id: EntityID, model: Int
    ) throws(LookupError) -> (taste: Taste, history: History, hidden: HiddenItems)? {
        let copy = try readUser(id) { user in
            (taste: taste(user, model: model), history: user.history, hidden: user.hidden)
        }
        guard var copy else { return nil }
        complete(&copy.taste, copy.history, again: options.seen != .exclude)
        return copy
    }

    /// What keeps the item out whatever its score; `selection` is what may be answered to anybody.
    private func obstacles(
        of row: Int, _ selection: Selection, _ user: (taste: Taste, history: History, hidden: HiddenItems),
        isSeen: Bool
    ) -> [Explanation.Obstacle] {
        var obstacles: [Explanation.Obstacle] = []
        if isSeen { obstacles.append(.seen) }
        if user.hidden.contains(Int32(row)) { obstacles.append(.hidden) }
        if selection.keepsOut(row, because: .unavailable) { obstacles.append(.unavailable) }
        if selection.lacksTag(row) || selection.keepsOut(row, because: .excluded) {
            obstacles.append(.filtered)
        }
        return obstacles
    }

    /// What the user liked, by the model's own rule; where it learns ratings, those above the user's mean.
    private func liked(_ history: History, by rule: UpdateRule, except row: Int) -> ItemBitset {
        let learned = history.entries.filter { rule.weight(of: $0) > 0 }
        var threshold = -Double.infinity
        if rule.predictsRatings {
            threshold = learned.reduce(0) { $0 + Double($1.value) } / Double(learned.count)
        }
        var liked = ItemBitset()
        for entry in learned where Int(entry.item) != row && Double(entry.value) > threshold {
            liked.insert(Int(entry.item))
        }
        return liked
    }

    func described(_ carriers: [Candidate], in history: History) -> [Explanation.Carrier] {
        let titles = view.readCatalogue { catalogue in
            carriers.map {
                Int($0.row) < catalogue.entries.count ? catalogue.entries[Int($0.row)].title : nil
            }
        }
        return view.readItemIDs { table in
            zip(carriers, titles).compactMap { carrier, title in
                guard let id = table.id(of: carrier.row), let entry = history[carrier.row] else { return nil }
                return Explanation.Carrier(
                    item: id, title: title, similarity: carrier.score,
                    value: entry.kind == .rating ? entry.value : entry.signalWeight)
            }
        }
    }
}
