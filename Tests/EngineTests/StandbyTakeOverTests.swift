import ClusterMembers
import ClusterStandby
import ClusterUsers
import Counting
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import Histories
import Identities
import Locking
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

@Suite("Members that keep copies of others' partitions", .serialized, .ownThread)
struct StandbyTakeOverTests {
    /// All that is known of each user of a member: by name, and by names of items.
    private func told(_ place: ClusterPlace) -> [String: [String]] {
        place.engine.onQueue { state in
            var told: [String: [String]] = [:]
            for row in 0..<Int32(state.users.read { $0.rowCount }) {
                guard let user = state.users.read({ $0.id(of: row)?.string }) else { continue }
                told[user] = words(state, row)
            }
            return told
        }
    }

    private func words(_ state: LearnedState, _ row: Int32) -> [String] {
        let shard = state.shard(of: row)
        func name(_ item: Int32) -> String { state.items.read { $0.id(of: item)?.string ?? "?" } }
        return shard.queue.sync {
            let local = shard.local(row)
            var words = shard.users[local].history.entries.map {
                "\(name($0.item)) \($0.value) \($0.time) \($0.order)"
            }.sorted()
            words.append("\(shard.users[local].residualSum) \(shard.users[local].lastEvent)")
            for (number, model) in state.models.enumerated() {
                if model.options.learnsRows { words.append("\(shard.tables[number].row(local).vector)") }
                if let trail = shard.trails[number]?[local] {
                    words.append("\(trail.events) \(trail.recent.map(name))")
                }
            }
            return words
        }
    }

    private func copies(_ place: ClusterPlace) -> [Int32: Int64] {
        let standby = place.engine.cluster?.standby
        return (standby?.copies.places ?? [:]).compactMapValues { $0.isWhole ? $0.marker?.position : nil }
    }

    /// Until a member has copies of these that are as far as what is committed.
    private func awaitCopies(_ place: ClusterPlace, of partitions: [Int32]) throws {
        try eventually("copies of \(partitions)") {
            let committed = place.group.state.withLock { $0.committed }
            let copies = copies(place)
            return partitions.allSatisfy { copies[$0] != nil && copies[$0] == committed[$0]?.offset }
        }
    }

    /// Two members, of which the first has copies of the second's partitions 1 and 3.
    private func pair(_ group: FakeGroup, events: Int) throws -> [ClusterPlace] {
        group.assign([0: 0, 1: 1, 2: 0, 3: 1])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0, standby: 1) }
        group.feed(ClusterPlace.ratings(events, from: 0))
        try ClusterPlace.settle(places, group)
        return places
    }

    @Test("what comes of a copy is what comes of the changelog, and of that only the end is read")
    func same() throws {
        let group = FakeGroup(partitions: 4)
        let places = try pair(group, events: 400)
        try awaitCopies(places[0], of: [1, 3])
        let before = told(places[1])
        #expect(!before.isEmpty)
        group.state.withLock { $0.usersRead = [:] }
        places[1].die(.afterCommits)
        group.assign([0: 0, 1: 0, 2: 0, 3: 0], dead: 1)
        try ClusterPlace.settle([places[0]], group)
        try eventually("the first has all") { places[0].engine.cluster?.view.answered == 4 }
        try eventually("all users") { told(places[0]).count { before[$0.key] != nil } == before.count }
        let fromCopy = told(places[0]).filter { before[$0.key] != nil }
        #expect(fromCopy == before)
        let (read, ends) = group.state.withLock { ($0.usersRead, $0.users.map(\.count)) }
        for partition in [Int32(1), 3] {
            let start = try #require(read[partition]?.last ?? nil)
            // One marker and what came behind it.
            #expect(start > 0 && Int(start) >= ends[Int(partition)] / 2)
        }
        #expect(places[0].status["cluster.standby.takeovers"] == "2")

        // A third, without copies, has to read all.
        let third = try ClusterPlace(group, number: 2)
        places[0].die(.afterCommits)
        group.assign([0: 2, 1: 2, 2: 2, 3: 2], dead: 0)
        try ClusterPlace.settle([third], group)
        try eventually("the third has all") {
            third.engine.cluster?.view.partitions == 4 && told(third).count == 60
        }
        #expect(told(third).filter { before[$0.key] != nil } == before)
        #expect(group.state.withLock { $0.usersRead[1]?.last } == .some(nil))
        for place in places + [third] { try? place.engine.stop() }
    }

    @Test("says which partitions it stands by for, how far behind it is, and hears the same of others")
    func seeing() throws {
        let group = FakeGroup(partitions: 4)
        let places = try pair(group, events: 200)
        try awaitCopies(places[0], of: [1, 3])
        try awaitCopies(places[1], of: [0, 2])
        let mine = places[0].status
        #expect(mine["cluster.standby"] == "1 3" && mine["cluster.standby.ready"] == "2")
        #expect(mine["cluster.standby.1.lag-events"] == "0" && mine["cluster.standby.error"] == "")
        #expect(Int(mine["cluster.standby.bytes"] ?? "0") ?? 0 > 0)
        let other = String(places[1].engine.cluster?.member ?? 0, radix: 16)
        try eventually("the other's copies are heard of") {
            places[0].status["cluster.peer.\(other).standby"] == "0 2"
        }
        for place in places { try? place.engine.stop() }
    }

    @Test("a copy that lags far behind, and one that is killed with its member, cost time and nothing else")
    func lagging() throws {
        let group = FakeGroup(partitions: 4)
        // Records of a partition at a time: the copy is never whole.
        group.state.withLock { $0.followedAtOnce = 1 }
        let places = try pair(group, events: 400)
        try eventually("a copy has begun") {
            places[0].engine.cluster?.standby?.copies.places[1]?.next ?? 0 > 0
        }
        places[0].die(.afterCommits)
        try places[0].startAgain()
        try ClusterPlace.settle(places, group)
        let before = told(places[1])
        places[1].die(.betweenCommits)
        group.assign([0: 0, 1: 0, 2: 0, 3: 0], dead: 1)
        group.feed(ClusterPlace.ratings(40, from: 400))
        try ClusterPlace.settle([places[0]], group)
        let after = told(places[0])
        #expect(Set(before.keys).isSubset(of: after.keys) && after.count == 60)
        let events = ClusterPlace.ratings(400, from: 0) + ClusterPlace.ratings(40, from: 400)
        let alone = learned(batches(events, sizes: [500]), smallOptions())
        for (user, words) in after {
            let row = try #require(alone.users.read { $0.row(of: id(user)) })
            let shard = alone.shard(of: row)
            let count = shard.queue.sync { shard.users[shard.local(row)].history.entries.count }
            #expect(words.count { $0.hasPrefix("i") } == count, "\(user)")
        }
        for place in places { try? place.engine.stop() }
    }

    @Test("a copy of a changelog that was begun anew is worth nothing: who is not in the new one is nobody")
    func generations() throws {
        let group = FakeGroup(partitions: 4)
        let places = try pair(group, events: 400)
        try awaitCopies(places[0], of: [1, 3])
        let before = told(places[1])
        places[1].die(.beforeCommit)
        let gone = try #require(
            before.keys.sorted().first { group.placement.partition(of: Array($0.utf8)) == 1 })
        // As long as it was, and at the same position, so that neither says anything.
        try group.state.withLock { state in
            for place in state.users[1].indices {
                let key = state.users[1][place].key
                if key.count > 1, String(decoding: key, as: UTF8.self).hasSuffix(gone) {
                    state.users[1][place].value = nil
                }
                guard key == Array("k".utf8), let value = state.users[1][place].value else { continue }
                var marker = try #require(PartitionMarker(value))
                marker.changelog = 99
                state.users[1][place].value = Array(try JSONEncoder().encode(marker))
            }
            state.committed[1]?.changelog = 99
        }
        group.assign([0: 0, 1: 0, 2: 0, 3: 0], dead: 1)
        try ClusterPlace.settle([places[0]], group)
        try eventually("the first has all") { places[0].engine.cluster?.view.answered == 4 }
        // Not by who says that they answer: the dead one has said so too.
        try eventually("all users") {
            told(places[0]).count { before[$0.key] != nil } == before.count - 1
        }
        let after = told(places[0])
        #expect(after[gone] == nil)
        #expect(before.filter { $0.key != gone } == after.filter { before[$0.key] != nil })
        for place in places { try? place.engine.stop() }
    }

    @Test(
        "partitions go to and fro, with copies of whoever had them before; nothing is lost, and nobody has them twice"
    )
    func moving() throws {
        let group = FakeGroup(partitions: 4)
        let places = try pair(group, events: 200)
        var fed = 200
        for round in 0..<4 {
            try awaitCopies(places[0], of: round % 2 == 0 ? [1, 3] : [0, 2])
            group.assign(round % 2 == 0 ? [0: 1, 1: 0, 2: 1, 3: 0] : [0: 0, 1: 1, 2: 0, 3: 1])
            group.feed(ClusterPlace.ratings(50, from: fed))
            fed += 50
            try ClusterPlace.settle(places, group)
        }
        let (first, second) = (told(places[0]), told(places[1]))
        #expect(Set(first.keys).isDisjoint(with: second.keys) && first.count + second.count == 60)
        let counted = places.reduce(into: [Int32: Int64]()) { counted, place in
            counted.merge(place.engine.onQueue { $0.partitionEvents ?? [:] }) { $0 + $1 }
        }
        #expect(counted == group.ends)
        #expect(places[0].status["cluster.standby.takeovers"] == "8")
        for place in places { try? place.engine.stop() }
    }
}
