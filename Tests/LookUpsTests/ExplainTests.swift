import Engine
import EngineSupport
import Events
import Histories
import Testing

@testable import LookUps

@Suite("Explanations")
struct ExplainTests {
    private let everything = 10_000

    @Test(
        "rank, score and threshold are those of the recommendations, to the last bit",
        arguments: ["stars", "likes"])
    func agreesWithRecommendations(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        // More items than a block of the scan has, so that places in blocks and rows differ.
        try await live.feed((0..<700).map { Event(.item(ItemDescription(item: id("extra\($0)")))) })
        let user = id("u2")
        let list = try live.engine.recommend(RecommendQuery(user: user, count: everything, model: model))
        #expect(list.count > 700)
        let predicted = try live.engine.predict(user: user, items: list.map(\.id), model: model)
        for (place, entry) in list.enumerated() {
            let explanation = try live.engine.explain(user: user, item: entry.id, model: model)
            #expect(explanation.rank == place + 1)
            #expect(explanation.score == entry.score)
            #expect(explanation.topTenScore == list[9].score)
            #expect(explanation.isRecommended == (place < 10))
            #expect(explanation.obstacles == (place < 10 ? [] : [.rank]))
            #expect(explanation.seen == nil)
            let parts = [explanation.mean, explanation.userBias, explanation.itemBias, explanation.match]
            #expect(abs(parts.reduce(0) { $0 + ($1 ?? 0) } - explanation.score) < 1e-5)
            #expect(predicted[place] == explanation.score)
            #expect((explanation.mean == nil) == (model == "likes"))
            #expect((explanation.userBias == nil) == (model == "likes"))
        }
        try live.stop()
    }

    @Test("what keeps an item out is named: seen, unavailable, its rank, and all of them at once")
    func obstacles() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let user = id("u2")
        let list = try live.engine.recommend(RecommendQuery(user: user, count: everything))
        let (first, last) = (list[0].id, list[list.count - 1].id)
        func hide(_ item: EntityID) -> Event { Event(.item(ItemDescription(item: item, available: false))) }
        try await live.feed([hide(first)])
        let hidden = try live.engine.explain(user: user, item: first, model: nil)
        #expect(hidden.obstacles == [.unavailable])
        #expect(hidden.rank == nil)
        #expect(hidden.topTenScore == list[10].score, "the tenth of those that are left")
        #expect(try live.engine.explain(user: user, item: list[10].id, model: nil).rank == 10)

        try await live.feed([Event(.rating(user: user, item: last, value: 1), time: 77), hide(last)])
        let seen = try live.engine.explain(user: user, item: last, model: nil)
        #expect(seen.obstacles == [.seen, .unavailable, .rank])
        #expect(seen.rank == nil)
        #expect(seen.seen == UserRecord.Entry(item: last, value: 1, isRating: true, time: 77))
        #expect(try !live.engine.explain(user: user, item: last, model: "stars").isRecommended)
        try live.stop()
    }

    @Test("with fewer than ten items there is no score to reach, and every candidate is recommended")
    func fewItems() async throws {
        let live = try LiveEngine()
        try await live.feed([
            Event(.rating(user: id("u"), item: id("a"), value: 5)),
            Event(.rating(user: id("v"), item: id("b"), value: 2)),
        ])
        let explanation = try live.engine.explain(user: id("u"), item: id("b"), model: "stars")
        #expect(explanation.rank == 1)
        #expect(explanation.topTenScore == nil)
        #expect(explanation.isRecommended)
        #expect(explanation.carriers == [], "one rating is not above the mean of itself")
        #expect(
            try live.engine.explain(user: id("u"), item: id("a"), model: "likes").carriers == [],
            "an item does not carry itself")
        try live.stop()
    }

    @Test(
        "the items that carry one are the user's liked ones, nearest first, by the model's own rule",
        arguments: ["stars", "likes"])
    func carriers(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(3_000))
        var carried = 0
        for number in 0..<12 {
            let user = id("u\(number)")
            let history = try live.engine.user(user, historyMax: everything).history
            let ratings = history.filter(\.isRating).map { Double($0.value) }
            let mean = ratings.reduce(0, +) / Double(ratings.count)
            let liked = history.filter { entry in
                model == "stars"
                    ? entry.isRating && Double(entry.value) > mean
                    : entry.isRating ? entry.value >= 4 : entry.value > 0
            }
            // Seen ones too: what the user has seen is carried by the rest.
            for item in [id("i0"), id("i1"), history[0].item] {
                let nearest = try live.engine.similar(
                    SimilarQuery(item: item, count: everything, model: model))
                let expected = nearest.compactMap { near in
                    liked.first { $0.item == near.id }.map { (near.id, near.score, $0.value) }
                }.prefix(5)
                let carriers = try live.engine.explain(user: user, item: item, model: model).carriers
                #expect(carriers.map(\.item) == expected.map(\.0))
                #expect(carriers.map(\.similarity) == expected.map(\.1))
                #expect(carriers.map(\.value) == expected.map(\.2))
                for carrier in carriers {
                    #expect(try carrier.title == live.engine.item(carrier.item).title)
                }
                carried += carriers.count
            }
        }
        #expect(carried > 50)
        try live.stop()
    }

    @Test("unknown users, forgotten ones, unknown items and models are refused by their codes")
    func unknown() async throws {
        let live = try LiveEngine()
        try await live.feed(events(300) + [Event(.forget(user: id("u2")))])
        func code(_ user: String, _ item: String, _ model: String? = nil) -> LookupError.Code? {
            #expect(throws: LookupError.self) {
                try live.engine.explain(user: id(user), item: id(item), model: model)
            }?.code
        }
        #expect(code("nobody", "i0") == .noUser)
        #expect(code("u2", "i0") == .noUser)
        #expect(code("u1", "nothing") == .noItem)
        #expect(code("u1", "i0", "?") == .noModel)
        try live.stop()
    }

    @Test("explanations are whole and add up while events are learned", .timeLimit(.minutes(2)))
    func whileLearning() async throws {
        let live = try LiveEngine(smallOptions(shards: 3))
        try await live.feed(events(300))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await live.feed(events(2_000, seed: 9)) }
            for reader in 0..<2 {
                group.addTask {
                    for turn in 0..<200 {
                        let user = id("u\((turn * 7 + reader) % 60)")
                        let model = turn % 2 == 0 ? "stars" : "likes"
                        // The stream forgets users now and then.
                        guard
                            let found = try? live.engine.explain(user: user, item: id("i0"), model: model)
                        else { continue }
                        let sum = (found.mean ?? 0) + (found.userBias ?? 0) + found.itemBias + found.match
                        #expect(abs(sum - found.score) < 1e-5)
                        #expect(found.obstacles.contains(.seen) == (found.seen != nil))
                        if let bar = found.topTenScore {
                            #expect(found.obstacles.contains(.rank) ? found.score <= bar : found.score >= bar)
                        }
                        _ = try live.engine.top(TopQuery(order: .bias, model: model))
                    }
                }
            }
        }
        try live.stop()
    }
}
