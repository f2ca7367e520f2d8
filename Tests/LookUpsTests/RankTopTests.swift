import EngineSupport
import Events
import Factors
import Identities
import Locking
import State
import Testing

@testable import Engine
@testable import LookUps

@Suite("Ranked candidates and lists over all users")
struct RankTopTests {
    @Test("candidates come best first, with the values that PREDICT answers", arguments: ["stars", "likes"])
    func rank(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let items = (0..<40).map { id("i\($0)") }
        let predicted = try live.engine.predict(user: id("u2"), items: items, model: model)
        let ranked = try live.engine.rank(user: id("u2"), items: items, model: model)
        #expect(ranked.map(\.score) == predicted.sorted(by: >))
        let scores = Dictionary(uniqueKeysWithValues: zip(items, predicted))
        #expect(ranked.allSatisfy { scores[$0.id] == $0.score })
        #expect(Set(ranked.map(\.id)) == Set(items))
        let best = try live.engine.recommend(RecommendQuery(user: id("u2"), count: 10, model: model))
        #expect(
            try live.engine.rank(user: id("u2"), items: best.map(\.id).reversed(), model: model).map(\.id)
                == best.map(\.id))
        try live.stop()
    }

    @Test("a candidate or user that is not known is named")
    func unknown() async throws {
        let live = try LiveEngine()
        try await live.feed(events(300))
        func error(_ user: String, _ items: String...) -> LookupError? {
            #expect(throws: LookupError.self) {
                try live.engine.rank(user: id(user), items: items.map(id), model: nil)
            }
        }
        #expect(error("nobody", "i0") == LookupError(.noUser, "no user 'nobody'"))
        #expect(error("u1", "i0", "lost", "i1") == LookupError(.noItem, "no item 'lost'"))
        try live.stop()
    }

    @Test(
        "the lists by counts are in the order of the scores that the items' records have", arguments: [0, 1])
    func counted(model: Int) async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let name = ["stars", "likes"][model]
        for order in [TopQuery.Order.popular, .trending] {
            let top = try live.engine.top(TopQuery(order: order, count: 1_000, model: name))
            #expect(top.count > 10)
            #expect(top.map(\.score) == top.map(\.score).sorted(by: >))
            for entry in top {
                let record = try live.engine.item(entry.id).models[model]
                let score = try #require(order == .popular ? record.popular : record.trending)
                #expect(abs(score - entry.score) < 1e-3 * max(1, abs(score)))
            }
            #expect(
                try live.engine.top(TopQuery(order: order, count: 7, model: name)) == Array(top.prefix(7)))
        }
        try live.stop()
    }

    @Test("lists by bias have the items that the model has an event of, either end first")
    func bias() async throws {
        let live = try LiveEngine()
        // Described, and drawn as a negative by BPR: it has a bias of its own, but nobody has liked it.
        try await live.feed([Event(.item(ItemDescription(item: id("unloved"))))])
        try await live.feed(events(1_000))
        let model = try #require(live.engine.state.models.last)
        let biases = live.engine.onQueue { state in
            let row = state.items.read { $0.row(of: id("unloved")) }
            #expect(row.map { model.items.bias(Int($0)) < 0 } == true)
            return (0..<model.items.count).filter { model.positives[$0] > 0 }.map { model.items.bias($0) }
        }
        let greatest = try live.engine.top(TopQuery(order: .bias, count: 1_000, model: "likes"))
        let least = try live.engine.top(TopQuery(order: .leastBias, count: 1_000, model: "likes"))
        #expect(greatest.map(\.score) == biases.sorted(by: >))
        #expect(least.map(\.score) == biases.sorted())
        #expect(!least.contains { $0.id == id("unloved") })
        try live.stop()
    }

    @Test("of biases so many of the most taken items can be ranked alone; of counts that is refused")
    func among() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let most = try live.engine.top(TopQuery(order: .popular, count: 20, model: "likes")).map(\.id)
        for order in [TopQuery.Order.bias, .leastBias] {
            let all = try live.engine.top(TopQuery(order: order, count: 1_000, model: "likes"))
            let some = try live.engine.top(TopQuery(order: order, count: 7, among: 20, model: "likes"))
            #expect(some == Array(all.filter { most.contains($0.id) }.prefix(7)))
        }
        let error = #expect(throws: LookupError.self) {
            try live.engine.top(TopQuery(order: .trending, among: 20))
        }
        #expect(error?.message.contains("AMONG goes with BY bias") == true)
        try live.stop()
    }

    @Test(
        "by match the user's own part of the score ranks, in the unit of the model",
        arguments: ["stars", "likes"])
    func match(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        var query = RecommendQuery(user: id("u2"), count: 8, model: model)
        query.by = .match
        let found = try live.engine.answer(query).items
        #expect(found.count == 8 && found.map(\.score) == found.map(\.score).sorted(by: >))
        let explained = try found.map {
            try live.engine.explain(user: id("u2"), item: $0.id, model: model).match
        }
        for (entry, match) in zip(found, explained) {
            #expect(abs(entry.score - match) < 1e-4 * max(1, abs(match)))
        }
        // No other item that may be shown matches better.
        query.count = 1_000
        let all = try live.engine.answer(query).items
        let shown = try live.engine.recommend(RecommendQuery(user: id("u2"), count: 1_000, model: model))
        #expect(Set(all.map(\.id)) == Set(shown.map(\.id)) && all.prefix(8) == found[...])
        query.user = id("nobody")
        #expect(try live.engine.answer(query).items.first != nil)
        query.fallback = .none
        #expect(throws: LookupError.self) { try live.engine.answer(query) }
        try live.stop()
    }

    @Test("what is answered of a model of ratings is in the ratings' unit, whatever it learns in")
    func ratingUnit() async throws {
        let live = try LiveEngine()
        let ratings = (0..<1_500).map { number in
            let item = number * 7 % 41
            let value = item % 3 * 40 + number % 9
            return Event(.rating(user: id("u\(number % 30)"), item: id("i\(item)"), value: Float(value)))
        }
        try await live.feed(ratings)
        let top = try live.engine.top(TopQuery(order: .bias, count: 100, model: "stars"))
        // Items are rated some 40 apart.
        let (best, worst) = (try #require(top.first), try #require(top.last))
        #expect(best.score > 20 && worst.score < -20)
        for entry in top {
            #expect(try live.engine.item(entry.id).models[0].bias == entry.score)
            let explained = try live.engine.explain(user: id("u2"), item: entry.id, model: "stars")
            #expect(explained.itemBias == entry.score)
            let predicted = try live.engine.predict(user: id("u2"), items: [entry.id], model: "stars")[0]
            #expect((-30...120).contains(predicted))
            let (mean, own) = (try #require(explained.mean), try #require(explained.userBias))
            let sum = mean + own + explained.itemBias + explained.match
            #expect(abs(sum - predicted) < 1e-3)
            let userBias = try live.engine.user(id("u2"), listMax: 0).models[0].bias
            #expect(explained.userBias == userBias)
        }
        try live.stop()
    }

    @Test(
        "unavailable items and those without the tags are left out",
        arguments: [TopQuery.Order.popular, .bias, .leastBias])
    func filters(order: TopQuery.Order) async throws {
        let live = try LiveEngine()
        try await live.feed(events(1_000))
        let before = try live.engine.top(TopQuery(order: order, count: 5)).map(\.id)
        try await live.feed([
            Event(.item(ItemDescription(item: before[0], tags: ["red"], available: false))),
            Event(.item(ItemDescription(item: before[1], tags: ["red", "round"]))),
            Event(.item(ItemDescription(item: before[3], tags: ["red"]))),
        ])
        func top(_ tags: [String]) throws -> [EntityID] {
            try live.engine.top(TopQuery(order: order, count: 4, tags: tags)).map(\.id)
        }
        #expect(try top([]) == Array(before.dropFirst()))
        #expect(try top(["red"]) == [before[1], before[3]])
        #expect(try top(["red", "round"]) == [before[1]])
        #expect(try top(["blue"]) == [])
        let unknown = #expect(throws: LookupError.self) {
            try live.engine.top(TopQuery(order: order, model: "?"))
        }
        #expect(unknown?.code == .noModel)
        try live.stop()
    }
}
