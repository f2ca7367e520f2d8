import Blending
import Checkpoints
import Engine
import EngineSupport
import Events
import Learners
import LookUps
import State
import TestSupport
import Testing

@Suite("Look-ups of a blend")
struct BlendLookupTests {
    private static let positive = PositiveRule(ratingMin: 4)
    private static let models = [
        ModelOptions(name: "likes", learner: .bpr(.live, positive: positive)),
        ModelOptions(name: "repeat", learner: .counter(CounterOptions(.repeat), positive: positive)),
        ModelOptions(name: "next", learner: .counter(CounterOptions(.next), positive: positive)),
        ModelOptions(name: "blend", learner: .blend(BlendOptions(), positive: positive)),
    ]

    private func live(parts: [String] = [], seen: SeenRule = .exclude) throws -> LiveEngine {
        var options = smallOptions()
        options.state.models = Self.models
        options.state.models[3].parts = parts
        options.state.seen = seen
        options.lookUps.seen = seen
        options.state.defaultModel = "blend"
        let identity = StateIdentity(
            factors: 16,
            models: Dictionary(uniqueKeysWithValues: Self.models.map { ($0.name, $0.learnerName) }),
            source: "test")
        return try LiveEngine(options, identity: identity)
    }

    @Test(
        "its parts add up to the score, for what was taken and what was not",
        arguments: [SeenRule.exclude, .allow])
    func explains(seen: SeenRule) async throws {
        let live = try live(seen: seen)
        try await live.feedInOrder(events(1_500, seed: 7))
        for user in ["u1", "u2", "u3"] {
            var query = RecommendQuery(user: id(user), count: 12)
            query.seen = .allow
            for item in try live.engine.recommend(query) {
                let explained = try live.engine.explain(user: id(user), item: item.id, model: nil)
                let sum = explained.parts.reduce(Float(0)) { $0 + $1.share }
                #expect(abs(sum - explained.score) < 1e-5)
                #expect(abs(explained.itemBias + explained.match - explained.score) < 1e-5)
                #expect(
                    explained.parts.map(\.name).suffix(4) == ["likes", "repeat", "next", "taken before"])
            }
        }
        try live.stop()
    }

    @Test("what an item's tags add is told of each, and adds up to the part of them")
    func tags() async throws {
        let live = try live()
        let described = (0..<40).map { item in
            Event(
                .item(
                    ItemDescription(
                        item: id("i\(item)"), title: "I (199\(item % 3))", tags: ["t\(item % 4)", "all"])))
        }
        try await live.feedInOrder(described + events(1_500, seed: 9))
        let found = try live.engine.recommend(RecommendQuery(user: id("u1"), count: 40)).map(\.id)
        // Half of the items are described.
        let item = try #require(found.first { item in (0..<40).contains { item == id("i\($0)") } })
        let explained = try live.engine.explain(user: id("u1"), item: item, model: nil)
        let part = try #require(explained.parts.first { $0.name == "tags" }).share
        #expect(Set(explained.tags.map(\.name)).isSuperset(of: ["all"]) && explained.tags.count >= 3)
        #expect(abs(explained.tags.reduce(Float(0)) { $0 + $1.share } - part) < 1e-5)
        #expect(part != 0)
        try live.stop()
    }

    @Test("an explained rank is the place in the recommendations")
    func rank() async throws {
        let live = try live()
        try await live.feedInOrder(events(1_500, seed: 8))
        let found = try live.engine.recommend(RecommendQuery(user: id("u4"), count: 10))
        for (place, item) in found.enumerated() {
            let explained = try live.engine.explain(user: id("u4"), item: item.id, model: nil)
            #expect(explained.rank == place + 1 && explained.score == item.score)
            #expect(explained.topTenScore == found[9].score && explained.isRecommended)
        }
        try live.stop()
    }

    @Test("whom no part knows gets what is popular, and who is unknown too, or is refused")
    func fallsBack() async throws {
        let live = try live(parts: ["next", "repeat"])
        try await live.feedInOrder(
            (0..<600).map {
                Event(
                    .signal(user: id("u\($0 % 50)"), item: id("i\($0 % (1 + $0 % 30))"), name: "click"),
                    time: Int64($0) * 1_000)
            } + [Event(.hide(user: id("shy"), item: id("no-such")))])
        let (shy, stranger) = (
            try live.engine.recommend(RecommendQuery(user: id("shy"))),
            try live.engine.recommend(RecommendQuery(user: id("stranger")))
        )
        #expect(shy.count == 10 && stranger.count == 10)
        #expect(Set(shy.map(\.id)).intersection(stranger.map(\.id)).count >= 6)
        let parts = try live.engine.explain(user: id("shy"), item: shy[0].id, model: nil).parts
        #expect(parts.suffix(3).allSatisfy { $0.share == 0 } && parts[0].share > 0)
        #expect(throws: LookupError.self) {
            try live.engine.recommend(RecommendQuery(user: id("stranger"), fallback: .none))
        }
        try live.stop()
    }

    @Test("tags, exclusions and hidden items keep out of it what they keep out of its parts")
    func filters() async throws {
        let live = try live()
        try await live.feedInOrder(
            events(1_200, seed: 9)
                + (0..<80).map {
                    Event(.item(ItemDescription(item: id("i\($0)"), title: nil, tags: ["tag\($0 % 8)"])))
                })
        var query = RecommendQuery(user: id("u5"), count: 80, tags: ["tag3"], includeSeen: true)
        let tagged = try live.engine.recommend(query)
        #expect(!tagged.isEmpty && tagged.allSatisfy { Int($0.id.string.dropFirst())! % 8 == 3 })
        query.exclude = [tagged[0].id]
        #expect(try live.engine.recommend(query).map(\.id) == tagged.dropFirst().map(\.id))
        try live.stop()
    }

    @Test("a session is answered from its items, and what is similar by the part that has rows")
    func sessions() async throws {
        let live = try live()
        try await live.feedInOrder(events(1_500, seed: 10))
        let session = try live.engine.recommend(
            SessionQuery(items: [id("i2"), id("i4"), id("i6")], count: 10))
        #expect(
            session.count == 10 && Set(session.map(\.id)).isDisjoint(with: ["i2", "i4", "i6"].map { id($0) }))
        #expect(zip(session, session.dropFirst()).allSatisfy { $0.score >= $1.score })
        let similar = try live.engine.similar(SimilarQuery(item: id("i2"), count: 5))
        #expect(similar == (try live.engine.similar(SimilarQuery(item: id("i2"), count: 5, model: "likes"))))
        let users = try live.engine.similarUsers(SimilarUsersQuery(user: id("u1"), count: 5))
        #expect(
            users
                == (try live.engine.similarUsers(SimilarUsersQuery(user: id("u1"), count: 5, model: "likes")))
        )
        try live.stop()
    }
}
