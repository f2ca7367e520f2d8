import Engine
import EngineSupport
import Events
import Factors
import Testing

@testable import LookUps

@Suite("Items known by their features alone")
struct FeatureExplanationTests {
    private func describe(_ item: String, _ tags: [String]) -> Event {
        Event(.item(ItemDescription(item: id(item), tags: tags)))
    }

    /// Users of two tastes, and tags that tell them.
    private func world() -> [Event] {
        var random = KeyedRandom(seed: 7)
        let items = (0..<60).map { describe("i\($0)", ["taste\($0 % 2)", "other\($0 % 3)"]) }
        let ratings = (0..<6_000).map { index -> Event in
            let (user, item) = (random.next(below: 40), random.next(below: 60))
            let value: Float = user % 2 == item % 2 ? 5 : 1
            return Event(
                .rating(user: id("u\(user)"), item: id("i\(item)"), value: value), time: Int64(index) * 1_000)
        }
        return items + ratings
    }

    @Test("an item described a moment ago is recommended to those who like such items, with the reason")
    func recommended() async throws {
        let live = try LiveEngine()
        try await live.feedInOrder(world() + [describe("even", ["taste0"]), describe("odd", ["taste1"])])
        func place(_ item: String, for user: String) throws -> Int? {
            try live.engine.recommend(RecommendQuery(user: id(user), count: 100, model: "stars"))
                .firstIndex { $0.id == id(item) }
        }
        #expect(try #require(try place("even", for: "u0")) < (try #require(try place("odd", for: "u0"))))
        #expect(try #require(try place("odd", for: "u1")) < (try #require(try place("even", for: "u1"))))

        for item in ["even", "i3", "i10"] {
            let explanation = try live.engine.explain(user: id("u0"), item: id(item), model: "stars")
            let features = try #require(explanation.features)
            let sum = features.shares.reduce(features.base + features.own) { $0 + $1.share }
            #expect(abs(sum - explanation.itemBias - explanation.match) < 1e-5, "\(item)")
            let names = Set(features.shares.map(\.name))
            #expect(
                names
                    == (item == "even"
                        ? ["taste0"] : item == "i3" ? ["taste1", "other0"] : ["taste0", "other1"]))
            #expect(
                zip(features.shares, features.shares.dropFirst()).allSatisfy {
                    abs($0.share) >= abs($1.share)
                })
        }
        let new = try #require(
            try live.engine.explain(user: id("u0"), item: id("even"), model: "stars").features)
        #expect(abs(new.own) < 1e-5 && new.shares[0].share > 0)
        #expect(try live.engine.explain(user: id("u0"), item: id("even"), model: "likes").features == nil)
        try live.stop()
    }

    @Test("a feature taken from an item without events takes exactly its share from the score")
    func taken() async throws {
        let live = try LiveEngine()
        try await live.feedInOrder(world() + [describe("new", ["taste0", "other1"])])
        let before = try live.engine.explain(user: id("u0"), item: id("new"), model: "stars")
        let share = try #require(before.features?.shares.first { $0.name == "other1" }?.share)
        try await live.feedInOrder([describe("new", ["taste0"])])
        let after = try live.engine.explain(user: id("u0"), item: id("new"), model: "stars")
        #expect(abs(before.score - after.score - share) < 1e-5)
        try await live.feedInOrder([describe("new", [])])
        #expect(try live.engine.explain(user: id("u0"), item: id("new"), model: "stars").features == nil)
        try live.stop()
    }
}
