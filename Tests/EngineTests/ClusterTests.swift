import Checkpoints
import ClusterMembers
import ClusterUsers
import Dispatch
import EngineSupport
import EventLog
import Events
import Foundation
import Histories
import Identities
import Learners
import LiveScores
import Locking
import Logging
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

@Suite("Several engines that learn one log", .serialized, .ownThread)
struct ClusterTests {
    @Test("killed in turn at each place between two commits: no event is lost, and none counts twice")
    func kills() throws {
        let group = FakeGroup(partitions: 6)
        func share(_ numbers: [Int], dead: Int? = nil) {
            group.assign(
                Dictionary(uniqueKeysWithValues: (0..<6).map { (Int32($0), numbers[$0 % numbers.count]) }),
                dead: dead)
        }
        share([0, 1, 2])
        let places = try (0..<3).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        for (round, how) in (Death.allCases + Death.allCases).enumerated() {
            let more = ClusterPlace.ratings(150, from: events.count)
            events += more
            group.feed(more)
            let victim = places[round % 3]
            if round % 2 == 0 { try ClusterPlace.settle(places, group) }
            victim.die(how)
            share((0..<3).filter { $0 != victim.number }, dead: victim.number)
            let further = ClusterPlace.ratings(60, from: events.count)
            events += further
            group.feed(further)
            try ClusterPlace.settle(places.filter { $0.number != victim.number }, group)
            try victim.startAgain()
            share([0, 1, 2])
        }
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
    }

    @Test("a stop and a start in between move nobody, and a member that stays away is replaced")
    func stops() throws {
        let group = FakeGroup(partitions: 4)
        group.assign([0: 0, 1: 1, 2: 0, 3: 1])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        let events = ClusterPlace.ratings(300, from: 0)
        group.feed(events)
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
        try places[0].engine.stop()
        group.state.withLock { $0.usersRead = [:] }
        try places[0].startAgain()
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
        #expect(places[0].engine.cluster?.shared.withLock { $0.report.usersIn } == 0)
        // Nor is anything read again of what the file has.
        #expect(group.state.withLock { $0.usersRead.isEmpty })
        try places[0].engine.stop()
        group.assign([0: 1, 1: 1, 2: 1, 3: 1])
        let more = ClusterPlace.ratings(100, from: events.count)
        group.feed(more)
        try ClusterPlace.settle([places[1]], group)
        try requireExact([places[1]], events + more, group)
        try places[1].engine.stop()
    }

    /// Its file had none of what had come with the partition, and after a restart those before could be learned twice. Nor could
    /// anybody see that a topic was made anew while its partition was on its way.
    @Test("what is remembered of a partition's last events comes with it, and stays over a restart")
    func remembered() throws {
        let group = FakeGroup(partitions: 1)
        group.assign([0: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        // More than one block of those that a checkpoint writes.
        var events = ClusterPlace.ratings(6_000, from: 0)
        group.feed(events)
        try ClusterPlace.settle(places, group)
        let memory = places[0].engine.logMemory
        #expect(memory.last[0]?.offset == 5_999)
        group.assign([0: 1])
        let more = ClusterPlace.ratings(20, from: events.count)
        events += more
        group.feed(more)
        try ClusterPlace.settle(places, group)
        #expect(places[1].engine.logMemory.anchors[0] == memory.anchors[0])
        #expect(places[1].engine.logMemory.last[0]?.offset == 6_019)
        try places[1].startAgain()
        // The oldest, and the newest of before it had the partition: each comes again.
        let again = Array(events[..<10] + events[5_980..<6_000])
        group.feed(again)
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
        #expect(places[1].engine.onQueue { $0.counters.duplicates } >= 30)
    }

    /// Its file kept the position of a partition that it had given up, and that hid how far the others are: a look-up that waited
    /// for an event of theirs waited in vain.
    @Test("after a restart a partition that was given up is where its owner says")
    func positionsOfOthers() throws {
        let group = FakeGroup(partitions: 2)
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        func learn() throws {
            let more = ClusterPlace.ratings(80, from: events.count)
            events += more
            group.feed(more)
            try ClusterPlace.settle(places, group)
        }
        try learn()
        group.assign([0: 0, 1: 1])
        try learn()
        try places[0].startAgain()
        try learn()
        let end = try #require(group.ends[1])
        try eventually("it sees what the other has learned") {
            let own = places[0].engine.onQueue { $0.positions }
            return places[0].engine.cluster?.visible(beside: own)[1] == end
        }
        try requireExact(places, events, group)
    }

    /// It ended with an error that no service manager starts again, and a stop with that of a full disk.
    @Test(
        "a member that an outage meets is stopped in order, and what it had not committed is learned once",
        arguments: [true, false])
    func outage(isStopped: Bool) throws {
        let group = FakeGroup(partitions: 2)
        group.assign([0: 0, 1: 0])
        let place = try ClusterPlace(group, number: 0)
        var events = ClusterPlace.ratings(100, from: 0)
        group.feed(events)
        try ClusterPlace.settle([place], group)
        place.member.cut(true)
        let more = ClusterPlace.ratings(50, from: events.count)
        events += more
        group.feed(more)
        try eventually("all is learned") {
            place.engine.onQueue { state in
                group.ends.allSatisfy { state.positions[$0.key] == $0.value }
            }
        }
        if isStopped {
            try place.engine.stop()
            #expect(place.failures.withLock { $0 }.isEmpty)
        } else {
            // Given to somebody else, as the group does with whom it has not heard of.
            group.assign([:])
            try eventually("it knows that it may not go on") {
                place.engine.cluster?.shared.withLock { $0.failure } != nil
            }
            // In vain as long as nobody answers; meanwhile look-ups are answered.
            #expect(place.failures.withLock { $0 }.isEmpty)
            #expect(try !place.engine.recommend(RecommendQuery(user: id("u1"), count: 1)).isEmpty)
            place.member.cut(false)
            try eventually("it wants to be started again") {
                place.failures.withLock { $0.map(\.code) } == [.mustRestart]
            }
        }
        group.assign([0: 0, 1: 0])
        try place.startAgain()
        try ClusterPlace.settle([place], group)
        try requireExact([place], events, group)
        try place.engine.stop()
    }

    @Test(
        "what an outage takes from a member it answers for until it is known who has it, and then goes on with as if nothing had been"
    )
    func lending() throws {
        let group = FakeGroup(partitions: 2)
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events = ClusterPlace.ratings(100, from: 0)
        group.feed(events)
        try ClusterPlace.settle(places, group)
        let users = (0..<60).map { "u\($0)" }.filter { name in events.contains { $0.key.string == name } }
        func isAnswered() -> Bool {
            users.allSatisfy { user in
                places[0].engine.directory?.place(ofUser: Array(user.utf8)) == .here
                    && (try? places[0].engine.recommend(RecommendQuery(user: id(user), count: 1)))?.isEmpty
                        == false
            }
        }
        func loseAll() throws {
            places[0].member.cut(true)
            group.assign([:])
            try eventually("it lends what it has lost") {
                places[0].engine.cluster?.shared.withLock { $0.lent.count } == 2
            }
            #expect(isAnswered())
            #expect(places[0].engine.cluster?.view.answered == 2)
        }
        // Given to the same again.
        try loseAll()
        group.state.withLock { $0.usersRead = [:] }
        places[0].member.cut(false)
        group.assign([0: 0, 1: 0])
        let more = ClusterPlace.ratings(50, from: events.count)
        events += more
        group.feed(more)
        try ClusterPlace.settle(places, group)
        #expect(group.state.withLock { $0.usersRead.isEmpty })
        #expect(places[0].engine.cluster?.shared.withLock { $0.lent.isEmpty } == true)
        try requireExact(places, events, group)
        // To somebody else, and back.
        for owner in [1, 0] {
            if owner == 1 { try loseAll() }
            places[0].member.cut(false)
            group.assign([0: owner, 1: owner])
            let more = ClusterPlace.ratings(50, from: events.count)
            events += more
            group.feed(more)
            try ClusterPlace.settle(places, group)
            try eventually("it lends nothing more") {
                places[0].engine.cluster?.shared.withLock { $0.lent.isEmpty } == true
            }
            try requireExact(places, events, group)
        }
        #expect(places.allSatisfy { place in place.failures.withLock { $0.isEmpty } })
    }

    /// Else the partition would be gone on with, and nobody in it.
    @Test("what is given up while it is taken over from the file is read from the changelog")
    func givenUpMeanwhile() throws {
        let group = FakeGroup(partitions: 1)
        group.assign([0: 0])
        let place = try ClusterPlace(group, number: 0)
        defer { try? place.engine.stop() }
        var events = ClusterPlace.ratings(100, from: 0)
        group.feed(events)
        try ClusterPlace.settle([place], group)
        let cluster = try #require(place.engine.cluster)
        place.member.cut(true)
        group.assign([:])
        try eventually("it lends what it has lost") { cluster.shared.withLock { $0.lent == [0] } }
        // Asked the first time before it is looked what the file has, and the second time behind that.
        let engine = place.engine
        place.member.whenAsked.withLock { [member = place.member] first in
            first = {
                member.whenAsked.withLock { second in
                    second = { engine.queue.sync { engine.takeBack([0], cluster) } }
                }
            }
        }
        place.member.cut(false)
        group.assign([0: 0])
        let more = ClusterPlace.ratings(50, from: events.count)
        events += more
        group.feed(more)
        try ClusterPlace.settle([place], group)
        #expect(place.member.whenAsked.withLock { $0 == nil })
        try requireExact([place], events, group)
    }

    @Test("started in an outage, a member answers for those in its file until it is known who has them")
    func startedInOutage() throws {
        let group = FakeGroup(partitions: 2)
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        func learn(by owner: Int, dead: Int? = nil) throws {
            group.assign([0: owner, 1: owner], dead: dead)
            let more = ClusterPlace.ratings(80, from: events.count)
            events += more
            group.feed(more)
            try ClusterPlace.settle(places.filter { $0.number != dead }, group)
        }
        func place(of user: String) -> UserPlace? {
            places[0].engine.directory?.place(ofUser: Array(user.utf8))
        }
        try learn(by: 0)
        let users = Set(events.map(\.key.string)).sorted()
        func startInOutage() throws {
            try places[0].startAgain(isCut: true)
            #expect(places[0].engine.cluster?.shared.withLock { $0.owned } == [])
            try eventually("it answers from its file") {
                places[0].engine.cluster?.view.answered == 2
            }
            for user in users {
                #expect(place(of: user) == .here)
                let list = try places[0].engine.recommend(RecommendQuery(user: id(user), count: 1))
                #expect(!list.isEmpty)
            }
        }
        // Nobody had them meanwhile: nothing is read.
        try startInOutage()
        group.state.withLock { $0.usersRead = [:] }
        places[0].member.cut(false)
        try learn(by: 0)
        #expect(group.state.withLock { $0.usersRead.isEmpty })
        #expect(places[0].engine.cluster?.shared.withLock { $0.lent.isEmpty } == true)
        try requireExact(places, events, group)
        // Somebody else has them by now, which it hears of once it can.
        places[0].die(.afterCommits)
        try learn(by: 1, dead: 0)
        try startInOutage()
        places[0].member.cut(false)
        try eventually("it knows who has them") {
            users.allSatisfy { place(of: $0) == .at(address: "/run/1") }
        }
        // From then on it has nothing more of them.
        for owner in [1, 0] {
            try learn(by: owner)
            try requireExact(places, events, group)
        }
        #expect(places.allSatisfy { place in place.failures.withLock { $0.isEmpty } })
    }

    @Test("a member whose partitions are another's commits nothing more, and says so")
    func fencing() throws {
        let group = FakeGroup(partitions: 2)
        group.assign([0: 0, 1: 0])
        let place = try ClusterPlace(group, number: 0)
        group.feed(ClusterPlace.ratings(100, from: 0))
        try ClusterPlace.settle([place], group)
        // Taken away behind its back, as from a process that slept.
        let commits = group.state.withLock { state in
            state.held = [0: 1, 1: 1]
            return state.commits
        }
        var head = StateDelta()
        head.positions = [0: 1_000]
        #expect(throws: StateError.self) {
            try place.engine.commitToCluster(
                ClusterCommit(
                    placement: group.placement, member: "x",
                    record: MemberRecord(member: 1, address: "", positions: [:], at: 0, bytesSent: 0),
                    items: [[1]], hashes: [], known: [:],
                    forgotten: [],
                    models: [], owned: [0], events: [:], before: [:]), head, [])
        }
        #expect(group.state.withLock { $0.commits } == commits)
        #expect(place.engine.cluster?.shared.withLock { $0.failure } != nil)
        try? place.engine.stop()
    }

    @Test(
        "each knows who answers for whom, waits for what the others learn, and has the model that was promoted anywhere"
    )
    func asking() throws {
        let group = FakeGroup(partitions: 4)
        group.assign([0: 0, 1: 1, 2: 0, 3: 1])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        group.feed(ClusterPlace.ratings(100, from: 0))
        try ClusterPlace.settle(places, group)
        try eventually("each has heard where the other is") {
            places.allSatisfy { place in
                let members = place.engine.cluster?.view.members ?? []
                return members.contains { member in member.address == "/run/\(1 - place.number)" }
            }
        }
        for user in 0..<60 {
            let name = Array("u\(user)".utf8)
            let owner = group.state.withLock { $0.owners[group.placement.partition(of: name)] }
            for place in places {
                #expect(
                    place.engine.directory?.place(ofUser: name)
                        == (place.number == owner ? .here : .at(address: "/run/\(1 - place.number)")))
            }
        }
        // Of a partition of each: the other waits until it has what was learned of items up to there.
        let event = Event(.item(ItemDescription(item: id("i7"), title: "Seven")), time: 1)
        let partition = group.placement.partition(of: Array("i7".utf8))
        let token = Token(partition: partition, offset: group.ends[partition] ?? 0)
        group.feed([event, Event(.promote(model: "likes"), time: 2)])
        let done = DispatchGroup()
        let failures = Lock<[LookupError]>([])
        for place in places {
            done.enter()
            place.engine.waitUntilLearned(token, timeout: Patience.duration) { result in
                if case .failure(let error) = result { failures.withLock { $0.append(error) } }
                done.leave()
            }
        }
        done.wait()
        #expect(failures.withLock { $0 } == [])
        for place in places { #expect(try place.engine.item(id("i7")).title == "Seven") }
        try ClusterPlace.settle(places, group)
        for place in places {
            #expect(place.engine.onQueue { $0.comparison.defaultModel.name } == "likes")
            #expect(place.engine.onQueue { $0.comparison.defaultModel.promotions } == 1)
        }
        // One that leaves in order is missed at once.
        try places[1].engine.stop()
        group.assign([0: 0, 1: 1, 2: 0, 3: 1], dead: 1)
        try eventually("it is known to be gone") {
            places[0].engine.cluster?.view.members.count == 1
        }
        let gone = (0..<60).map { Array("u\($0)".utf8) }.first { group.placement.partition(of: $0) == 1 }
        guard case .moving = places[0].engine.directory?.place(ofUser: gone ?? []) else {
            Issue.record("somebody answers for a partition that nobody has")
            return
        }
    }
}
