internal import Blending
internal import Counting
internal import Factors
internal import FeatureMaps
internal import Histories
internal import Learners
internal import LiveScores
internal import State

/// Learns how to combine what other models give: at an event, before any of them learns it.
///
/// An item's counts are written by the holder of the item's lease. Weights and standings are read while cells are learned and,
/// with several shards, written between the rounds alone, out of what the shards report; with one shard nobody but its queue
/// is at them, and each step is taken at once, so that what is learned does not depend on how batches are cut.
struct BlendLearner: StreamLearner {
    let models: [ModelState]
    let features: ItemPriors
    /// False while a history is gone through whose models are trained afterwards: their numbers mean nothing yet.
    let learnsWeights: Bool
    var countsHistory: Bool { true }

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        guard let blend = context.model.blend, SampledRecall.isScored(example, context) else { return .none }
        let blended = BlendedParts(
            blend, example, models: models, features: features, shard: context.shard, local: context.local,
            history: context.shard.users[context.local].history, seen: context.seen, lease: lease,
            memo: context.memo)
        let weights = blend.served(in: blended.context)
        return SampledRecall.sample(example, context) { blended.features(of: $0).scores(weights) }
    }

    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {
        guard let blend = context.model.blend else { return }
        if learnsWeights, let step = step(example, context, blend, lease: lease) {
            if context.shard.shards == 1 {
                blend.take(step)
            } else {
                context.shard.report.blendSteps[context.modelIndex].append(step)
            }
        }
        let item = Int(example.item)
        let counts = blend.counts
        blend.rule.rates.take(
            weight: example.weight, ordinal: example.ordinal, time: example.time, &counts[item])
        context.shard.leaders[context.modelIndex]?.take(example.item, counts[item], blend.rule.rates) {
            counts[Int($0)]
        }
        context.touch(item)
        context.count(1)
    }

    // MARK: - A step

    /// What the event says of the weights; `nil` of one that is not learned from.
    private func step(
        _ example: Example, _ context: borrowing LearningContext, _ blend: BlendState,
        lease: borrowing RowLease
    ) -> BlendStep? {
        var random = example.random(seed: context.model.seed &+ 1)
        let options = blend.rule.options
        let chance = (1 + options.eagerEvents / Double(example.ordinal + 1)) / options.everyEvents
        // Of an item that nobody has taken and nothing is known of, no part says anything.
        let isKnown =
            blend.counts[Int(example.item)].isTaken || !features.features.isEmpty(row: Int(example.item))
        guard random.nextUnit() < chance, isKnown,
            context.mayBeShown(example.item, example), var leaders = takeLeaders(context)
        else { return nil }
        defer { context.shard.leaders[context.modelIndex] = leaders }
        let parts = BlendedParts(
            blend, example, models: models, features: features, shard: context.shard, local: context.local,
            history: context.shard.users[context.local].history, seen: context.seen, lease: lease,
            memo: context.memo)
        let proposals = BlendProposals(
            example, context, blend, parts, leaders: &leaders, lease: lease, random: &random)
        guard let taken = proposals.rows.firstIndex(of: example.item) else {
            // Weights learn from what is proposed alone: a look-up orders nothing else, and what no part would ever propose
            // would only teach it to trust none of them.
            return BlendStep(
                hits: [0, 0] + proposals.hits, features: blend.rule.shape.features, context: parts.context)
        }
        let sample = BlendSample(
            features: parts.features(of: proposals.rows), weights: proposals.weights, taken: taken,
            context: parts.context)
        let weights = blend.weights.weights(in: parts.context)
        let learned = sample.features.scores(weights)
        var step = sample.step(learned)
        // Of items that nobody has taken counts and successions know nothing. What being new is worth is learned among all that
        // is proposed, and all else among what has been taken: else each taking would teach that counts are worth more,
        // and each first taking that they are worth less.
        let isNew = proposals.rows.map(parts.isNewcomer)
        if isNew.contains(true) {
            let first = blend.rule.shape.starts[blend.rule.newcomer]
            step.confine(to: first..<first + BlendSource.newcomer.features)
            if !isNew[taken] {
                let places = proposals.rows.indices.filter { !isNew[$0] }
                let known = BlendSample(
                    features: parts.features(of: places.map { proposals.rows[$0] }),
                    weights: places.map { proposals.weights[$0] }, taken: places.firstIndex(of: taken) ?? 0,
                    context: parts.context)
                step.add(known.step(known.features.scores(weights)))
            }
        }
        step.hits = [learned, sample.features.scores(blend.first)].map {
            sample.rank($0) < Float(BlendStep.depth) ? 1 : 0
        }
        step.hits += proposals.hits
        return step
    }

    /// Taken out for as long as they are asked, so that they are not copied.
    private func takeLeaders(_ context: borrowing LearningContext) -> CountLeaders? {
        let leaders = context.shard.leaders[context.modelIndex]
        context.shard.leaders[context.modelIndex] = nil
        return leaders
    }
}

/// What the parts of a blend give to items at one event.
struct BlendedParts {
    let context: BlendContext
    private let rule: BlendRule
    private let blend: BlendState
    private let example: Example
    let parts: [Part]
    /// How much the user likes which features; `nil` where that is not known.
    let liking: FeatureTaste?
    private let itemFeatures: RowLists
    private let history: History
    /// Whether what was taken is asked for again.
    private let asksAgain: Bool

    enum Part {
        /// A user's row, the items' table, and what the user took by it; whether a look-up has it propose items.
        case rows(Row, FactorTable, past: PastTaste?, isProposing: Bool)
        /// A count over all users.
        case count(ModelState, Int64)
        /// What the user's own counts say.
        case personal(RowScores, succeeding: RowScores)
    }

    /// The rows are read by the learner's own rule for them: those of other leases never.
    init(
        _ blend: BlendState, _ example: Example, models: [ModelState], features: ItemPriors, shard: UserShard,
        local: Int, history: History, seen: SeenRule, lease: borrowing RowLease, memo: CellMemo
    ) {
        (rule, self.blend, self.example, self.history) = (blend.rule, blend, example, history)
        asksAgain = seen != .exclude
        itemFeatures = features.features
        liking = memo.liking(by: blend.rule.positive, at: example) {
            features.taste(of: history, blend.rule.positive)
        }
        context = BlendContext(history, at: example.isTimed ? example.time : nil)
        var parts: [Part] = []
        var pastItems: [Int32]?
        for (part, number) in rule.models.enumerated() {
            let model = models[number]
            guard case .counter(let counter, _) = model.rule else {
                var past: PastTaste?
                if rule.shape.parts[rule.own + part].source == .ranking {
                    let items = pastItems ?? PastItems.items(of: history, rule.positive)
                    pastItems = items
                    past = PastTaste(items, rows: model.items, lease: lease)
                }
                parts.append(
                    .rows(
                        shard.tables[number].row(local), model.items, past: past,
                        isProposing: !model.rule.predictsRatings))
                continue
            }
            guard counter.isPersonal else {
                parts.append(.count(model, example.instant(of: model)))
                continue
            }
            // Nobody is shown again what was taken: what is said of it need not be worked out.
            guard counter.options.kind != .repeat || asksAgain else {
                parts.append(.personal(RowScores(), succeeding: RowScores()))
                continue
            }
            let scores = memo.scores(of: number, at: example) {
                CounterLearner(rule: counter).scores(
                    example, model: model, shard: shard, local: local, number: number, lease: lease)
            }
            parts.append(.personal(scores.personal, succeeding: scores.succeeding))
        }
        self.parts = parts
    }

    func features(of rows: [Int32]) -> BlendFeatures {
        var features = BlendFeatures(shape: rule.shape, count: rows.count)
        let (rates, counts) = (rule.rates, blend.counts)
        features.fill(first: rule.counts) { place in
            rates.values(counts[Int(rows[place])], ordinal: example.ordinal, time: example.time)
        }
        let isTaken = rows.map { asksAgain && history.contains($0) }
        if let liking {
            // What something is about says whether somebody tries it, not whether they take it again.
            func value(_ place: Int, _ value: (Span<Int32>) -> Float) -> Float {
                isTaken[place] ? 0 : itemFeatures.with(row: Int(rows[place]), value)
            }
            features.fill(rule.liking) { value($0) { liking($0, .tag) } }
            features.fill(rule.liking, 1) { value($0) { liking($0, .year) } }
            features.fill(rule.liking, BlendSource.likenessToLast) { value($0) { liking.likenessToLast($0) } }
        }
        for (place, row) in rows.enumerated() where isNewcomer(row) {
            features.set(rule.newcomer, at: place, 1)
        }
        for (number, part) in parts.enumerated() {
            let number = rule.own + number
            switch part {
            case .rows(let user, let items, let past, _):
                features.fill(number) { place in
                    let item = items.row(Int(rows[place]))
                    return item.bias + user.dot(item)
                }
                if let past {
                    features.fill(number, BlendSource.past) { past.dot(items.row(Int(rows[$0]))) }
                }
            case .count(let model, let instant):
                features.fill(number) { Self.count(model, Int(rows[$0]), instant) }
            case .personal(let scores, let succeeding):
                if !scores.isEmpty { features.fill(number) { scores[rows[$0]] ?? 0 } }
                if !succeeding.isEmpty { features.fill(number, 1) { succeeding[rows[$0]] ?? 0 } }
            }
        }
        for place in isTaken.indices where isTaken[place] { features.setSeen(at: place) }
        return features
    }

    /// Whether nobody has taken it, and its features are known.
    func isNewcomer(_ row: Int32) -> Bool {
        !blend.counts[Int(row)].isTaken && !itemFeatures.isEmpty(row: Int(row))
    }

    /// How much the user likes what it is about.
    func tagLiking(_ row: Int32) -> Float {
        guard let liking else { return 0 }
        return itemFeatures.with(row: Int(row)) { liking($0, .tag) }
    }

    /// What the part of features gives to one item, as it orders them alone: what it knows nothing of by how often it is taken.
    func liked(_ row: Int32) -> Float {
        let count = rule.rates.values(blend.counts[Int(row)], ordinal: example.ordinal, time: example.time)[0]
        return tagLiking(row) + 1e-3 * count
    }

    /// What it gives together with how often the item is taken.
    func likedAndTaken(_ row: Int32) -> Float {
        let count = rule.rates.values(blend.counts[Int(row)], ordinal: example.ordinal, time: example.time)[0]
        return tagLiking(row) + count
    }

    private static func count(_ model: ModelState, _ row: Int, _ instant: Int64) -> Float {
        let count = Float(model.decay.popular(model.counts[row], at: instant))
        return count > FadingRates.least ? Logarithm.of(count / FadingRates.least) : 0
    }
}
