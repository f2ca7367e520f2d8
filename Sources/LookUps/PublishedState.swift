internal import ContentVectors
internal import Counting
internal import Factors
internal import Learners
internal import LiveScores
internal import Locking
internal import Quarantine
package import Retrieval
package import State
internal import Synchronization

/// What learning has shown to look-ups: of each model an index of items, what is counted of items, and what the state last
/// told of itself. Written by the engine's queue alone, in `publish` and `refresh`; read from any thread.
package final class PublishedState: Sendable {
    /// In the order of the state's models.
    package let models: [PublishedModel]
    /// Vectors by what is said of items; `nil` where none are learned.
    let content: PublishedContent?
    /// What features say of items.
    let priors = PublishedPriors()
    let features = PublishedFeatures()
    private let counts: Lock<PublishedCounts>
    private let latest = Lock(Snapshot())
    private let items = Atomic<Int>(0)
    private let standardBits: Atomic<Int>
    /// A bit a model, for the first 64.
    private let unhealthy = Atomic<UInt64>(0)

    package init(of state: LearnedState) {
        standardBits = Atomic(StandardModel(of: state).bits)
        models = state.models.map { PublishedModel(traits: $0.traits, factors: state.options.factors) }
        content = state.content.map { PublishedContent($0.words) }
        counts = Lock(PublishedCounts(models: state.models.count))
        showHealth(of: state)
    }

    /// Items known, described or rated. Cheap: asked before each look-up.
    package var itemCount: Int { items.load(ordering: .relaxed) }

    /// The model that is asked where a query names none, at the last publication.
    package var standard: StandardModel { StandardModel(bits: standardBits.load(ordering: .relaxed)) }

    /// Its number.
    package var defaultModel: Int { standard.number }

    /// Whether a blend may ask the model.
    func isHealthy(_ number: Int) -> Bool {
        number >= 64 || unhealthy.load(ordering: .relaxed) & 1 << UInt64(number) == 0
    }

    /// What the state last told of itself.
    package var snapshot: Snapshot { latest.withLock { $0 } }

    /// Of ratings, at the last publication.
    var scale: RatingScale { latest.withLock { $0.scale } }

    /// The newest time of an event, in milliseconds since 1970; `nil` before the first.
    var snapshotTime: Int64? { latest.withLock { $0.newestTime } }

    /// What turns the scores of a model into its answers.
    func unit(of model: PublishedModel) -> ScoreUnit {
        model.traits.predictsRatings ? .rating(scale) : .score
    }

    /// What turns the published counts of a model into those of now.
    func clock(of model: PublishedModel) -> PopularityClock {
        latest.withLock { latest in
            let now = model.traits.decay.isTimed ? latest.newestTime ?? 0 : latest.counters.clock
            return model.traits.decay.clock(at: now)
        }
    }

    /// What is counted of an item: over all models, and per model the users for whom it is positive. Zero for one that came
    /// just now.
    func counts(of row: Int) -> (stats: ItemStats, positives: [Int]) {
        counts.withLock { counts in
            row < counts.stats.count
                ? (counts.stats[row], counts.positives.map { Int($0[row]) })
                : (ItemStats(), models.map { _ in 0 })
        }
    }
}

// MARK: - For the engine's queue

extension PublishedState {
    /// Shows look-ups what has changed.
    ///
    /// - Parameters:
    ///   - rows: changed item rows, per model.
    ///   - drawn: item rows that were only drawn beside events of others, per model; of none where it is empty.
    ///   - stats: item rows whose counts have changed.
    /// - Returns: false if rows are still to be published, because a reader holds what is to be written: call again in
    ///   a moment, with what has changed since.
    package func publish(
        _ rows: [[Int32]], drawn: [[Int32]] = [], stats: [Int32], from state: LearnedState
    ) -> Bool {
        var complete = true
        for (number, model) in state.models.enumerated() {
            for row in rows[number] { model.items.clear(.unpublished, at: Int(row)) }
            let drawn = number < drawn.count ? drawn[number] : []
            for row in drawn { model.items.clear(.drawn, at: Int(row)) }
            let shown = rows[number] + drawn
            let done = models[number].index.publish(rows: shown, from: model.items) {
                model.takeRecounted($0)
            }
            if done, let alternating = model.alternating {
                models[number].solving?.show(alternating.itemGramian)
            }
            if let counter = model.counter {
                models[number].counters?.take(rows[number], from: counter, state: state)
            }
            models[number].network?.take(shown, from: model)
            if let blend = model.blend { models[number].blend?.take(rows[number], from: blend, state: state) }
            complete = complete && done
        }
        if let content, !content.take(from: state) { complete = false }
        priors.take(state.priors)
        features.take(state.priors)
        counts.withLock { $0.take(stats, from: state) }
        items.store(state.stats.count, ordering: .relaxed)
        if complete {
            showHealth(of: state)
            latest.withLock {
                $0.scale = state.ratings.scale
                $0.newestTime = state.newestTime
            }
        }
        return complete
    }

    private func showHealth(of state: LearnedState) {
        standardBits.store(StandardModel(of: state).bits, ordering: .relaxed)
        var bits: UInt64 = 0
        for (number, model) in state.models.prefix(64).enumerated() where !model.health.isHealthy {
            bits |= 1 << UInt64(number)
        }
        unhealthy.store(bits, ordering: .relaxed)
    }

    /// Takes over what the state tells of itself.
    ///
    /// - Parameter memory: `nil` where it was not measured anew.
    package func refresh(from state: LearnedState, memory: StateMemory?) {
        let bytes = memory.map { _ in
            models.reduce(counts.withLock { $0.bytes }) {
                $0 + $1.index.bytes + ($1.counters?.bytes ?? 0) + ($1.blend?.bytes ?? 0)
                    + ($1.network?.bytes ?? 0)
            } + (content?.bytes ?? 0) + features.bytes
        }
        latest.withLock { latest in
            latest.take(state, memory: memory)
            if let bytes { latest.indexBytes = bytes }
        }
    }
}

/// A model as look-ups see it.
package final class PublishedModel: Sendable {
    package let traits: ModelTraits
    package let index: PublishedIndex
    /// Of a model by alternating least squares.
    let solving: Solving?
    /// Of a model that counts.
    let counters: PublishedCounters?
    /// Of a model that combines others.
    let blend: PublishedBlend?
    /// Of a model whose rows are looked at through a network.
    let network: PublishedNetwork?
    /// How a session becomes a row.
    let foldIn: any FoldIn

    init(traits: ModelTraits, factors: Int) {
        self.traits = traits
        index = PublishedIndex(factors: traits.options.factors(of: factors))
        solving = traits.isAlternating ? Solving(factors: factors) : nil
        counters = if case .counter(let rule, _) = traits.rule { PublishedCounters(rule: rule) } else { nil }
        blend = traits.blend.map { PublishedBlend(rule: $0) }
        network =
            if case .mlp(let rule) = traits.rule {
                PublishedNetwork(rule, factors: factors)
            } else {
                nil
            }
        foldIn = foldInRule(of: traits, solving: solving, network: network)
    }

    /// What solving a row against all items takes.
    final class Solving: Sendable {
        private let latest: Lock<Gramian>
        let workspaces: WorkspacePool

        init(factors: Int) {
            latest = Lock(Gramian(factors: factors))
            workspaces = WorkspacePool(factors: factors)
        }

        /// QᵀQ over the items, as old as the index.
        var gramian: Gramian { latest.withLock { $0 } }

        func show(_ gramian: Gramian) { latest.withLock { $0 = gramian } }
    }
}
