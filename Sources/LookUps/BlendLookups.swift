internal import Blending
internal import Counting
internal import Events
internal import Factors
internal import FeatureMaps
internal import Histories
internal import Identities
internal import Learners
internal import Retrieval
internal import State

/// What the parts of a blend know of somebody.
struct BlendedTaste: Sendable {
    let rule: BlendRule
    /// In the order of `BlendRule.models`.
    var parts: [Taste]
    /// What was taken, by the rows of each part that ranks by rows (`PastItems`); empty of the others.
    var pasts: [[Float]] = []
    /// What was taken before.
    var taken = ItemBitset()
    var context = BlendContext(events: 0, gap: nil, together: 0)
    /// How much which features are liked; `nil` where that is not known.
    var liking: PublishedTaste?
    /// Whether what was taken is asked for again: else what `repeat` says of it need not be worked out.
    var again = true

    func past(_ part: Int) -> [Float] { part < pasts.count ? pasts[part] : [] }
}

/// Look-ups of blends: what each part puts first, in the order of what all of them say.
extension LookupAnswerer {
    /// What a model knows of a user; a blend what its parts do. The rest of that is for `complete`, which need not hold up
    /// the user.
    func taste(_ user: borrowing UserView, model number: Int) -> Taste {
        var taste = Taste(user, model: number)
        if let blend = published.models[number].blend {
            var parts: [Taste] = []
            for part in blend.rule.models { parts.append(Taste(user, model: part)) }
            taste.blended = BlendedTaste(rule: blend.rule, parts: parts)
        }
        return taste
    }

    /// Adds to what a blend knows of a user what the history says.
    ///
    /// - Parameter again: false where nothing that was taken is asked for.
    func complete(_ taste: inout Taste, _ history: History, again: Bool = true) {
        guard let rule = taste.blended?.rule else { return }
        taste.blended?.again = again
        taste.blended?.liking = published.features.taste(of: history, rule.positive)
        taste.blended?.pasts = pasts(of: history, rule)
        if again { taste.blended?.taken = ItemBitset(history.items) }
        taste.blended?.context = BlendContext(history, at: published.snapshotTime)
    }

    /// What was taken, by the rows of each part.
    private func pasts(of history: History, _ rule: BlendRule) -> [[Float]] {
        let items = PastItems.items(of: history, rule.positive)
        let scale = PastItems.scale(items.count)
        return rule.models.enumerated().map { part, number in
            guard rule.shape.parts[rule.own + part].source == .ranking, !items.isEmpty else { return [] }
            return published.models[number].index.read { index in
                var sum = [SIMD8<Float>](repeating: .zero, count: index.factors / 8)
                for item in items where Int(item) < index.count { index.add(Int(item), to: &sum) }
                return sum.flatMap { lane in (0..<8).map { lane[$0] * scale } }
            }
        }
    }

    /// Numbers of the parts for items of one look-up.
    private struct Asked {
        var personal: [RowScores]
        var succeeding: [RowScores]
    }

    /// An unhealthy part is left out: it says nothing, and proposes nothing.
    private func ask(_ taste: BlendedTaste, _ blend: PublishedBlend) -> Asked {
        var asked = Asked(personal: [], succeeding: [])
        for (part, number) in blend.rule.models.enumerated() {
            var counters = published.models[number].counters
            if !published.isHealthy(number) { counters = nil }
            if !taste.again, counters?.rule.options.kind == .repeat { counters = nil }
            let trail = taste.parts[part].trail
            asked.personal.append(counters.flatMap { counters in trail.map { counters.personal($0) } } ?? [:])
            asked.succeeding.append(
                counters.flatMap { counters in trail.map { counters.succeeding($0) } } ?? [:])
        }
        return asked
    }

    private func features(
        of rows: [Int32], _ taste: BlendedTaste, _ blend: PublishedBlend, _ asked: Asked
    ) -> BlendFeatures {
        var features = BlendFeatures(shape: blend.rule.shape, count: rows.count)
        blend.fill(&features, rows)
        let isTaken = rows.map { taste.again && taste.taken.contains(Int($0)) }
        // What something is about says whether somebody tries it, not whether they take it again.
        if let liking = taste.liking {
            for kind in FeatureKind.allCases {
                let likings = published.features.likings(liking, rows, kind)
                features.fill(blend.rule.liking, kind.rawValue) { isTaken[$0] ? 0 : likings[$0] }
            }
            let likenesses = published.features.likenessesToLast(liking, rows)
            features.fill(blend.rule.liking, BlendSource.likenessToLast) {
                isTaken[$0] ? 0 : likenesses[$0]
            }
        }
        fillNewcomers(rows, blend, &features)
        for (part, number) in blend.rule.models.enumerated() where published.isHealthy(number) {
            let (place, model) = (blend.rule.own + part, published.models[number])
            if let counters = model.counters {
                guard counters.rule.isPersonal else {
                    fillCounts(of: model, rows, place, &features)
                    continue
                }
                for (index, row) in rows.enumerated() {
                    if let value = asked.personal[part][row] { features.set(place, at: index, value) }
                    if let value = asked.succeeding[part][row] { features.set(place, 1, at: index, value) }
                }
                continue
            }
            let scores = model.index.read { $0.scores(rows.map(Int.init), taste.parts[part].vector) }
            // One that is not published yet is one that the part knows nothing of.
            for (index, score) in scores.enumerated() where score.isFinite {
                features.set(place, at: index, score)
            }
            let past = taste.past(part)
            guard !past.isEmpty else { continue }
            let products = model.index.read { $0.products(rows.map(Int.init), past) }
            for (index, product) in products.enumerated() {
                features.set(place, BlendSource.past, at: index, product)
            }
        }
        for place in isTaken.indices where isTaken[place] { features.setSeen(at: place) }
        return features
    }

    /// What is said of items that nobody has taken.
    private func fillNewcomers(_ rows: [Int32], _ blend: PublishedBlend, _ features: inout BlendFeatures) {
        let places = zip(rows.indices, blend.isUntaken(rows)).filter(\.1).map(\.0)
        guard !places.isEmpty else { return }
        for (place, isDescribed) in zip(places, published.features.areDescribed(places.map { rows[$0] }))
        where isDescribed { features.set(blend.rule.newcomer, at: place, 1) }
    }

    /// Of the newest items that nobody has taken, those whose features the user likes most.
    private func newcomers(
        _ limit: Int, _ liking: PublishedTaste?, _ blend: PublishedBlend, _ filter: ItemFilter,
        below bound: Int
    ) -> [Int32] {
        let waiting = blend.newcomers(below: bound, filter)
        let rows = zip(waiting, published.features.areDescribed(waiting)).filter(\.1).map(\.0)
        guard rows.count > limit, let liking else { return Array(rows.prefix(limit)) }
        let likings = published.features.likings(liking, rows, .tag)
        return rows.indices.sorted { (-likings[$0], $0) < (-likings[$1], $1) }.prefix(limit).map { rows[$0] }
    }

    private func fillCounts(
        of model: PublishedModel, _ rows: [Int32], _ place: Int, _ features: inout BlendFeatures
    ) {
        let clock = published.clock(of: model)
        model.index.read { index in
            for (number, row) in rows.enumerated() where Int(row) < index.count {
                let count = Float(clock.popular(index.popularity[Int(row)]))
                features.set(
                    place, at: number, count > FadingRates.least ? Logarithm.of(count / FadingRates.least) : 0
                )
            }
        }
    }

    /// Items that any part proposes, each once.
    private func proposed(
        _ limit: Int, _ taste: BlendedTaste, _ blend: PublishedBlend, _ asked: Asked, filter: ItemFilter,
        in model: PublishedModel
    ) -> [Int32] {
        let each = max(limit, blend.rule.options.candidates)
        let weights = blend.weights(in: taste.context)
        var rows = blend.first(each, filter)
        if let liking = taste.liking { rows += liked(each, liking, blend, filter) }
        let bound = model.index.read { $0.count }
        rows += newcomers(each, taste.liking, blend, filter, below: bound)
        for (part, number) in blend.rule.models.enumerated() where published.isHealthy(number) {
            let other = published.models[number]
            if let counters = other.counters {
                guard counters.rule.isPersonal else { continue }
                rows += Self.first(each, of: asked.personal[part], filter)
            } else if !other.traits.predictsRatings {
                let vector = proposing(part, taste, weights)
                rows += other.index.read { $0.top(each, query: vector, filter: filter) }.map(\.row)
            }
        }
        var isIn = ItemBitset()
        rows = rows.filter { row in
            if isIn.contains(Int(row)) { return false }
            isIn.insert(Int(row))
            return true
        }
        guard rows.count < limit else { return rows }
        // A filter that leaves little of what is first, and no part that ranks all.
        let clock = published.clock(of: model)
        let others = model.index.read { $0.mostPopular(limit, clock: clock, filter: filter) }
        return rows + others.map(\.row).filter { !isIn.contains(Int($0)) }
    }

    /// The vector by which a part proposes items: that of its user, and of what the user took as much as it counts besides.
    private func proposing(_ part: Int, _ taste: BlendedTaste, _ weights: [Float]) -> [Float] {
        let (own, past) = (taste.parts[part].vector, taste.past(part))
        let ratio = taste.rule.shape.pastRatio(taste.rule.own + part, weights)
        guard ratio > 0, past.count == own.count else { return own }
        return zip(own, past).map { $0 + ratio * $1 }
    }

    /// Of what is taken most, what the user likes most by its features, together with how often it is taken.
    private func liked(
        _ limit: Int, _ liking: PublishedTaste, _ blend: PublishedBlend, _ filter: ItemFilter
    ) -> [Int32] {
        let (rows, counts) = blend.leaders(filter)
        let scores = zip(published.features.likings(liking, rows, .tag), counts).map { $0 + $1 }
        guard let least = BlendSample.least(scores, first: limit) else { return rows }
        return rows.indices.lazy.filter { scores[$0] > least }.map { rows[$0] }
    }

    /// About the first of those that may be answered: of values level with the last one all.
    private static func first(_ limit: Int, of scores: RowScores, _ filter: ItemFilter) -> [Int32] {
        let allowed = scores.keys.filter { filter.allows(Int($0)) }
        guard allowed.count > limit else { return allowed }
        let least = allowed.map { scores[$0] ?? 0 }.sorted(by: >)[limit - 1]
        return allowed.filter { (scores[$0] ?? 0) >= least }
    }

    /// The best `limit` items of those that any part proposes.
    func best(
        _ limit: Int, _ taste: BlendedTaste, selection: Selection, in model: PublishedModel,
        _ blend: PublishedBlend, counts: Bool
    ) -> Found {
        let asked = ask(taste, blend)
        let rows = proposed(limit, taste, blend, asked, filter: selection.filter, in: model)
        let scores = features(of: rows, taste, blend, asked).scores(blend.weights(in: taste.context))
        var found = zip(rows, scores).map { Candidate(row: $0, score: $1) }.filter(\.score.isFinite)
        found.sort { $0.score != $1.score ? $0.score > $1.score : $0.row < $1.row }
        let census = counts ? selection.census(catalogue: model.index.read { $0.count }) : nil
        return Found(items: Array(found.prefix(limit)), path: "blend", census: census)
    }

    /// What the blend gives to these rows; NaN for one that is not published yet.
    func scores(_ rows: [Int], _ taste: BlendedTaste, in model: PublishedModel, _ blend: PublishedBlend)
        -> [Float]
    {
        let count = model.index.read { $0.count }
        let scores = features(of: rows.map(Int32.init), taste, blend, ask(taste, blend)).scores(
            blend.weights(in: taste.context))
        return zip(rows, scores).map { $0 < count ? $1 : .nan }
    }

    /// Whom a blend asks what is similar, or what an item's bias is: the first of its healthy parts that ranks by rows, or
    /// counts what follows what. Where none is healthy, the first of all.
    func relating(_ number: Int) -> Int {
        guard let blend = published.models[number].blend else { return number }
        let healthy = blend.rule.models.filter(published.isHealthy)
        return relating(healthy) ?? relating(blend.rule.models) ?? number
    }

    private func relating(_ parts: [Int]) -> Int? {
        parts.first { part in
            let traits = published.models[part].traits
            return published.models[part].counters == nil && !traits.predictsRatings
        }
            ?? parts.first { published.models[$0].counters?.rule.options.kind == .next }
            ?? parts.first
    }

    // MARK: - Sessions

    /// What the parts make of a session's items.
    func taste(
        of rows: [Int], weights: [Float?], _ blend: PublishedBlend, deviation: (Int) -> Float
    ) -> BlendedTaste {
        var history = History()
        for (place, row) in rows.enumerated() where weights[place] != 0 {
            history.set(
                HistoryEntry(item: Int32(row), value: 1, time: 0, order: UInt32(place), kind: .signal))
        }
        let parts = blend.rule.models.map { number -> Taste in
            let model = published.models[number]
            var taste = Taste(vector: Array(repeating: 0, count: model.index.factors), bias: 0)
            if let counters = model.counters {
                taste.trail = trail(of: rows, weights: weights, counters.rule)
                return taste
            }
            let said = model.traits.predictsRatings ? weights.map { _ in nil } : weights
            let session = FoldInSession(
                rows: rows, weights: said, scale: published.scale, deviation: deviation(number))
            let work = model.index.read { index in
                rows.allSatisfy { $0 < index.count } ? model.foldIn.foldIn(session, index: index) : { nil }
            }
            if let user = work() { (taste.vector, taste.bias) = (user.vector, user.bias) }
            return taste
        }
        return BlendedTaste(
            rule: blend.rule, parts: parts, pasts: pasts(of: history, blend.rule),
            taken: ItemBitset(history.items),
            context: BlendContext(history, at: nil),
            liking: published.features.taste(of: history, blend.rule.positive))
    }

    // MARK: - Explanations

    /// Why, or why not: what each part adds. The blend's own counts are `itemBias`, all else is `match`; past items that
    /// carry it are those of the part that adds most.
    func explain(
        _ query: ExplainQuery, row: Int, blend: PublishedBlend, model: PublishedModel,
        user: (taste: Taste, history: History, hidden: HiddenItems), selection: Selection,
        obstacles: [Explanation.Obstacle]
    ) throws(LookupError) -> Explanation {
        guard let taste = user.taste.blended, row < model.index.read({ $0.count }) else {
            throw withoutFactors(query.item)
        }
        var obstacles = obstacles
        let asked = ask(taste, blend)
        let weights = blend.weights(in: taste.context)
        let own = features(of: [Int32(row)], taste, blend, asked)
        let (score, shares) = (own.scores(weights)[0], own.shares(weights, at: 0))
        let isCandidate = obstacles.isEmpty
        let others = proposed(
            Explanation.depth, taste, blend, asked, filter: selection.filter, in: model
        ).filter { $0 != Int32(row) }
        var scores = features(of: others, taste, blend, asked).scores(weights)
        let better = zip(others, scores).count { $1 > score || ($1 == score && $0 < Int32(row)) }
        if isCandidate { scores.append(score) }
        scores.sort(by: >)
        if better >= Explanation.depth { obstacles.append(.rank) }
        let counts = blend.rule.counts
        let names = blend.rule.shape.parts.map(\.name) + ["taken before"]
        var explanation = Explanation(
            model: model.traits.name, score: score, mean: nil, userBias: nil,
            itemBias: shares[..<counts].reduce(0, +), match: shares[counts...].reduce(0, +),
            rank: isCandidate ? better + 1 : nil,
            topTenScore: scores.count >= Explanation.depth ? scores[Explanation.depth - 1] : nil,
            obstacles: obstacles,
            seen: user.history[Int32(row)].map { UserRecord.Entry($0, item: query.item) },
            carriers: carriers(query, shares: Array(shares[blend.rule.own...].dropLast()), blend),
            parts: zip(names, shares).map { Explanation.Part(name: $0, share: $1) })
        if let liking = taste.liking, !(taste.again && taste.taken.contains(row)) {
            let first = blend.rule.shape.starts[blend.rule.liking]
            explanation.tags = published.features.shares(
                liking, of: Int32(row), weight: { weights[first + $0.rawValue] },
                ofLast: weights[first + BlendSource.likenessToLast])
        }
        return explanation
    }

    private func carriers(
        _ query: ExplainQuery, shares: [Float], _ blend: PublishedBlend
    ) -> [Explanation.Carrier] {
        guard let most = shares.indices.max(by: { shares[$0] < shares[$1] }), shares[most] > 0 else {
            return []
        }
        var asked = query
        asked.model = published.models[blend.rule.models[most]].traits.name
        return ((try? explain(asked))?.carriers ?? []).map { carrier in
            var carrier = carrier
            // Of that part's score, not of this one.
            carrier.share = nil
            return carrier
        }
    }
}
