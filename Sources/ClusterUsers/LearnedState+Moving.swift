internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Locking
package import State

// On the engine's queue, between rounds.
extension LearnedState {
    /// What has to be known of this state to make users ready for it.
    package var arrivals: ArrivalRules { ArrivalRules(models: models.map(\.options), of: options) }

    /// Takes in the users of a partition, whom nobody here knows.
    package func takeIn(_ arrived: [ArrivedUsers]) -> TakenIn {
        var outcome = TakenIn()
        for part in arrived {
            outcome.add(part.outcome)
            for user in part.users { enter(user) }
        }
        return outcome
    }

    private func enter(_ user: ArrivedUser) {
        let row = users.intern(user.id).row
        imported[row] = user.state.lastEvent
        let shard = shard(of: row)
        shard.queue.sync {
            shard.enter(row) { local in
                shard.users[local] = user.state
                shard.users.markUnsaved(local)
                for (number, model) in models.enumerated() {
                    put(user.rows[number], of: user.id, model, number, local, shard)
                }
            }
        }
    }

    /// A row that the changelog does not have is what it is before anything is learned.
    private func put(
        _ moved: ArrivedRow?, of id: EntityID, _ model: ModelState, _ number: Int, _ local: Int,
        _ shard: UserShard
    ) {
        let table = shard.tables[number]
        switch moved {
        case .factors(let vector, let bias, let step):
            guard model.options.learnsRows else { return }
            table.row(local).set(vector: vector, bias: bias)
            table.row(local).step = step
        case .trail(let trail):
            if let trails = shard.trails[number] { trails[local] = trail }
        case nil:
            guard model.options.learnsRows else { return }
            model.initialise(table.row(local), id: id.string.utf8)
        }
        if model.options.learnsRows || shard.trails[number] != nil { table.markChanged(local) }
    }

    /// Lets go of the users of these partitions: another machine has them. What they have taught of items stays, and what
    /// is counted of items too: that is of all machines.
    ///
    /// - Returns: how many.
    @discardableResult
    package func letGo(of partitions: Set<Int32>, _ placement: UserPlacement) -> Int {
        let leaving = users.read { ids in
            (0..<Int32(ids.rowCount)).compactMap { row -> (EntityID, Int32)? in
                guard let id = ids.id(of: row) else { return nil }
                return partitions.contains(placement.partition(of: Array(id.string.utf8))) ? (id, row) : nil
            }
        }
        for (id, row) in leaving {
            _ = users.withLock { $0.remove(id) }
            let shard = shard(of: row)
            shard.queue.sync { shard.erase(row) }
            forgotten.append(row)
            imported[row] = nil
        }
        for partition in partitions {
            positions[partition] = nil
            partitionEvents?[partition] = nil
            recent.remove(partition)
            logMemory.forget(partition)
        }
        return leaving.count
    }

    /// All that is known of the users of these partitions is to be said anew.
    package func sayAgain(_ partitions: Set<Int32>, _ placement: UserPlacement) {
        recent.markUnsaved()
        let rows = users.read { ids in
            (0..<Int32(ids.rowCount)).filter { row in
                guard let id = ids.id(of: row) else { return false }
                return partitions.contains(placement.partition(of: Array(id.string.utf8)))
            }
        }
        for row in rows {
            let shard = shard(of: row)
            shard.queue.sync {
                let local = shard.local(row)
                shard.change(local) {
                    shard.users.markUnsaved(local)
                    for (number, model) in models.enumerated()
                    where model.options.learnsRows || shard.trails[number] != nil {
                        shard.tables[number].mark(.unsaved, at: local)
                    }
                }
            }
        }
    }
}
