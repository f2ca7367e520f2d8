import Checkpoints
import ClusterItems
import ClusterMembers
import EngineSupport
import EventLog
import Events
import Factors
import Identities
import Locking
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

/// What is known of items is told whole from time to time, so that what was told before need not be kept.
@Suite("Images of items", .serialized, .ownThread)
struct ClusterImageTests {
    private let group = FakeGroup(partitions: 2)

    /// An image of these events or more, told by the first; what was told before it is gone.
    private func keepImageAlone(_ places: [ClusterPlace]) throws {
        func image() -> ItemImagePlace? { places[0].engine.cluster?.shared.withLock { $0.image } }
        let before = image()
        try eventually("another image is told, and said where") {
            guard let image = image(), image != before else { return false }
            return group.state.withLock { $0.items.contains { MemberRecord($0)?.image == image } }
        }
        let next = try #require(image()?.next)
        group.dropItems(to: next)
    }

    /// As those of somebody who heard all of it.
    private func requireRows(_ place: ClusterPlace, as other: ClusterPlace) {
        let mine = place.engine.onQueue { rows($0) }
        let theirs = other.engine.onQueue { rows($0) }
        #expect(mine.count == theirs.count && !mine.isEmpty)
        for (item, row) in mine {
            let far = zip(row, theirs[item] ?? []).map { abs($0 - $1) }.max() ?? .infinity
            #expect(far < 0.05, "\(item)")
        }
    }

    private func rows(_ state: LearnedState) -> [String: [Float]] {
        var found: [String: [Float]] = [:]
        for row in 0..<state.stats.count {
            let name = state.items.read { $0.id(of: Int32(row))?.string } ?? "?"
            let factors = state.models[0].items.row(row)
            found[name] =
                factors.indices.flatMap { lane in (0..<8).map { factors[lane][$0] } } + [factors.bias]
        }
        return found
    }

    @Test("who joins begins with one, and what was told since, and knows what all others know")
    func joining() throws {
        group.assign([0: 0, 1: 1])
        let places = try (0..<2).map {
            try ClusterPlace(group, number: $0, imageInterval: .milliseconds(200))
        }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(400, behind: &events)
        try ClusterPlace.settle(places, group)
        try keepImageAlone(places)
        group.feed(100, behind: &events)
        try ClusterPlace.settle(places, group)
        let third = try ClusterPlace(group, number: 2)
        defer { try? third.engine.stop() }
        #expect(third.engine.cluster?.member != places[0].engine.cluster?.member)
        group.assign([0: 0, 1: 2])
        group.feed(100, behind: &events)
        try ClusterPlace.settle(places + [third], group)
        try requireExact(places + [third], events, group)
        requireRows(third, as: places[0])
        // What it has taken itself are those of the last hundred that are its partition's.
        let taken = try #require(third.status["events.applied"].flatMap { Int($0) })
        #expect(taken > 0 && taken < 100)
        // Its own file is one like others.
        try third.startAgain()
        group.feed(20, behind: &events)
        try ClusterPlace.settle(places + [third], group)
        try requireExact(places + [third], events, group)
    }

    @Test("who was away for longer than is kept ends, and begins with one when started again")
    func outdated() throws {
        group.assign([0: 0, 1: 1])
        let places = try (0..<2).map {
            try ClusterPlace(group, number: $0, imageInterval: .milliseconds(200))
        }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(300, behind: &events)
        try ClusterPlace.settle(places, group)
        places[1].die(.afterCommits)
        group.assign([0: 0, 1: 0], dead: 1)
        group.feed(100, behind: &events)
        try ClusterPlace.settle([places[0]], group)
        try keepImageAlone([places[0]])
        try places[1].startAgain()
        try eventually("it ends") { places[1].failures.withLock { $0.first?.code == .mustRestart } }
        try places[1].startAgain()
        group.assign([0: 0, 1: 1])
        group.feed(100, behind: &events)
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
        requireRows(places[1], as: places[0])
        // Whatever becomes of the topics.
        let before = try StateFile.verify(path: places[1].folder.state + "-before-image").problems
        #expect(before.isEmpty, "\(before)")
        #expect(places[1].failures.withLock { $0.count } == 1)
    }

    /// The newest one alone was looked at, and where that was not kept whole it was as if there were none.
    @Test("of several the newest that is kept whole is taken")
    func choice() throws {
        func said(_ image: UInt64, next: Int64, at: Int64) -> [UInt8] {
            var record = MemberRecord(member: image, address: "", positions: [:], at: at, bytesSent: 0)
            record.image = ItemImagePlace(
                image: image, next: next, from: next + 2, pieces: 1, bytes: 9, at: at, slot: 0)
            return record.encoded
        }
        let member = FakeMember(group, number: 0)
        #expect(try ItemImages.newest(member) == nil)
        group.state.withLock { state in
            state.items = Array(repeating: [], count: 90)
            // Said again and again.
            state.items += [said(2, next: 70, at: 2), said(1, next: 60, at: 1), said(3, next: 50, at: 3)]
            state.items += Array(repeating: said(3, next: 50, at: 3), count: 60)
        }
        #expect(try ItemImages.newest(member)?.image == 3)
        group.dropItems(to: 60)
        #expect(try ItemImages.newest(member)?.image == 2)
        group.dropItems(to: 80)
        #expect(try ItemImages.newest(member) == nil)
    }

    /// It ended, to begin with that one.
    @Test("who found none, and reads all from the beginning, goes on though one is told meanwhile")
    func meanwhile() throws {
        group.assign([0: 0, 1: 0])
        let first = try ClusterPlace(group, number: 0)
        defer { try? first.engine.stop() }
        var events: [Event] = []
        group.feed(100, behind: &events)
        try ClusterPlace.settle([first], group)
        var record = MemberRecord(member: 9, address: "", positions: [:], at: 1, bytesSent: 0)
        record.image = ItemImagePlace(image: 7, next: 0, from: 1, pieces: 1, bytes: 9, at: 1, slot: 0)
        let (said, group) = (record.encoded, group)
        let second = try ClusterPlace(group, number: 1) {
            group.state.withLock { $0.items.append(said) }
        }
        defer { try? second.engine.stop() }
        group.assign([0: 0, 1: 1])
        group.feed(20, behind: &events)
        try ClusterPlace.settle([first, second], group)
        try requireExact([first, second], events, group)
        #expect(second.failures.withLock { $0.isEmpty })
    }

    @Test("one by a clock that was wrong is followed by others, at their pace")
    func wrongClock() throws {
        group.assign([0: 0, 1: 0])
        var record = MemberRecord(member: 9, address: "", positions: [:], at: 1, bytesSent: 0)
        record.image = ItemImagePlace(
            image: 7, next: 0, from: 0, pieces: 1, bytes: 9, at: 1 << 55, slot: 0)
        let said = record.encoded
        group.state.withLock { $0.items = [said] }
        let place = try ClusterPlace(group, number: 0, imageInterval: .milliseconds(300))
        defer { try? place.engine.stop() }
        var events: [Event] = []
        let began = ContinuousClock.now
        group.feed(100, behind: &events)
        try eventually("two are told") { place.status["cluster.images-told"] == "2" }
        #expect(began.duration(to: .now) >= .milliseconds(300))
        #expect(place.engine.cluster?.shared.withLock { $0.image.map { $0.image != 7 } } == true)
    }

    @Test("where there is none a gap is told, and what is there is gone on with")
    func without() throws {
        group.assign([0: 0, 1: 1])
        let places = try (0..<2).map { try ClusterPlace(group, number: $0) }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(300, behind: &events)
        try ClusterPlace.settle(places, group)
        places[1].die(.afterCommits)
        group.feed(100, behind: &events)
        group.assign([0: 0, 1: 0], dead: 1)
        try ClusterPlace.settle([places[0]], group)
        group.dropItems()
        try places[1].startAgain()
        group.assign([0: 0, 1: 1])
        group.feed(100, behind: &events)
        try ClusterPlace.settle(places, group)
        #expect(places[1].failures.withLock { $0.isEmpty })
    }

    @Test("one that is damaged is left alone, for what is kept of what was told")
    func damaged() throws {
        group.assign([0: 0, 1: 0])
        let first = try ClusterPlace(group, number: 0, imageInterval: .milliseconds(200))
        defer { try? first.engine.stop() }
        var events: [Event] = []
        group.feed(300, behind: &events)
        try ClusterPlace.settle([first], group)
        try eventually("it is told") { first.status["cluster.images-told"] == "1" }
        let image = try #require(first.engine.cluster?.shared.withLock { $0.image })
        try first.engine.stop()
        group.state.withLock { state in
            for place in Int(image.from)..<state.items.count where ItemImagePiece.isOne(state.items[place]) {
                let middle = state.items[place].count / 2
                state.items[place][middle] ^= 1
            }
        }
        let second = try ClusterPlace(group, number: 1)
        defer { try? second.engine.stop() }
        group.assign([0: 1, 1: 1], dead: 0)
        group.feed(50, behind: &events)
        try ClusterPlace.settle([second], group)
        try requireExact([second], events, group)
    }

    @Test(
        "who was started with an empty folder while nobody answered begins with one once it is started again")
    func late() throws {
        group.assign([0: 0, 1: 0])
        let places = try (0..<2).map { number in
            try ClusterPlace(
                group, number: number, imageInterval: number == 0 ? .milliseconds(200) : .zero,
                isCut: number == 1)
        }
        defer { for place in places { try? place.engine.stop() } }
        var events: [Event] = []
        group.feed(300, behind: &events)
        try ClusterPlace.settle([places[0]], group)
        try keepImageAlone([places[0]])
        places[1].member.cut(false)
        try eventually("it ends") { places[1].failures.withLock { $0.first?.code == .mustRestart } }
        try places[1].startAgain()
        group.assign([0: 0, 1: 1])
        group.feed(50, behind: &events)
        try ClusterPlace.settle(places, group)
        try requireExact(places, events, group)
    }
}
