import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Histories
import Testing

@testable import LookUps

@Suite("What an answer stands on")
struct LookupMetaTests {
    @Test("model, position and path are those of the answer; the age starts anew with each event")
    func freshness() async throws {
        let live = try LiveEngine()
        try await live.feed(events(1_000))
        let query = RecommendQuery(user: id("u2"), wantsMeta: true)
        let meta = try #require(try live.engine.answer(query).meta)
        #expect(meta.model == "likes")
        #expect(meta.positions == [0: 1_000])
        #expect(meta.fallback == .none)
        #expect(meta.shortfall == nil)
        #expect(meta.unlearned == 0)
        #expect(!meta.path.isEmpty)
        #expect(meta.age >= .zero)
        let later = try #require(try live.engine.answer(query).meta)
        #expect(later.age > meta.age, "nothing came: the answer only grew older")
        let before = ContinuousClock().now
        try await live.feed([Event(.rating(user: id("u2"), item: id("i0"), value: 5))])
        let fresh = try #require(try live.engine.answer(query).meta)
        #expect(fresh.positions == [0: 1_001])
        #expect(fresh.age <= before.duration(to: ContinuousClock().now))
        #expect(try live.engine.answer(RecommendQuery(user: id("u2"))).meta == nil)
        let stranger = try live.engine.answer(RecommendQuery(user: id("stranger"), wantsMeta: true))
        #expect(stranger.meta?.fallback == .popular)
        try live.stop()
    }

    @Test(
        "a short list says why: every item of the catalogue is counted once", arguments: ["stars", "likes"])
    func shortfall(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(1_000))
        let user = id("u2")
        let list = try live.engine.recommend(RecommendQuery(user: user, count: 1_000, model: model))
        let seen = try Set(live.engine.user(user, listMax: 1_000).history.map(\.item))
        let catalogue = live.engine.itemCount
        try await live.feed([
            Event(.item(ItemDescription(item: list[0].id, tags: ["red"], available: false))),
            Event(.item(ItemDescription(item: list[1].id, tags: ["red"]))),
            Event(.item(ItemDescription(item: list[2].id, tags: ["red"]))),
            Event(.item(ItemDescription(item: list[3].id, tags: ["red"]))),
            Event(.item(ItemDescription(item: list[4].id, tags: ["red"]))),
            Event(.hide(user: user, item: list[2].id)),
            Event(.rating(user: user, item: list[3].id, value: 5)),
        ])
        let tagged = try live.engine.answer(
            RecommendQuery(
                user: user, count: 10, model: model, tags: ["red"], exclude: [list[1].id], wantsMeta: true))
        #expect(tagged.items.map(\.id) == [list[4].id])
        let meta = try #require(tagged.meta)
        #expect(meta.candidates == 1)
        let shortfall = try #require(meta.shortfall)
        #expect(shortfall.catalogue == catalogue)
        #expect(
            shortfall.counts == [
                .unavailable: 1, .tag: catalogue - 5, .hidden: 1, .seen: 1, .excluded: 1,
            ])

        let whole = try live.engine.answer(
            RecommendQuery(user: user, count: 10_000, model: model, wantsMeta: true))
        let reasons = try #require(whole.meta?.shortfall)
        #expect(whole.items.count == whole.meta?.candidates)
        #expect(reasons.counts.values.reduce(whole.items.count, +) == catalogue)
        #expect((reasons.counts[.seen] ?? 0) >= seen.count)
        let nothing = try live.engine.answer(
            RecommendQuery(user: user, model: model, tags: ["no such tag"], wantsMeta: true))
        #expect(nothing.items.isEmpty)
        #expect(nothing.meta?.shortfall?.counts[.tag] == catalogue - 1)
        try live.stop()
    }

    @Test("lists over all users and of similar items say it too")
    func otherLists() async throws {
        let live = try LiveEngine()
        try await live.feed(events(500) + [Event(.item(ItemDescription(item: id("untaken"))))])
        let catalogue = live.engine.itemCount
        for order in TopQuery.Order.allCases {
            let answer = try live.engine.answer(TopQuery(order: order, count: 10_000, wantsMeta: true))
            let counts = try #require(answer.meta?.shortfall?.counts)
            #expect((counts[.untaken] ?? 0) >= 1)
            #expect(counts.values.reduce(answer.items.count, +) == catalogue)
        }
        let near = try live.engine.answer(SimilarQuery(item: id("i1"), count: 10_000, wantsMeta: true))
        #expect(near.items.count == catalogue - 1)
        #expect(near.meta?.shortfall?.counts == [.excluded: 1])
        try live.stop()
    }

    @Test("several users at once are answered as one by one, however many", arguments: [12, 140])
    func many(count: Int) async throws {
        let live = try LiveEngine(smallOptions(shards: 3))
        try await live.feed(events(2_000))
        let users = (0..<count).map { id("u\($0 % 60)") } + [id("stranger")]
        for model in ["stars", "likes"] {
            var query = RecommendQuery(user: users[0], count: 7, model: model, exclude: [id("i3")])
            query.fallback = .none
            let answers = try live.engine.answers(for: users, like: query)
            #expect(answers.count == users.count)
            for (user, answer) in zip(users, answers).dropLast() {
                query.user = user
                #expect(try answer.get() == live.engine.answer(query))
            }
            #expect(answers.last == .failure(LookupError(.noUser, "no user 'stranger'")))
            query.fallback = .popular
            #expect(try live.engine.answers(for: users, like: query).last?.get().items.count == 7)
        }
        #expect(throws: LookupError.self) {
            try live.engine.answers(for: users, like: RecommendQuery(user: users[0], model: "?"))
        }
        try live.stop()
    }
}
