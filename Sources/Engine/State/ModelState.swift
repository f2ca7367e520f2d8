internal import Checkpoints
internal import Factors
internal import Learners
internal import Retrieval

/// A model's item side and its score. The users' side is in the shards.
///
/// `items` and `positives` are guarded by leases; the rest is confined to the engine's queue.
final class ModelState: @unchecked Sendable {
    let options: ModelOptions
    let learner: any StreamLearner
    let items: FactorTable
    /// Per item: users for whom it is positive.
    let positives = ItemColumn<Int32>()
    /// Per item: positive events, decayed. This model's popularity. Guarded as `positives` is.
    let counts = ItemColumn<DecayedCounts>()
    let decay: PopularityDecay
    /// Of a model by alternating least squares.
    let alternating: AlternatingState?
    let index: PublishedIndex
    /// Keys rows and draws of this model.
    let seed: UInt64

    var score: PrequentialScore
    /// The last verdict over the score's window (`PrequentialScore.Sums.loses`).
    var losesToBaseline = false
    var updates = 0
    var rejected = 0

    init(options: ModelOptions, engine: EngineOptions) {
        self.options = options
        let updateGuard = UpdateGuard(normMax: engine.normMax)
        switch options.learner {
        case .sgd(let settings):
            learner = RatingLearner(sgd: BiasedSGD(options: settings, updateGuard: updateGuard))
        case .bpr(let settings, let positive):
            learner = RankingLearner(
                rule: .bpr(BPR(options: settings, updateGuard: updateGuard)), positive: positive)
        case .warp(let settings, let positive):
            learner = RankingLearner(
                rule: .warp(WARP(options: settings, updateGuard: updateGuard)), positive: positive)
        case .als(let settings, let positive):
            learner = AlternatingLearner(
                als: ALS(options: settings, updateGuard: updateGuard), positive: positive)
        }
        alternating =
            learner is AlternatingLearner
            ? AlternatingState(factors: engine.factors, solvers: engine.shardCount) : nil
        decay = PopularityDecay(
            popularHalfLife: engine.popularityHalfLifeEvents, trendHalfLife: engine.trendingHalfLifeEvents)
        items = FactorTable(factors: engine.factors)
        index = PublishedIndex(factors: engine.factors)
        var hash: UInt64 = 0
        for byte in options.name.utf8 { hash = KeyedRandom.mix(hash ^ UInt64(byte)) }
        seed = engine.seed ^ hash
        score = PrequentialScore(windowEvents: engine.scoreWindowEvents)
    }

    func grow(to count: Int, ids: (Int) -> some Sequence<UInt8>) {
        items.grow(to: count) { index, row in
            var random = KeyedRandom(seed: seed, bytes: ids(index))
            random.initialise(row)
            alternating?.itemGramian.add(row)
        }
        alternating?.takers.grow(to: count)
        positives.grow(to: count, with: 0)
        counts.grow(to: count, with: DecayedCounts())
    }

    /// Adds rows that a state is about to fill.
    func growEmpty(to count: Int) {
        items.grow(to: count) { _, _ in }
        alternating?.takers.grow(to: count)
        positives.grow(to: count, with: 0)
        counts.grow(to: count, with: DecayedCounts())
    }
}

extension ModelState {
    /// Looks at the score's window again; true if the verdict has changed.
    func judge() -> Bool {
        let loses = score.window.loses(lessIsBetter: learner.predictsRatings, before: losesToBaseline)
        defer { losesToBaseline = loses }
        return loses != losesToBaseline
    }

    /// Bytes of the item side.
    var itemBytes: Int {
        items.bytes + positives.bytes + counts.bytes + (alternating?.bytes ?? 0)
    }

    func storedPopularity(of row: Int) -> StoredPopularity {
        StoredPopularity(
            positives: positives[row], popular: counts[row].popular, trend: counts[row].trend,
            countedAt: counts[row].at)
    }

    func restore(_ stored: StoredPopularity, of row: Int) {
        positives[row] = stored.positives
        counts[row] = DecayedCounts(popular: stored.popular, trend: stored.trend, at: stored.countedAt)
        items.mark(.recounted, at: row)
    }

    /// The popularity of a row that is being published; `nil` where look-ups have it already.
    func takeRecounted(_ row: Int) -> PublishedPopularity? {
        guard items.isMarked(.recounted, at: row) else { return nil }
        items.clear(.recounted, at: row)
        return decay.published(counts[row])
    }
}
