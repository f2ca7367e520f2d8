import Blending
import Checkpoints
import Counting
import Engine
import EngineSupport
import Events
import Factors
import Learners
import LookUps
import State
import StreamLearning
import Testing

@Suite("A blend of which a part is unhealthy")
struct BlendPartTests {
    /// A blend of three, one of which runs away where `isWild`.
    private func options(isWild: Bool) -> EngineOptions {
        var options = smallOptions()
        options.state.deterministic = true
        var wild = BPR.Options.live
        if isWild { (wild.learningRate, wild.userLearningRate) = (1e6, 1e6) }
        let positive = PositiveRule(ratingMin: 4)
        options.state.models = [
            ModelOptions(name: "likes", learner: .bpr(wild, positive: positive)),
            ModelOptions(name: "calm", learner: .bpr(.live, positive: positive)),
            ModelOptions(name: "next", learner: .counter(CounterOptions(.next), positive: positive)),
            ModelOptions(name: "blend", learner: .blend(.init(), positive: positive)),
        ]
        options.state.defaultModel = "blend"
        return options
    }

    /// Users mostly take what is as even or odd as they are, so that parts which learn tastes are worth asking.
    private static let ratings: [Event] = {
        var random = KeyedRandom(seed: 7)
        return (0..<3_000).map { index in
            let (user, item) = (random.next(below: 50), random.next(below: 60))
            let liked = random.nextUnit() < 0.9 ? item / 2 * 2 + user % 2 : item
            return Event(
                .rating(
                    user: id("u\(user)"), item: id("i\(liked)"), value: Float(3 + random.next(below: 3))),
                time: Int64(index) * 1_000)
        }
    }()

    private func live(isWild: Bool) async throws -> LiveEngine {
        let options = options(isWild: isWild)
        let models = Dictionary(
            uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let live = try LiveEngine(options, identity: .init(factors: 16, models: models, source: "test"))
        try await live.feedInOrder(Self.ratings)
        return live
    }

    /// What a part adds to the scores of what the first users are recommended.
    private func shares(of part: String, _ live: LiveEngine) throws -> [Float] {
        try (0..<20).flatMap { user in
            try live.engine.recommend(RecommendQuery(user: id("u\(user)"), count: 10)).map { item in
                let explained = try live.engine.explain(user: id("u\(user)"), item: item.id, model: nil)
                #expect(explained.model == "blend" && explained.score.isFinite)
                let sum = explained.parts.reduce(Float(0)) { $0 + $1.share }
                #expect(abs(sum - explained.score) < 1e-4)
                return try #require(explained.parts.first { $0.name == part }).share
            }
        }
    }

    @Test("leaves it out: it adds nothing to any score, while the others do, and the blend itself answers")
    func leftOut() async throws {
        let wild = try await live(isWild: true)
        #expect(wild.status("model.likes.unhealthy") == .bool(true))
        #expect(wild.status("default-model.answered-by") == .text("blend"))
        let left = try shares(of: "likes", wild)
        #expect(left.count == 200 && left.allSatisfy { $0 == 0 })
        #expect(try shares(of: "calm", wild).contains { $0 != 0 })
        try wild.stop()
        // Of the same stream, with a part that learns as it should.
        let sound = try await live(isWild: false)
        #expect(sound.status("model.likes.unhealthy") == .bool(false))
        #expect(try shares(of: "likes", sound).contains { $0 != 0 })
        try sound.stop()
    }

    @Test(
        "is it asked what is similar, a healthy part says, and so of biases; sessions ask none that is unhealthy"
    )
    func relates() async throws {
        let wild = try await live(isWild: true)
        let similar = SimilarQuery(item: id("i1"), count: 10)
        var byCalm = similar
        byCalm.model = "calm"
        #expect(try wild.engine.answer(similar).items == wild.engine.answer(byCalm).items)
        #expect(
            try wild.engine.similarUsers(SimilarUsersQuery(user: id("u1"), model: nil))
                == wild.engine.similarUsers(SimilarUsersQuery(user: id("u1"), model: "calm")))
        #expect(
            try wild.engine.answer(TopQuery(order: .bias, count: 10)).items
                == wild.engine.answer(TopQuery(order: .bias, count: 10, model: "calm")).items)
        let session = try wild.engine.answer(
            SessionQuery(items: [id("i1"), id("i2")], count: 5, wantsMeta: true))
        #expect(session.meta?.model == "blend" && session.items.count == 5)
        #expect(session.items.allSatisfy { $0.score.isFinite })
        try wild.stop()
    }
}
