internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Locking
package import State

/// What came of taking a partition's users in.
package struct TakenIn: Equatable, Sendable {
    package var users = 0
    /// Users, or rows of theirs, whose bytes make no sense.
    package var malformed = 0
    /// Items of users' histories that are not known here, each for each user.
    package var unknownItems = 0
}

// On the engine's queue, between rounds.
extension LearnedState {
    /// Takes in the users of a partition, whom nobody here knows.
    ///
    /// - Parameter rowOfHash: of an item; `nil` where it is not known.
    package func takeIn(_ image: PartitionImage, rowOfHash: (UInt64) -> Int32?) -> TakenIn {
        var outcome = TakenIn()
        for (id, value) in image.users.sorted(by: { $0.key < $1.key }) {
            guard let entity = try? EntityID(id) else {
                outcome.malformed += 1
                continue
            }
            let row = users.intern(entity).row
            guard let moved = try? MovedUser(value, id: id, row: row, rowOfHash: rowOfHash),
                let user = UserState(moved.user, id: entity)
            else {
                _ = users.withLock { $0.remove(entity) }
                outcome.malformed += 1
                continue
            }
            imported[row] = user.lastEvent
            outcome.users += 1
            outcome.unknownItems += moved.unknownItems
            let shard = shard(of: row)
            shard.queue.sync {
                shard.enter(row) { local in
                    shard.users[local] = user
                    shard.users.markUnsaved(local)
                    for (number, model) in models.enumerated() {
                        let bytes = image.rows[model.options.name]?[id]
                        let moved = bytes.flatMap { try? MovedRow($0, rowOfHash: rowOfHash) }
                        if bytes != nil, moved == nil { outcome.malformed += 1 }
                        put(moved, of: entity, model, number, local, shard)
                    }
                }
            }
        }
        return outcome
    }

    /// A row that the changelog does not have is what it is before anything is learned.
    private func put(
        _ moved: MovedRow?, of id: EntityID, _ model: ModelState, _ number: Int, _ local: Int,
        _ shard: UserShard
    ) {
        let table = shard.tables[number]
        switch moved {
        case .factors(let vector, let bias, let step) where vector.count == table.factors:
            guard model.options.learnsRows else { return }
            table.row(local).set(vector: vector, bias: bias)
            table.row(local).step = step
        case .trail(let blob):
            var reader = ByteReader(blob)
            if let trails = shard.trails[number], let trail = UserTrail(&reader, items: stats.count) {
                trails[local] = trail
            }
        default:
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

extension UserState {
    /// As another machine has told of the user; `nil` where that makes no sense.
    fileprivate init?(_ stored: StoredUser, id: EntityID) {
        guard let history = History(blob: stored.history, tallies: stored.tallies),
            let hidden = HiddenItems(blob: stored.hidden), let marks = TimedMarks(blob: stored.marks)
        else { return nil }
        self.init(id: id)
        (self.history, self.hidden, self.marks) = (history, hidden, marks)
        tags = UserTags(TagList(stored.tags, time: stored.tagsAt))
        residualSum = stored.residualSum
        // As many as the history holds here.
        ratings = history.entries.count { $0.kind == .rating }
        nextOrder = UInt32(truncatingIfNeeded: stored.nextOrder)
        lastEvent = stored.lastEvent
    }
}
