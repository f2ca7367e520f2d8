import Dispatch
import EngineSupport
import Events
import Factors
import Histories
import Identities
import Learners
import Locking
import State
import TestSupport
import Testing

@testable import Engine
@testable import LookUps

@Suite("Records of items and users")
struct RecordTests {
    @Test("an item's record has its counts, its last event, and what each model knows of it")
    func item() async throws {
        let live = try LiveEngine()
        try await live.feed([
            Event(.rating(user: id("u"), item: id("i"), value: 5), time: 100),
            Event(.rating(user: id("v"), item: id("i"), value: 2), time: 300),
            Event(.signal(user: id("w"), item: id("i"), name: "click"), time: 200),
            Event(.hide(user: id("w"), item: id("i")), time: 900),
        ])
        let item = try live.engine.item(id("i"))
        #expect(item.users == 3 && item.ratings == 2)
        #expect(item.meanRating == 3.5)
        #expect(item.lastEvent == 300, "the newest by its time, in whatever order they come")
        #expect(item.models.map(\.name) == ["stars", "likes"])
        #expect(item.models.map(\.positives) == [2, 2])
        for (number, model) in live.engine.state.models.enumerated() {
            let row = live.engine.onQueue { _ in model.items.row(0) }
            let scale = live.engine.onQueue { $0.ratings.scale }
            #expect(item.models[number].bias == (number == 0 ? scale.difference(row.bias) : row.bias))
            let norm = try #require(item.models[number].norm)
            #expect(abs(norm - row.dot(row).squareRoot()) < 1e-6)
        }
        try await live.feed([
            Event(.retract(user: id("u"), item: id("i"))), Event(.item(ItemDescription(item: id("j")))),
        ])
        let after = try live.engine.item(id("i"))
        #expect(after.models.map(\.positives) == [1, 1])
        #expect(after.lastEvent == 300)
        let untaken = try live.engine.item(id("j"))
        #expect(untaken.lastEvent == nil && untaken.meanRating == nil)
        #expect(untaken.models.map(\.positives) == [0, 0])
        try live.stop()

        let again = try LiveEngine(in: live.folder)
        #expect(try again.engine.item(id("i")) == after)
        #expect(try again.engine.item(id("j")) == untaken)
        try again.stop()
    }

    @Test("a user's record has bias and norm of each model")
    func user() async throws {
        let live = try LiveEngine(smallOptions(shards: 3))
        try await live.feed(events(1_000))
        let record = try live.engine.user(id("u2"), listMax: 3)
        #expect(record.history.count == 3)
        #expect(record.models.map(\.name) == ["stars", "likes"])
        let number = try #require(live.engine.state.users.read { $0.row(of: id("u2")) })
        let shard = live.engine.state.shard(of: number)
        for (model, found) in record.models.enumerated() {
            let row = shard.queue.sync { shard.tables[model].row(shard.local(number)) }
            let scale = live.engine.onQueue { $0.ratings.scale }
            #expect(found.bias == (model == 0 ? scale.difference(row.bias) : row.bias))
            #expect(found.norm == row.dot(row).squareRoot())
        }
        try live.stop()
    }

    @Test("what a user's signals on an item come to is in the user's record and in explanations")
    func signals() async throws {
        var options = smallOptions()
        options.events.signals = ["click": 1, "purchase": 10]
        let folder: Folder
        do {
            let live = try LiveEngine(options)
            func signal(_ item: String, _ name: String, _ time: Int64) -> Event {
                Event(.signal(user: id("u"), item: id(item), name: name), time: time)
            }
            try await live.feedInOrder([
                signal("i", "purchase", 1_000_500), signal("i", "click", 3_000_000),
                signal("j", "click", 4_000_123),
                Event(.rating(user: id("u"), item: id("k"), value: 2), time: 5_000_000),
            ])
            folder = live.folder
            try live.stop()
        }
        let live = try LiveEngine(options, in: folder)
        let history = try live.engine.user(id("u"), listMax: 9).history
        #expect(history.map(\.item) == ["k", "j", "i"].map(id))
        #expect(history[0].signals == nil && history[0].value == 2)
        #expect(
            history[1].signals
                == UserRecord.Signals(count: 1, weight: 1, fadedWeight: 1, first: 4_000_123))
        #expect(
            history[2].signals
                == UserRecord.Signals(count: 2, weight: 11, fadedWeight: 11, first: 1_000_000))
        #expect(history[2].value == 10 && history[2].time == 3_000_000)
        let explained = try live.engine.explain(ExplainQuery(user: id("u"), item: id("i")))
        #expect(explained.seen?.signals?.weight == 11)
        let other = try live.engine.explain(ExplainQuery(user: id("u"), item: id("j")))
        #expect(other.carriers.map(\.value) == [11], "what was rated 2 is not liked")
        try live.stop()
    }

    @Test("EXPLAIN says when the tags or exclusions of a request keep an item out")
    func filtered() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let user = id("u2")
        let list = try live.engine.recommend(RecommendQuery(user: user, count: 1_000))
        try await live.feed([
            Event(.item(ItemDescription(item: list[0].id, tags: ["red"]))),
            Event(.item(ItemDescription(item: list[12].id, tags: ["red", "round"]))),
        ])
        func explain(_ place: Int, tags: [String], exclude: [EntityID] = []) throws -> Explanation {
            try live.engine.explain(
                ExplainQuery(user: user, item: list[place].id, tags: tags, exclude: exclude))
        }
        #expect(try explain(1, tags: ["red"]).obstacles == [.filtered])
        #expect(try explain(1, tags: ["red"]).rank == nil)
        #expect(try explain(12, tags: []).obstacles == [.rank])
        let tagged = try explain(12, tags: ["red"])
        #expect(tagged.obstacles == [] && tagged.rank == 2 && tagged.topTenScore == nil)
        #expect(try explain(12, tags: ["red", "round"]).rank == 1)
        #expect(try explain(0, tags: ["red"], exclude: [list[0].id]).obstacles == [.filtered])
        #expect(try explain(1, tags: [], exclude: [list[0].id]).rank == 1)
        #expect(try explain(0, tags: ["no such tag"]).obstacles == [.filtered])
        try live.stop()
    }
}
