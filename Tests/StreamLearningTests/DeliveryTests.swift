import Checkpoints
import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Histories
import Identities
import Locking
import State
import TestSupport
import Testing

@testable import StreamLearning

/// Events that come twice, late, or all too often.
@Suite("Events delivered twice, late or in a flood")
struct DeliveryTests {
    private let start: Int64 = 1_700_000_000_000

    private func rating(_ user: String, _ item: String, _ value: Float, at seconds: Int64?) -> Event {
        Event(
            .rating(user: id(user), item: id(item), value: value), time: seconds.map { start + $0 * 1000 })
    }

    private func click(_ user: String, _ item: String, at seconds: Int64?) -> Event {
        Event(
            .signal(user: id(user), item: id(item), name: "click"), time: seconds.map { start + $0 * 1000 })
    }

    private func learn(_ events: [Event], _ options: EngineOptions = smallOptions()) -> LearnedState {
        learned(batches(events, sizes: [3]), options)
    }

    private func entry(_ state: LearnedState, _ user: String, _ item: String) -> HistoryEntry? {
        guard let row = state.users.read({ $0.row(of: id(user)) }),
            let item = state.items.read({ $0.row(of: id(item)) })
        else { return nil }
        let shard = state.shard(of: row)
        return shard.users[shard.local(row)].history[item]
    }

    private func popular(_ state: LearnedState, _ item: String) -> Double {
        guard let row = state.items.read({ $0.row(of: id(item)) }) else { return 0 }
        return state.models[1].counts[Int(row)].popular
    }

    private func stats(_ state: LearnedState, _ item: String) -> [Double] {
        guard let row = state.items.read({ $0.row(of: id(item)) }) else { return [] }
        let stats = state.stats[Int(row)]
        return [
            Double(stats.users), Double(stats.ratings), stats.ratingSum, Double(stats.lastEvent ?? 0),
            Double(state.models[0].positives[Int(row)]), Double(state.models[1].positives[Int(row)]),
        ]
    }

    private func isHidden(_ state: LearnedState, _ user: String, _ item: String) -> Bool {
        guard let row = state.users.read({ $0.row(of: id(user)) }),
            let item = state.items.read({ $0.row(of: id(item)) })
        else { return false }
        let shard = state.shard(of: row)
        return shard.users[shard.local(row)].hidden.contains(item)
    }

    @Test("a batch that is delivered twice is learned once, and popularity does not double")
    func batchTwice() {
        let batch = [
            click("rep", "tea", at: 0), click("rep", "tea", at: 60), click("rep", "tea", at: 120),
            rating("rep", "rum", 5, at: 0), rating("rep", "rum", 3, at: 60),
        ]
        let (once, twice) = (learn(batch), learn(batch + batch))
        #expect(once.counters.duplicates == 0)
        #expect(twice.counters.duplicates == 5 && twice.counters.late == 0)
        #expect(popular(twice, "tea") == popular(once, "tea"))
        #expect(twice.models.map(\.updates) == once.models.map(\.updates))
        #expect(entry(twice, "rep", "rum")?.value == 3)
    }

    @Test("a repeated click on something rated is a duplicate")
    func clickOnRated() {
        let state = learn([
            rating("cor", "tea", 5, at: 0), click("cor", "tea", at: 60), click("cor", "tea", at: 60),
            click("cor", "tea", at: 60),
        ])
        #expect(state.counters.duplicates == 2)
        #expect(entry(state, "cor", "tea")?.kind == .rating)
    }

    // Fed the same file twice, trends were empty and popularity was halved: half-lives went by all that was delivered.
    @Test("what is delivered again ages nothing: popularity and trends stand as they were")
    func secondDeliveryAgesNothing() {
        let events = (0..<600).map { click("u\($0 % 40)", "i\($0 * $0 % 23)", at: Int64($0)) }
        let (once, twice) = (learn(events), learn(events + events))
        #expect(twice.counters.duplicates == 600 && twice.counters.applied == 1_200)
        #expect(twice.counters.clock == once.counters.clock)
        for model in once.models.indices {
            for row in 0..<once.models[model].items.count {
                let (before, after) = (once.models[model].counts[row], twice.models[model].counts[row])
                #expect(before.popular == after.popular && before.trend == after.trend)
                #expect(before.at == after.at)
            }
        }
        // What is new after it stands where it would have stood.
        let next = [click("new", "i1", at: 9_000)]
        #expect(popular(learn(events + events + next), "i1") == popular(learn(events + next), "i1"))
    }

    @Test("events without a time of their own are never duplicates")
    func withoutTime() {
        let event = click("u", "i", at: nil)
        #expect(learn([event, event, event]).counters.duplicates == 0)
    }

    @Test("an id of its own makes an event known again whatever its time, and only of the same user and item")
    func ids() {
        func click(_ user: String, _ item: String, _ event: String, at time: Int64?) -> Event {
            Event(.signal(user: id(user), item: id(item), name: "click"), time: time, id: event)
        }
        let state = learn([
            click("u", "i", "e1", at: nil), click("u", "i", "e1", at: start), click("u", "i", "e1", at: nil),
            click("u", "i", "e2", at: nil), click("v", "i", "e1", at: nil), click("u", "j", "e1", at: nil),
        ])
        #expect(state.counters.duplicates == 2 && state.counters.applied == 6)
    }

    @Test("what tells two events apart is in their fingerprints")
    func fingerprints() {
        let description = ItemDescription(item: id("i"), title: "", tags: [])
        let events = [
            rating("u", "i", 4, at: 1), rating("u", "i", 4.5, at: 1), rating("u", "i", 4, at: 2),
            rating("ui", "x", 4, at: 1), rating("v", "i", 4, at: 1), click("u", "i", at: 1),
            Event(.retract(user: id("u"), item: id("i")), time: start + 1000),
            Event(.hide(user: id("u"), item: id("i")), time: start + 1000),
            Event(.unhide(user: id("u"), item: id("i")), time: start + 1000),
            Event(.forget(user: id("u")), time: start + 1000),
            Event(.item(description), time: start), Event(.item(ItemDescription(item: id("i"))), time: start),
            Event(.item(ItemDescription(item: id("i"), title: "", tags: ["a", "b"])), time: start),
            Event(.item(ItemDescription(item: id("i"), title: "", tags: ["a,b"])), time: start),
            Event(.item(ItemDescription(item: id("i"), available: false)), time: start),
        ]
        #expect(Set(events.map(\.fingerprint)).count == events.count)
        #expect(events.allSatisfy { $0.fingerprint != nil })
    }

    @Test("retractions, erasures and descriptions are known again too")
    func everyKind() {
        let description = Event(.item(ItemDescription(item: id("i"), title: "T")), time: start)
        let events = [
            rating("u", "i", 5, at: 1), Event(.retract(user: id("u"), item: id("i")), time: start + 2000),
            Event(.hide(user: id("u"), item: id("j")), time: start + 3000), description,
            Event(.forget(user: id("v")), time: start + 4000),
        ]
        let later = [rating("v", "i", 4, at: 5)]
        let state = learn(events + later + events)
        #expect(state.counters.duplicates == 5)
        #expect(entry(state, "u", "i") == nil)
        #expect(entry(state, "v", "i")?.value == 4, "the erasure that comes again erases nobody anew")
    }

    @Test(
        "the window survives a restart, and with another length keeps the newest", arguments: [8, 64, 6_000])
    func windowIsRestored(length: Int) throws {
        var options = smallOptions()
        options.state.duplicatesWindow = 64
        let folder = Folder()
        let events = (0..<6_000).map { click("u\($0 % 9)", "i\($0 % 50)", at: Int64($0)) }
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let state = LearnedState(options: options.state)
        for batch in batches(events, sizes: [700]) {
            let application = BatchApplication(
                state: state, options: options.learning)
            application.apply(batch)
            try file.write(state.collectChanges())
        }
        options.state.duplicatesWindow = length
        let back = LearnedState(options: options.state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        if length == 64 { #expect(back.digest() == state.digest()) }
        let newest = events.suffix(min(length, 64))
        for event in newest {
            let isNew = back.recent.insert(try #require(event.fingerprint), of: 0)
            #expect(!isNew)
        }
    }

    @Test("a window as long as many blocks is written block by block and read back as it was")
    func longWindow() throws {
        var options = smallOptions()
        options.state.duplicatesWindow = 10_000
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let state = LearnedState(options: options.state)
        var random = KeyedRandom(seed: 3)
        for _ in 0..<7 {
            for _ in 0..<random.next(below: 6_000) { _ = state.recent.insert(random.next(), of: 1) }
            let delta = state.collectChanges()
            if random.next(below: 3) == 0 { state.restoreMarks(of: delta) } else { try file.write(delta) }
        }
        try file.write(state.collectChanges())
        let back = LearnedState(options: options.state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        #expect(back.digest() == state.digest())
    }

    @Test("past its length the window forgets, oldest first")
    func windowIsBounded() {
        var recent = RecentEvents(capacity: 100)
        func isNew(_ fingerprint: UInt64, of partition: Int32 = 0) -> Bool {
            recent.insert(fingerprint &* 0x9E37_79B9_7F4A_7C15, of: partition)
        }
        for fingerprint in UInt64(1)...10_000 { #expect(isNew(fingerprint)) }
        for fingerprint in UInt64(9_901)...10_000 { #expect(!isNew(fingerprint)) }
        #expect(isNew(9_900))
        #expect(isNew(10_000, of: 1), "each partition has a window of its own")
        #expect(recent.bytes < 2 * 8_192)
    }

    @Test("events taken in together are known again as one by one")
    func takenInTogether() {
        var (single, together) = (RecentEvents(capacity: 100), RecentEvents(capacity: 100))
        var random = KeyedRandom(seed: 8)
        for _ in 0..<40 {
            let events = (0..<random.next(below: 90)).map { place in
                // Some come again: in the same lot, later, and after they were forgotten.
                (
                    partition: Int32(random.next(below: 10) / 7),
                    fingerprint: UInt64(random.next(below: 300)) &* 0x9E37_79B9_7F4A_7C15, place: place
                )
            }
            let expected = events.map { single.insert($0.fingerprint, of: $0.partition) }
            var isNews = Array(repeating: true, count: events.count)
            together.insert(events, isNews: &isNews)
            #expect(isNews == expected)
        }
        for fingerprint in UInt64(0)..<300 {
            let wanted = fingerprint &* 0x9E37_79B9_7F4A_7C15
            #expect(together.insert(wanted, of: 0) == single.insert(wanted, of: 0))
        }
    }

    @Test(
        "the newest opinion stands, whatever order the events come in, and the counts agree",
        arguments: [1, 2])
    func anyOrder(shards: Int) {
        let events = [
            rating("late", "tea", 1, at: 500), rating("late", "tea", 5, at: 100),
            rating("late", "rum", 4, at: 400), click("late", "gin", at: 300),
            rating("late", "gin", 4, at: 50),
            Event(.retract(user: id("late"), item: id("ale")), time: start + 200_000),
            rating("late", "ale", 5, at: 100), rating("other", "tea", 2, at: 10),
            Event(.hide(user: id("late"), item: id("rye")), time: start + 700_000),
            Event(.unhide(user: id("late"), item: id("rye")), time: start + 600_000),
            rating("other", "rye", 3, at: 11),
        ]
        var options = smallOptions(shards: shards)
        options.state.factors = 8
        var random = KeyedRandom(seed: 17)
        for _ in 0..<40 {
            var order = events
            for index in order.indices.reversed() { order.swapAt(index, random.next(below: index + 1)) }
            let state = learn(order, options)
            #expect(entry(state, "late", "tea")?.value == 1)
            #expect(entry(state, "late", "gin")?.kind == .rating)
            #expect(entry(state, "late", "ale") == nil)
            #expect(isHidden(state, "late", "rye"))
            #expect(stats(state, "tea") == [2, 2, 3, Double(start + 500_000), 2, 0])
            #expect(stats(state, "rum") == [1, 1, 4, Double(start + 400_000), 1, 1])
            #expect(stats(state, "ale")[...2] == [0, 0, 0])
        }
    }

    @Test("an opinion without a time of its own replaces what came before it, as it came")
    func untimed() {
        let state = learn([rating("u", "i", 1, at: 500), rating("u", "i", 5, at: nil)])
        #expect(entry(state, "u", "i")?.value == 5)
        #expect(state.counters.late == 0)
    }

    @Test("a late opinion teaches nothing")
    func lateTeachesNothing() {
        let newest = rating("late", "tea", 1, at: 500)
        let state = learn([newest, rating("late", "tea", 5, at: 100)])
        #expect(state.counters.late == 1)
        #expect(state.models.map(\.updates) == learn([newest]).models.map(\.updates))
    }

    @Test("of descriptions the newest stands, field by field, whatever order they come in")
    func descriptions() {
        func said(_ seconds: Int64, _ title: String?, _ tags: [String]?, _ available: Bool?) -> Event {
            Event(
                .item(ItemDescription(item: id("tea"), title: title, tags: tags, available: available)),
                time: start + seconds * 1000)
        }
        let events = [
            said(300, "Tea", nil, false), said(200, nil, ["old"], true), said(100, "Old tea", nil, true),
            said(400, nil, ["new"], nil),
        ]
        var random = KeyedRandom(seed: 5)
        for _ in 0..<24 {
            var order = events
            for index in order.indices.reversed() { order.swapAt(index, random.next(below: index + 1)) }
            let entry = learn(order).catalogue.read { $0.entries[0] }
            #expect(entry.title == "Tea" && entry.tags == ["new"] && !entry.available)
        }
        #expect(learn(events).counters.late == 1, "all that the third says was said later already")
    }

    @Test("times of opinions, retractions, hidden items and descriptions survive a restart")
    func timesAreRestored() throws {
        let folder = Folder()
        let first = [
            rating("u", "tea", 1, at: 500),
            Event(.retract(user: id("u"), item: id("ale")), time: start + 500_000),
            Event(.hide(user: id("u"), item: id("rye")), time: start + 500_000),
            Event(
                .item(ItemDescription(item: id("tea"), title: "Tea", available: false)),
                time: start + 500_000),
        ]
        let state = learn(first)
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        try file.write(state.collectChanges())
        let back = LearnedState(options: smallOptions().state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        #expect(back.digest() == state.digest())
        let late = [
            rating("u", "tea", 5, at: 400), rating("u", "ale", 5, at: 400),
            Event(.unhide(user: id("u"), item: id("rye")), time: start + 400_000),
            Event(.item(ItemDescription(item: id("tea"), available: true)), time: start + 400_000),
        ]
        let application = BatchApplication(
            state: back, options: smallOptions().learning)
        let logged = late.enumerated().map {
            LoggedEvent(token: Token(partition: 0, offset: Int64(4 + $0)), logTime: 0, event: $1)
        }
        application.apply(IngestBatch(events: logged, positions: [0: 8]))
        #expect(back.counters.late == 4)
        #expect(entry(back, "u", "tea")?.value == 1 && entry(back, "u", "ale") == nil)
        #expect(isHidden(back, "u", "rye"))
        #expect(back.catalogue.read { $0.entries[0].available } == false)
    }

    @Test("one user's thousand clicks make an item no more popular than one")
    func flood() {
        let loved = (0..<200).map { click("real\($0)", "loved", at: Int64($0)) }
        let pushed = (0..<5_000).map { click("bot", "pushed", at: Int64(1_000 + $0)) }
        let state = learn(loved + pushed)
        #expect(popular(state, "loved") > 100 * popular(state, "pushed"))
        #expect(popular(state, "pushed") <= 1)
    }

    @Test("nor do a thousand changes of mind, or clicks on something disliked")
    func flappingFlood() {
        let flips = (0..<2_000).map { rating("bot", "pushed", $0 % 2 == 0 ? 5 : 1, at: Int64($0)) }
        #expect(popular(learn(flips), "pushed") <= 1)
        let disliked =
            [rating("bot", "pushed", 1, at: 0)] + (1..<2_000).map { click("bot", "pushed", at: Int64($0)) }
        #expect(popular(learn(disliked), "pushed") <= 1)
    }

    @Test("a purchase after a click counts as a purchase, once")
    func strongerSignal() {
        var options = smallOptions()
        options.events.signals = ["click": 1, "purchase": 10]
        options.state.popularityHalfLifeEvents = 0
        func signal(_ name: String, _ seconds: Int64) -> Event {
            Event(.signal(user: id("u"), item: id("i"), name: name), time: start + seconds * 1000)
        }
        #expect(popular(learn([signal("click", 1), signal("purchase", 2)], options), "i") == 10)
        let many = (0..<500).map { signal($0 % 2 == 0 ? "click" : "purchase", Int64($0)) }
        #expect(popular(learn(many, options), "i") <= 10.001)
    }
}
