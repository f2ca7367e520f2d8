internal import Dispatch
internal import Events
internal import Factors
internal import Histories
internal import Identities
internal import Learners
internal import Locking
internal import State
internal import StreamLearning
public import Training

/// From histories to interactions, and from trained rows back into the state.
extension StateBuilder {
    /// What the model of this number learns from: ratings as they are, or what users like, weighted as on the stream
    /// (`UpdateRule.weight`). What they dislike is left to the stream.
    ///
    /// Rows are those of the state. The times are the order of each user's own entries, as the stream goes by that
    /// rather than by clocks.
    public func interactions(of model: Int) -> Interactions {
        let rule = state.models[model].rule
        return interactions(value: { rule.predictsRatings ? $0.value : rule.weight(of: $0) }) {
            rule.weight(of: $0) > 0
        }
    }

    /// All that stands in the histories, liked or not: what is never drawn as a negative.
    public func seen() -> Interactions {
        interactions(value: { _ in 1 }) { _ in true }
    }

    private func interactions(
        value: (HistoryEntry) -> Float, where isWanted: (HistoryEntry) -> Bool
    ) -> Interactions {
        finishHistory()
        var (users, items, values, times): ([Int32], [Int32], [Float], [Int64]) = ([], [], [], [])
        let userCount = state.users.read { $0.rowCount }
        for user in 0..<Int32(userCount) {
            let shard = state.shard(of: user)
            shard.queue.sync {
                for entry in shard.users[shard.local(user)].history.entries where isWanted(entry) {
                    users.append(user)
                    items.append(entry.item)
                    values.append(value(entry))
                    times.append(Int64(entry.order))
                }
            }
        }
        return Interactions(
            userCount: userCount, itemCount: state.stats.count, users: users, items: items, values: values,
            times: times)
    }

    /// New rows as the daemon would fill them, keyed by id.
    public func initialRows(of model: Int) -> InitialRows {
        let state = state
        return InitialRows(
            user: { index, row in
                let shard = state.shard(of: Int32(index))
                shard.queue.sync { row.copy(shard.tables[model].row(shard.local(Int32(index)))) }
            },
            item: { index, row in row.copy(state.models[model].items.row(index)) })
    }

    /// Puts trained rows into the state.
    ///
    /// A rating model's rows go from one scale to the other: the daemon's μ and σ are over all ratings as they came, the
    /// trained ones over those that stand. Users of an alternating model are folded in from their newest
    /// events besides, as on the stream.
    ///
    /// - Parameters:
    ///   - updates: how many the training made; `STATUS` counts on from there.
    ///   - keepsSteps: what rows remember of the learning rate means the same on the stream; else it is forgotten.
    /// - Throws: `TrainingError.otherShape` for a model of other rows.
    public func install(
        _ trained: FactorModel, as model: Int, updates: Int, keepsSteps: Bool = false
    ) throws(TrainingError) {
        let userCount = state.users.read { $0.rowCount }
        guard trained.factors == options.factors, trained.users.count == userCount,
            trained.items.count == state.stats.count
        else { throw .otherShape("the trained model has other rows than the state") }
        let ratio = trained.predictsRatings ? trained.scale.deviationRatio(to: state.ratings.scale) : 1
        installItems(trained, as: model, keepsSteps: keepsSteps)
        if let network = trained.neural?.network, let own = state.models[model].network {
            own.network.take(from: network)
            own.network.rescale(rows: Float(ratio.squareRoot()), output: Float(ratio))
        }
        onEachUser { shard, local in
            // Of an alternating model the trained row is the long-term one: what items are solved against.
            let table = shard.longTerm[model] ?? shard.tables[model]
            table.row(local).copy(trained.users.row(Int(shard.row(local))))
            if trained.predictsRatings { table.row(local).scale(by: Float(ratio)) }
            if !keepsSteps { table.row(local).step = 0 }
            shard.tables[model].mark(.unsaved, at: local)
        }
        state.models[model].updates = updates
        Alternation(state, number: model)?.settleAfterTraining()
    }

    private func installItems(_ trained: FactorModel, as number: Int, keepsSteps: Bool) {
        let model = state.models[number]
        let scale = state.ratings.scale
        let ratio = trained.scale.deviationRatio(to: scale)
        let shift = scale.deviation > 0 ? Float((trained.scale.mean - scale.mean) / scale.deviation) : 0
        for item in 0..<model.items.count {
            // Solved, an item that nobody takes would be zero, and could not be learned from again.
            if model.alternating != nil, model.positives[item] == 0 { continue }
            model.items.row(item).copy(trained.items.row(item))
            if trained.predictsRatings {
                model.items.row(item).scale(by: Float(ratio))
                model.items.row(item).bias += shift
            }
            if !keepsSteps { model.items.row(item).step = 0 }
            model.items.mark(.unsaved, at: item)
        }
    }

    /// On the queue of each user's shard. A row whose user was forgotten stays empty.
    private func onEachUser(_ body: (UserShard, Int) -> Void) {
        for shard in state.shards {
            shard.queue.sync {
                for local in shard.users.indices where shard.users[local].id != nil { body(shard, local) }
            }
        }
    }
}

extension Row {
    fileprivate func copy(_ other: Row) {
        for lane in indices { self[lane] = other[lane] }
        bias = other.bias
        step = other.step
    }

    /// Biases by `ratio`, and so the product of two rows.
    fileprivate func scale(by ratio: Float) {
        let factor = ratio.squareRoot()
        for lane in indices { self[lane] = factor * self[lane] }
        bias *= ratio
    }
}

extension RatingScale {
    /// What a difference in deviations of this scale is in those of another; 1 where either has none.
    fileprivate func deviationRatio(to other: RatingScale) -> Double {
        deviation > 0 && other.deviation > 0 ? deviation / other.deviation : 1
    }
}
