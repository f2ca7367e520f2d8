package import Checkpoints
internal import Events
internal import Factors
internal import Foundation
internal import Locking

/// Copies what has changed aside, and clears the marks. Runs on the engine's queue between batches: learning pauses
/// for as long as this takes, not for the disk.
extension LearnedState {
    package func collectChanges() -> StateDelta {
        var delta = StateDelta()
        delta.positions = positions
        delta.scalars = scalars().merging(recent.takeChanges()) { own, _ in own }
        delta.models = models.map { model in
            StoredModel(
                name: model.options.name, learner: model.options.learnerName,
                scalars: [
                    "updates": .integer(Int64(model.updates)), "rejected": .integer(Int64(model.rejected)),
                    "score": .blob(model.score.blob),
                ].merging(model.alternating?.scalars ?? [:]) { own, _ in own })
        }
        delta.forgottenUsers = forgotten
        forgotten = []
        collectUsers(into: &delta)
        collectItems(into: &delta)
        return delta
    }

    package func scalars() -> [String: Scalar] {
        var scalars: [String: Scalar] = ["mean.sum": .double(ratingSum), "mean.count": .integer(ratings)]
        // A JSON object, for people who look into the file.
        if let memory = try? JSONEncoder().encode(logMemory) { scalars["log.memory"] = .blob(memory) }
        for field in Counters.all {
            scalars["events.\(field.name)"] = .integer(counters[keyPath: field.path])
        }
        return scalars
    }

    private func collectUsers(into delta: inout StateDelta) {
        var factors = models.map { StoredFactors(model: $0.options.name, factors: options.factors) }
        for shard in shards {
            shard.queue.sync {
                for local in shard.users.indices where shard.users[local].unsaved {
                    guard let id = shard.users[local].id else { continue }
                    let user = shard.users[local]
                    delta.users.append(
                        StoredUser(
                            row: shard.row(local), id: Data(id.string.utf8), history: user.history.blob,
                            residualSum: user.residualSum, ratings: Int64(user.ratings),
                            nextOrder: Int64(user.nextOrder), lastEvent: user.lastEvent,
                            hidden: user.hidden.blob, marks: user.marks.blob))
                    shard.change(local) { shard.users[local].unsaved = false }
                }
                for (model, table) in shard.tables.enumerated() {
                    for row in table.rows(marked: .unsaved) {
                        factors[model].append(shard.row(Int(row)), table, Int(row))
                        shard.longTerm[model]?.appendVector(Int(row), to: &factors[model].longTerm)
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
            var factors = StoredFactors(model: model.options.name, factors: options.factors)
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
                    let entry = catalogue.entries[row]
                    var item = StoredItem(
                        row: Int32(row), id: Data(id.string.utf8), title: entry.title.map { Data($0.utf8) },
                        tags: entry.tags, available: entry.available, users: Int64(stats[row].users),
                        ratings: Int64(stats[row].ratings), ratingSum: stats[row].ratingSum,
                        lastEvent: stats[row].lastEvent)
                    item.titleAt = entry.times.title
                    item.tagsAt = entry.times.tags
                    item.availableAt = entry.times.available
                    changed.append(item)
                    stats[row].unsaved = false
                }
                return changed
            }
        }
    }

    /// Marks all that `delta` holds as unsaved again: it could not be written.
    package func restoreMarks(of delta: StateDelta) {
        forgotten += delta.forgottenUsers
        recent.markUnsaved()
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
            change(local(row)) { users[local(row)].unsaved = true }
        }
    }

    fileprivate func markUnsaved(_ row: Int32, model: Int) {
        queue.sync {
            if users[local(row)].id != nil { tables[model].mark(.unsaved, at: local(row)) }
        }
    }
}

extension StoredFactors {
    fileprivate mutating func append(
        _ number: Int32, _ table: FactorTable, _ row: Int
    ) {
        rows.append(number)
        table.appendVector(row, to: &vectors)
        biases.append(table.bias(row))
        steps.append(table.step(row))
    }
}
