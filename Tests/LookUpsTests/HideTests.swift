import Checkpoints
import Engine
import EngineSupport
import Events
import Factors
import Histories
import State
import Testing

@testable import LookUps

@Suite("Hidden items")
struct HideTests {
    private func list(_ live: LiveEngine, _ user: EntityID, _ model: String?) throws -> [EntityID] {
        try live.engine.recommend(
            RecommendQuery(user: user, count: 1_000, model: model, includeSeen: true)
        ).map(\.id)
    }

    @Test("a hidden item is in no recommendation, not even with what was seen, until it is taken back")
    func hiding() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let (user, other) = (id("u2"), id("u3"))
        let before = try list(live, user, nil)
        let hidden = [before[0], before[3]]
        try await live.feed(hidden.map { Event(.hide(user: user, item: $0)) })
        for model in ["stars", "likes"] {
            let after = try list(live, user, model)
            #expect(!after.contains { hidden.contains($0) })
            let others = try list(live, other, model)
            #expect(others.contains(hidden[0]))
            let many = try live.engine.answers(
                for: [other, user], like: RecommendQuery(user: user, count: 1_000, model: model))
            #expect(try !many[1].get().items.contains { hidden.contains($0.id) })
        }
        #expect(try list(live, user, nil) == before.filter { !hidden.contains($0) })
        #expect(
            try live.engine.rank(user: user, items: hidden, model: nil).count == 2,
            "RANK ranks what it is given")

        try await live.feed([Event(.unhide(user: user, item: hidden[0]))])
        #expect(try list(live, user, nil) == before.filter { $0 != hidden[1] })
        let inStream = events(2_000).count { if case .hide = $0.kind { true } else { false } }
        #expect(live.status("events.hides") == .integer(Int64(inStream + 2)))
        try live.stop()
    }

    @Test("hiding teaches no model anything and counts for nobody")
    func noJudgement() throws {
        let all = events(1_000)
        let user = id("u2")
        let without = learned(batches(all, sizes: [100]), smallOptions())
        let hides = (0..<20).map { Event(.hide(user: user, item: id("i\($0)"))) }
        let with = learned(batches(all + hides, sizes: [100]), smallOptions())
        for (left, right) in zip(without.models, with.models) {
            #expect(left.updates == right.updates)
            #expect((0..<20).allSatisfy { left.positives[$0] == right.positives[$0] })
            #expect((0..<20).allSatisfy { left.items.bias($0) == right.items.bias($0) })
            #expect(left.score == right.score)
        }
        #expect((0..<20).allSatisfy { without.stats[$0].users == with.stats[$0].users })
        #expect((0..<20).allSatisfy { without.stats[$0].lastEvent == with.stats[$0].lastEvent })
    }

    @Test("an item can be hidden before it is known, by a user who is not known either")
    func beforehand() async throws {
        let live = try LiveEngine()
        try await live.feed(events(300))
        let (user, item) = (id("newcomer"), id("to come"))
        try await live.feed([
            Event(.hide(user: user, item: item)), Event(.unhide(user: id("x"), item: id("y"))),
        ])
        try await live.feed([Event(.rating(user: id("u1"), item: item, value: 5))])
        #expect(try !list(live, user, nil).contains(item))
        #expect(try list(live, id("u2"), nil).contains(item))
        let record = try live.engine.user(user, listMax: 10)
        #expect(record.seen == 0 && record.hidden == 1)
        #expect(record.hiddenItems == [item])
        #expect(throws: LookupError.self) { try live.engine.item(id("y")) }
        try live.stop()
    }

    @Test("hidden items outlive a restart, and are gone with a user who is forgotten", arguments: [1, 3])
    func durable(shards: Int) async throws {
        let live = try LiveEngine(smallOptions(shards: shards))
        try await live.feed(events(500))
        try await live.feed((0..<6).map { Event(.hide(user: id("u1"), item: id("i\($0)"))) })
        let before = try live.engine.user(id("u1"), listMax: 100)
        #expect(before.hidden >= 6)
        #expect(try live.engine.user(id("u1"), listMax: 4).hiddenItems == Array(before.hiddenItems.prefix(4)))
        try live.stop()

        let again = try LiveEngine(smallOptions(shards: shards), in: live.folder)
        #expect(try again.engine.user(id("u1"), listMax: 100) == before)
        try await again.feed([Event(.forget(user: id("u1")))])
        try await again.feed([Event(.rating(user: id("u1"), item: id("i9"), value: 4))])
        #expect(try again.engine.user(id("u1"), listMax: 100).hidden == 0)
        try again.stop()
    }

    @Test("the explanation names it, beside whatever else keeps the item out")
    func explained() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let user = id("u2")
        let list = try live.engine.recommend(RecommendQuery(user: user, count: 1_000))
        let (first, last) = (list[0].id, list[list.count - 1].id)
        try await live.feed([
            Event(.hide(user: user, item: first)), Event(.hide(user: user, item: last)),
            Event(.rating(user: user, item: last, value: 1)),
        ])
        let hidden = try live.engine.explain(user: user, item: first, model: nil)
        #expect(hidden.obstacles.contains(.hidden) && !hidden.obstacles.contains(.seen))
        #expect(hidden.rank == nil && !hidden.isRecommended)
        let both = try live.engine.explain(user: user, item: last, model: nil)
        #expect(both.obstacles.prefix(2) == [.seen, .hidden])
        try live.stop()
    }
}
