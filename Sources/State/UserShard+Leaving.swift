internal import Counting
internal import Dispatch
internal import Factors
internal import Locking

// Users who leave memory and come back. On the shard's queue.
extension UserShard {
    /// Whether all that is known of the user stands in the last checkpoint that has ended.
    private func isSaved(_ local: Int) -> Bool {
        guard residence?.isFrozen == true else { return isUnmarked(local, [.unsaved, .waiting]) }
        // What is being written has yet to become durable; and whoever writes it changes the marks under the user's lock.
        return locks.withLock(of: userNumber(local)) {
            isUnmarked(local, [.unsaved, .waiting, .frozen, .rowsFrozen])
        }
    }

    private func isUnmarked(_ local: Int, _ marks: UserColumn.Mark) -> Bool {
        users.mark(local).isDisjoint(with: marks) && tables.allSatisfy { !$0.isMarked(.unsaved, at: local) }
    }

    /// Of users who may leave, the ordinals of their last events.
    func lastEventsOfSaved() -> [Int64] {
        dispatchPrecondition(condition: .onQueue(queue))
        return users.indices.filter { users[$0].isSomebody && isSaved($0) }.map { users[$0].lastEvent }
    }

    /// Users who may leave and were last heard of at `limit` or before leave.
    ///
    /// - Returns: their rows.
    func letLeave(heardOfUpTo limit: Int64, ticket: Int32) -> [Int32] {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let residence else { return [] }
        var left: [Int32] = []
        for local in users.indices
        where users[local].isSomebody && users[local].lastEvent <= limit && isSaved(local) {
            let userNumber = userNumber(local)
            left.append(row(local))
            locks.withLock(of: userNumber) {
                residence.leave(userNumber, ticket: ticket, lastEvent: users[local].lastEvent)
                wipe(local)
            }
        }
        return left
    }

    /// Takes a user back in, to the last bit.
    package func takeBack(_ back: SpilledUsers, _ place: Int) {
        dispatchPrecondition(condition: .onQueue(queue))
        enter(back.rows[place]) { local in
            users[local] = back.users[place]
            for (number, table) in tables.enumerated() where learnsRows[number] {
                table.copyRow(place, of: back.tables[number], to: local)
            }
            for (number, trail) in trails.enumerated() {
                if let trail, let old = back.trails[number] { trail[local] = old[place] }
            }
        }
    }
}
