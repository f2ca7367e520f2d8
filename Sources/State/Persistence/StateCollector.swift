package import Checkpoints
internal import ContentVectors
internal import Counting
internal import Events
internal import Factors
internal import FeatureMaps
internal import Foundation
internal import Identities
internal import Learners
internal import LiveScores
internal import Locking
internal import Quarantine

/// Copies all that has changed aside at once, and clears the marks. For states that nobody learns into meanwhile;
/// `freeze` gives the same page by page while learning goes on.
extension LearnedState {
    package func collectChanges() -> StateDelta {
        var delta = collectHead()
        var recent = recent.takeChanges()
        while let page = recent.nextPage() { delta.scalars.merge(page) { own, _ in own } }
        collectUsers(into: &delta)
        collectItems(into: &delta)
        return delta
    }

    /// What is small and always complete, and who was forgotten.
    ///
    /// The windows of recent events are not among it.
    ///
    /// - Parameter blocks: whether what models count of items is among it (`FrozenBlocks` has it else).
    func collectHead(withBlocks blocks: Bool = true) -> StateDelta {
        var delta = StateDelta()
        delta.positions = positions
        let priorScalars = takePriorScalars()
        delta.scalars = scalars().merging(takeContent()) { own, _ in own }
            .merging(priorScalars.own) { own, _ in own }
        delta.models = models.enumerated().map { number, model in
            var stored = StoredModel(
                name: model.options.name, learner: model.options.learnerName,
                scalars: [
                    "updates": .integer(Int64(model.updates)), "rejected": .integer(Int64(model.rejected)),
                    "score": .blob(model.score.blob), "health": .blob(model.health.json),
                ].merging(model.alternating?.scalars ?? [:]) { own, _ in own }
                    .merging(counterScalars(of: number, withBlocks: blocks)) { own, _ in own }
                    .merging(priorScalars.models[number] ?? [:]) { own, _ in own })
            if !model.options.learnsRows { stored.scalars[StoredModel.vectors] = .integer(0) }
            stored.obsolete = model.counter?.obsolete ?? []
            return stored
        }
        delta.forgottenUsers = forgotten
        forgotten = []
        (delta.erasures, erasures) = (erasures, [])
        return delta
    }

    package func scalars() -> [String: Scalar] {
        var scalars: [String: Scalar] = [
            "mean.sum": .double(ratings.sum), "mean.count": .integer(ratings.count),
            "mean.squares": .double(ratings.squares),
        ]
        // A JSON object, for people who look into the file.
        if let memory = try? JSONEncoder().encode(logMemory) { scalars["log.memory"] = .blob(memory) }
        scalars["comparison"] = .blob(comparison.blob)
        // As JSON too.
        scalars["default-model"] = .blob(comparison.defaultModel.json)
        if let membership { scalars["cluster"] = .blob(membership) }
        for field in Counters.all {
            scalars["events.\(field.name)"] = .integer(counters[keyPath: field.path])
        }
        return scalars
    }

    private func collectUsers(into delta: inout StateDelta) {
        var factors = models.map(\.emptyFactors)
        for shard in shards {
            shard.queue.sync {
                for local in shard.users.indices where shard.users.mark(local).contains(.unsaved) {
                    if let user = shard.stored(local) { delta.users.append(user) }
                    shard.change(local) { shard.users.clear(.unsaved, at: local) }
                }
                for (model, table) in shard.tables.enumerated() {
                    for row in table.rows(marked: .unsaved) {
                        shard.append(Int(row), model: model, to: &factors[model])
                        table.clear(.both, at: Int(row))
                    }
                }
            }
        }
        delta.userFactors = factors
    }

    private func collectItems(into delta: inout StateDelta) {
        delta.items = changedItems()
        delta.itemFactors = models.map { model in
            var factors = model.emptyFactors
            for row in model.items.rows(marked: .unsaved) {
                factors.append(row, model.items, Int(row))
                factors.popularity.append(model.storedPopularity(of: Int(row)))
                model.items.clear(.unsaved, at: Int(row))
            }
            return factors
        }
    }

    /// Those to be saved; they count as saved from now on.
    private func changedItems() -> [StoredItem] {
        catalogue.read { catalogue in
            items.read { ids in
                var changed: [StoredItem] = []
                for row in 0..<stats.count where stats[row].unsaved {
                    guard let id = ids.id(of: Int32(row)) else { continue }
                    changed.append(
                        StoredItem(
                            row: Int32(row), id: Data(id.string.utf8), stats[row], catalogue.entries[row]))
                    stats[row].unsaved = false
                }
                return changed
            }
        }
    }

    /// Marks all that `delta` holds as unsaved again: it could not be written.
    package func restoreMarks(of delta: StateDelta) {
        forgotten += delta.forgottenUsers
        erasures += delta.erasures
        recent.markUnsaved()
        content?.markUnsaved()
        priors.isUnsaved = priors.isUnsaved || delta.scalars[Self.featureNames] != nil
        for user in delta.users { shard(of: user.row).markUnsaved(user.row) }
        for (model, factors) in delta.userFactors.enumerated() {
            for row in factors.rows { shard(of: row).markUnsaved(row, model: model) }
        }
        for item in delta.items { stats[Int(item.row)].unsaved = true }
        for (model, factors) in delta.itemFactors.enumerated() {
            for row in factors.rows { models[model].items.mark(.unsaved, at: Int(row)) }
        }
    }
}

extension UserShard {
    /// A user forgotten in the meantime stays unmarked: there is nothing left to write.
    fileprivate func markUnsaved(_ row: Int32) {
        queue.sync {
            guard users[local(row)].id != nil else { return }
            change(local(row)) { users.markUnsaved(local(row)) }
        }
    }

    fileprivate func markUnsaved(_ row: Int32, model: Int) {
        queue.sync {
            if users[local(row)].id != nil { tables[model].mark(.unsaved, at: local(row)) }
        }
    }
}
