import ClusterUsers
import Dispatch
import EngineSupport
import EventLog
import Events
import Histories
import Identities
import Learners
import Locking
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

/// The topic that says what is known of users, deleted and made anew beneath its members.
@Suite("A topic of users made anew", .serialized, .ownThread)
struct ClusterTopicAnewTests {
    private let group = FakeGroup(partitions: 2)

    /// Histories as one engine has them that learned all.
    private func requireWhole(_ place: ClusterPlace, _ events: [Event]) {
        let alone = learned(batches(events, sizes: [500]), smallOptions())
        func histories(_ state: LearnedState) -> [String: [String]] {
            var found: [String: [String]] = [:]
            for row in 0..<Int32(state.users.read { $0.rowCount }) {
                guard let user = state.users.read({ $0.id(of: row)?.string }) else { continue }
                let shard = state.shard(of: row)
                let entries = shard.queue.sync { shard.users[shard.local(row)].history.entries }
                found[user] =
                    entries.map { entry in
                        let item = state.items.read { $0.id(of: entry.item)?.string ?? "?" }
                        return "\(item)=\(entry.value)"
                    }.sorted()
            }
            return found
        }
        #expect(place.engine.onQueue { histories($0) } == histories(alone))
        #expect(place.engine.onQueue { $0.ratings.count } == alone.ratings.count)
    }

    @Test("is noticed with the next commit, and all that is known is told again")
    func toldAgain() throws {
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(400, behind: &events)
        try ClusterPlace.settle(places, group)
        group.recreateUsers()
        // Of one user, of one partition; the other one has nothing to tell.
        let user = try #require((0..<60).first { group.placement.partition(of: Array("u\($0)".utf8)) == 0 })
        let last = Event(.rating(user: id("u\(user)"), item: id("i1"), value: 3), time: 1_000_000)
        events.append(last)
        group.feed([last])
        try ClusterPlace.settle(places, group)
        try eventually("it says so") { places[0].status["cluster.told-anew"] == "1" }
        #expect(places[0].failures.withLock { $0.isEmpty })
        places[0].die(.afterCommits)
        group.assign([0: 1, 1: 1], dead: 0)
        group.feed(20, behind: &events)
        try ClusterPlace.settle([places[1]], group)
        requireWhole(places[1], events)
    }

    @Test("is noticed by a member that was away meanwhile")
    func restarted() throws {
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(400, behind: &events)
        try ClusterPlace.settle(places, group)
        places[0].die(.afterCommits)
        group.recreateUsers()
        try places[0].startAgain()
        group.feed(5, behind: &events)
        try ClusterPlace.settle(places, group)
        group.assign([0: 1, 1: 1])
        group.feed(20, behind: &events)
        try ClusterPlace.settle(places, group)
        requireWhole(places[1], events)
    }

    /// It began the partition at the log's beginning, without a word, and learned all of it a second time. And who was started again
    /// beside the others gave up what the group had given to somebody who could not take it over.
    @Test(
        "with nobody left who knows the users, a partition is not taken over, and its last owner's file brings them back",
        arguments: [true, false])
    func missing(isAlone: Bool) throws {
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map {
            try ClusterPlace(group, number: $0, patience: .milliseconds(50))
        }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(400, behind: &events)
        try ClusterPlace.settle(places, group)
        places[0].die(.afterCommits)
        group.recreateUsers()
        group.assign([0: 1, 1: 1], dead: 0)
        try eventually("it says what is missing") {
            places[1].status["cluster.partitions.missing"] == "0 1"
        }
        #expect(places[1].status["cluster.partitions"] == "")
        #expect(places[1].engine.onQueue { $0.users.read { $0.count } } == 0)
        #expect(places[1].failures.withLock { $0.isEmpty })
        if isAlone {
            group.assign([0: 0, 1: 0])
            try places[0].startAgain()
        } else {
            group.assign([0: 0, 1: 1])
            try places[0].startAgain()
            try eventually("it has the one") { places[0].status["cluster.partitions"] == "0" }
            try places[0].engine.checkpointNow()
            group.assign([0: 0, 1: 0])
        }
        group.feed(5, behind: &events)
        try ClusterPlace.settle(places, group)
        group.assign([0: 1, 1: 1])
        group.feed(20, behind: &events)
        try ClusterPlace.settle(places, group)
        requireWhole(places[1], events)
        #expect(places[1].status["cluster.partitions.missing"] == "")
    }

    @Test(
        "is done without where source.on-gap says skip, from where it was committed, and no event counts twice"
    )
    func skipped() throws {
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map {
            try ClusterPlace(group, number: $0, patience: .milliseconds(50), onGap: .skip)
        }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(400, behind: &events)
        try ClusterPlace.settle(places, group)
        places[0].die(.afterCommits)
        group.recreateUsers()
        group.assign([0: 1, 1: 1], dead: 0)
        group.feed(40, behind: &events)
        try ClusterPlace.settle([places[1]], group)
        let alone = learned(batches(events, sizes: [500]), smallOptions())
        #expect(places[1].engine.onQueue { $0.ratings.count } == alone.ratings.count)
        let last = Set(
            events.suffix(40).compactMap { event in
                if case .rating(let user, _, _) = event.kind { user } else { nil }
            })
        #expect(places[1].engine.onQueue { $0.users.read { $0.count } } == last.count)
    }
}
