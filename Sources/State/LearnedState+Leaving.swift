package import Checkpoints
internal import Counting
internal import Dispatch
internal import Events
internal import Factors
internal import Foundation
internal import Identities
internal import Learners
internal import Locking

/// A set of rows, a bit each.
package struct RowSet: Sendable {
    private var words: [UInt64] = []
    package private(set) var count = 0

    package init() {}

    package var bytes: Int { words.capacity * MemoryLayout<UInt64>.stride }

    package func contains(_ row: Int32) -> Bool {
        let word = Int(row) >> 6
        return word < words.count && words[word] >> UInt64(row & 63) & 1 != 0
    }

    package mutating func insert(_ row: Int32) {
        let word = Int(row) >> 6
        if word >= words.count {
            words += Array(repeating: 0, count: max(word + 1 - words.count, words.count / 2))
        }
        if !contains(row) { count += 1 }
        words[word] |= 1 << UInt64(row & 63)
    }

    /// False if it was not in the set.
    @discardableResult
    package mutating func remove(_ row: Int32) -> Bool {
        guard contains(row) else { return false }
        words[Int(row) >> 6] &= ~(1 << UInt64(row & 63))
        count -= 1
        return true
    }
}

/// A user with all that is known of one, in memory or read for the purpose, for the length of one call.
struct WholeUser {
    let user: UserState
    let tables: [FactorTable]
    let trails: [RowColumn<UserTrail>?]
    /// The place in these.
    let local: Int
    let longTerm: [FactorTable?]
    let userNumber: Int
}

// Who is in memory, and who is not. All on the engine's queue, between rounds. What a state is, its digest too, does not
// depend on it.
extension LearnedState {
    /// Users in memory.
    package var residentCount: Int {
        guard options.usersMayLeave else { return users.read { $0.count } }
        return shards.reduce(0) { $0 + ($1.residence?.residents ?? 0) }
    }

    /// Has about `count` users leave: those heard of least recently of all whom the last checkpoint has as they are.
    ///
    /// - Returns: how many did.
    package func letLeave(_ count: Int) -> Int {
        guard options.usersMayLeave, count > 0 else { return 0 }
        var lastEvents = shards.flatMap { shard in shard.queue.sync { shard.lastEventsOfSaved() } }
        guard !lastEvents.isEmpty else { return 0 }
        lastEvents.select(count - 1)
        let limit = lastEvents.count <= count ? .max : lastEvents[count - 1]
        spill?.itemCount = stats.count
        ticket &+= 1
        if ticket >= Int32.max - 2 { ticket = 0 }
        var left = 0
        for shard in shards {
            let rows = shard.queue.sync { shard.letLeave(heardOfUpTo: limit, ticket: ticket) }
            for row in rows { away.insert(row) }
            left += rows.count
        }
        spill?.count(left: left)
        return left
    }

    /// Those of the rows whose users are away, ascending; they count as back from now on.
    package func takeAway(of rows: some Sequence<Int32>) -> [Int32] {
        guard away.count > 0 else { return [] }
        var found: [Int32] = []
        for row in rows where away.remove(row) { found.append(row) }
        return found.sorted()
    }

    /// They could not be read, and are away as before.
    package func putAway(_ rows: [Int32]) {
        for row in rows { away.insert(row) }
    }

    /// Has users in memory who are about to be read or changed by their rows.
    package func bringBack(_ rows: some Sequence<Int32>) {
        let wanted = takeAway(of: rows)
        guard !wanted.isEmpty else { return }
        takeBack(readPatiently(wanted))
    }

    package func takeBack(_ back: SpilledUsers) {
        for shard in shards {
            shard.queue.sync {
                for (place, row) in back.rows.enumerated() where Int(row) % shards.count == shard.number {
                    shard.takeBack(back, place)
                }
            }
        }
        spill?.count(cameBack: back.rows.count)
    }

    /// Users who are away, as they come back.
    package func readBack(_ rows: [Int32]) throws(StateError) -> SpilledUsers {
        guard let spill else { preconditionFailure("users left memory, and nobody says where to") }
        let read = try spill.read(rows)
        let stranger = users.read { ids in
            zip(rows, read.users).first { ids.id(of: $0) != $1.id }?.0
        }
        if let stranger {
            throw StateError(.damaged, "users row \(stranger) of the state file is somebody else's")
        }
        return read
    }

    /// Where there is no going on without them: waits for a disk that does not answer.
    func readPatiently(_ rows: [Int32]) -> SpilledUsers {
        while true {
            do throws(StateError) {
                return try readBack(rows)
            } catch {
                // Whoever made the store has been told.
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    /// Calls `body` with each user, in the order of rows, so that the number of shards does not matter.
    func forEachUser(_ body: (Int32, WholeUser?) -> Void) {
        let rowCount = Int32(users.read { $0.rowCount })
        let perRead: Int32 = 1_024
        for start in stride(from: 0, to: rowCount, by: Int(perRead)) {
            let rows = start..<min(rowCount, start + perRead)
            let missing = rows.filter { away.contains($0) }
            let read = missing.isEmpty ? nil : readPatiently(missing)
            var next = 0
            for row in rows {
                guard let read, next < missing.count, missing[next] == row else {
                    withResident(row, body)
                    continue
                }
                body(row, whole(read, next))
                next += 1
            }
        }
    }

    private func whole(_ read: SpilledUsers, _ place: Int) -> WholeUser {
        let shard = shard(of: read.rows[place])
        return WholeUser(
            user: read.users[place], tables: read.tables, trails: read.trails, local: place,
            longTerm: shard.longTerm, userNumber: shard.userNumber(ofRow: read.rows[place]))
    }

    private func withResident(_ row: Int32, _ body: (Int32, WholeUser?) -> Void) {
        let shard = shard(of: row)
        shard.queue.sync {
            let local = shard.local(row)
            guard local >= 0, local < shard.users.count, shard.users[local].isSomebody else {
                return body(row, nil)
            }
            body(
                row,
                WholeUser(
                    user: shard.users[local], tables: shard.tables, trails: shard.trails, local: local,
                    longTerm: shard.longTerm, userNumber: shard.userNumber(ofRow: row)))
        }
    }
}
