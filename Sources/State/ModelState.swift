package import Checkpoints
package import Counting
package import Factors
package import Histories
package import LiveScores
package import Quarantine
package import Retrieval

/// A model's item side and its score. The users' side is in the shards.
///
/// `items`, `positives` and `counts` are guarded by leases; the rest is confined to the engine's queue. That is what
/// `@unchecked Sendable` stands on.
package final class ModelState: @unchecked Sendable {
    package let traits: ModelTraits
    // Of the traits, what is asked for at every event: not fetched out of a struct of strings each time.
    package let rule: UpdateRule
    package let decay: PopularityDecay
    /// Keys rows and draws of this model.
    package let seed: UInt64
    package let items: FactorTable
    /// Per item: users for whom it is positive.
    package let positives = ItemColumn<Int32>()
    /// Per item: positive events, decayed. This model's popularity.
    package let counts = ItemColumn<DecayedCounts>()
    /// Of a model by alternating least squares.
    package let alternating: AlternatingState?
    /// Of a model that counts.
    package let counter: CounterState?
    /// Of a model that combines others.
    package let blend: BlendState?
    /// Of a model whose rows are looked at through a network.
    package let network: NetworkState?

    package var score: PrequentialScore
    /// The last verdict over the score's window (`PrequentialScore.Sums.loses`).
    package var losesToBaseline = false
    package var updates = 0
    package var rejected = 0
    package var health = ModelHealth()

    package init(options: ModelOptions, state: StateOptions) {
        traits = ModelTraits(options: options, state: state)
        (rule, decay, seed) = (traits.rule, traits.decay, traits.seed)
        alternating =
            options.isAlternating
            ? AlternatingState(factors: state.factors, solvers: state.shardCount) : nil
        counter = options.counter.map { CounterState($0) }
        blend = traits.blend.map { BlendState($0) }
        network =
            if case .mlp(let rule) = traits.rule {
                NetworkState(rule, factors: state.factors, seed: traits.seed)
            } else {
                nil
            }
        items = FactorTable(factors: options.factors(of: state.factors))
        score = PrequentialScore(windowEvents: state.scoreWindowEvents)
    }

    package var options: ModelOptions { traits.options }

    /// How much a user counts in an item's popularity: as much as the strongest thing that stands, however often; 0 for what
    /// is not liked.
    package func share(of pair: HistoryEntry) -> Float {
        guard rule.weight(of: pair) > 0 else { return 0 }
        return pair.kind == .signal ? max(0, pair.value) : 1
    }

    /// Adds items up to `count`, each with a row drawn by its id, so that it does not depend on who came before.
    package func grow(to count: Int, ids: (Int) -> some Sequence<UInt8>) {
        items.grow(to: count) { index, row in
            if counter != nil || blend != nil { return }
            initialise(row, id: ids(index))
            alternating?.itemGramian.add(row)
        }
        growColumns(to: count)
    }

    /// What the row of an item is before anything is learned of it.
    package func initialise(_ row: Row, id: some Sequence<UInt8>) {
        var random = KeyedRandom(seed: seed, bytes: id)
        random.initialise(row)
    }

    /// Adds rows that a state is about to fill.
    package func growEmpty(to count: Int) {
        items.grow(to: count) { _, _ in }
        growColumns(to: count)
    }

    private func growColumns(to count: Int) {
        alternating?.takers.grow(to: count)
        counter?.grow(to: count)
        blend?.grow(to: count)
        positives.grow(to: count, with: 0)
        counts.grow(to: count, with: DecayedCounts())
    }
}

extension ModelState {
    /// Looks at the score's window again; true if the verdict has changed.
    package func judge() -> Bool {
        let loses = score.window.loses(lessIsBetter: rule.predictsRatings, before: losesToBaseline)
        defer { losesToBaseline = loses }
        return loses != losesToBaseline
    }

    /// Bytes of the item side.
    package var itemBytes: Int {
        items.bytes + positives.bytes + counts.bytes + (alternating?.bytes ?? 0) + (counter?.bytes ?? 0)
            + (blend?.bytes ?? 0) + (network?.bytes ?? 0)
    }

    /// For rows of this model.
    var emptyFactors: StoredFactors {
        StoredFactors(model: options.name, factors: options.learnsRows ? items.factors : 0)
    }

    package func storedPopularity(of row: Int) -> StoredPopularity {
        StoredPopularity(
            positives: positives[row], popular: counts[row].popular, trend: counts[row].trend,
            countedAt: counts[row].at)
    }

    package func restore(_ stored: StoredPopularity, of row: Int) {
        positives[row] = stored.positives
        counts[row] = DecayedCounts(popular: stored.popular, trend: stored.trend, at: stored.countedAt)
        items.mark(.recounted, at: row)
    }

    /// The popularity of a row that is being published; `nil` where look-ups have it already.
    package func takeRecounted(_ row: Int) -> PublishedPopularity? {
        guard items.isMarked(.recounted, at: row) else { return nil }
        items.clear(.recounted, at: row)
        return decay.published(counts[row])
    }
}
