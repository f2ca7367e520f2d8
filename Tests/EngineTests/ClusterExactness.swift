import ClusterUsers
import Dispatch
import EngineSupport
import EventLog
import Events
import Histories
import Identities
import Learners
import Locking
import State
import TestSupport
import Testing

@testable import Engine

/// Each user is with one engine, each partition's events are counted once, and every engine's counts of items are those of
/// one that learned all.
func requireExact(_ places: [ClusterPlace], _ events: [Event], _ group: FakeGroup) throws {
    let alone = learned(batches(events, sizes: [500]), smallOptions())
    var owners: [String: Int] = [:]
    var counted: [Int32: Int64] = [:]
    for place in places {
        place.engine.onQueue { state in
            for row in 0..<Int32(state.users.read { $0.rowCount }) {
                guard let user = state.users.read({ $0.id(of: row)?.string }) else { continue }
                #expect(owners.updateValue(place.number, forKey: user) == nil, "\(user) is with two")
                let partition = group.placement.partition(of: Array(user.utf8))
                #expect(group.state.withLock { $0.owners[partition] } == place.number)
                check(user, row, state, alone)
            }
            for (partition, events) in state.partitionEvents ?? [:] {
                counted[partition, default: 0] += events
            }
            for row in 0..<state.stats.count {
                guard let item = state.items.read({ $0.id(of: Int32(row)) }),
                    let other = alone.items.read({ $0.row(of: item) })
                else {
                    Issue.record("an item that was in no event")
                    continue
                }
                let (mine, known) = (state.stats[row], alone.stats[Int(other)])
                #expect(
                    mine.users == known.users && mine.ratings == known.ratings
                        && mine.ratingSum == known.ratingSum,
                    "\(item.string): \(mine) on \(place.number), \(known) alone")
            }
            #expect(state.ratings.count == alone.ratings.count)
        }
    }
    #expect(owners.count == alone.users.read { $0.count })
    #expect(counted == group.ends.filter { $0.value > 0 })
}

/// The history is what it would be elsewhere, by the names of items.
private func check(_ user: String, _ row: Int32, _ state: LearnedState, _ alone: LearnedState) {
    guard let other = alone.users.read({ $0.row(of: id(user)) }) else {
        Issue.record("\(user) was in no event")
        return
    }
    func history(_ state: LearnedState, _ row: Int32) -> [String: Float] {
        let shard = state.shard(of: row)
        let entries = shard.queue.sync { shard.users[shard.local(row)].history.entries }
        return Dictionary(
            uniqueKeysWithValues: entries.map { entry in
                (state.items.read { $0.id(of: entry.item)?.string ?? "?" }, entry.value)
            })
    }
    #expect(history(state, row) == history(alone, other), "\(user)")
}
