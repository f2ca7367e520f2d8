import Blending
import Checkpoints
import EngineSupport
import Events
import Foundation
import Histories
import Learners
import LookUps
import State
import StreamLearning
import TestSupport
import Testing

@testable import Engine

/// What every live model has to do. A new model is a line in `models`.
@Suite("The contract of live models")
struct ModelContractTests {
    static let models: [ModelOptions] = {
        let positive = PositiveRule(ratingMin: 4)
        // The live rates suit thousands of items; in a world of thirty they take long.
        var warp = WARP.Options()
        warp.learningRate = 0.05
        var mixed = NeuralRating.Options.live
        mixed.mix = 0.2
        return [
            ModelOptions(name: "m", learner: .sgd(.live)),
            ModelOptions(name: "m", learner: .bpr(.live, positive: positive)),
            ModelOptions(name: "m", learner: .warp(warp, positive: positive)),
            ModelOptions(name: "m", learner: .als(.live, positive: positive)),
            ModelOptions(name: "m", learner: .mlp(.live)),
            ModelOptions(name: "m", learner: .mlp(mixed)),
        ]
            + CounterOptions.Kind.allCases.map {
                ModelOptions(name: "m", learner: .counter(CounterOptions($0), positive: positive))
            }
            + [ModelOptions(name: "m", learner: .blend(BlendOptions(), positive: positive))]
    }()

    /// What a blend combines.
    static let parts = [
        ModelOptions(name: "likes", learner: .bpr(.live, positive: PositiveRule(ratingMin: 4))),
        ModelOptions(name: "stars", learner: .sgd(.live)),
        ModelOptions(
            name: "next", learner: .counter(CounterOptions(.next), positive: PositiveRule(ratingMin: 4))),
        ModelOptions(
            name: "repeat",
            learner: .counter(CounterOptions(.repeat), positive: PositiveRule(ratingMin: 4))),
    ]

    private func all(_ model: ModelOptions) -> [ModelOptions] {
        model.isBlend ? [model] + Self.parts : [model]
    }

    /// Those that know users one by one, items one by one, and those that learn by steps that may go too far.
    static let personal = models.filter { !["popular", "trending"].contains($0.learnerName) }
    static let relating = personal.filter { $0.learnerName != "repeat" }
    static let guarded = models.filter(\.learnsRows)

    private func options(_ model: ModelOptions) -> EngineOptions {
        var options = smallOptions()
        options.state.models = all(model)
        options.state.deterministic = true
        // Where nothing is ever shown again `repeat` has nothing to say.
        if model.counter?.kind == .repeat { options.state.seen = .allow }
        options.state.defaultModel = model.name
        options.learning.blockEvents = 64
        return options
    }

    private func identity(_ model: ModelOptions) -> StateIdentity {
        let models = Dictionary(uniqueKeysWithValues: all(model).map { ($0.name, $0.learnerName) })
        return StateIdentity(factors: 16, models: models, source: "test")
    }

    private func live(_ model: ModelOptions, in folder: Folder = Folder()) throws -> LiveEngine {
        try LiveEngine(options(model), in: folder, identity: identity(model))
    }

    /// Two tastes: even users like even items, odd ones odd items.
    private var tastes: [Event] {
        (0..<1_200).map { number in
            let user = number % 40
            let item = (number * 7 + number / 40) % 30
            let value: Float = user % 2 == item % 2 ? 5 : 1
            return Event(.rating(user: id("u\(user)"), item: id("i\(item)"), value: value))
        }
    }

    @Test("learns: items of the own taste come before others", arguments: personal)
    func learns(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        var right = 0
        for user in 0..<20 {
            let found = try live.engine.recommend(
                RecommendQuery(user: id("u\(user)"), count: 30, includeSeen: true))
            #expect(found.count == 30)
            #expect(zip(found, found.dropFirst()).allSatisfy { $0.score >= $1.score })
            let own = found.filter { Int($0.id.string.dropFirst())! % 2 == user % 2 }
            let others = found.filter { Int($0.id.string.dropFirst())! % 2 != user % 2 }
            let (ownSum, otherSum) = (own.reduce(0) { $0 + $1.score }, others.reduce(0) { $0 + $1.score })
            if ownSum > otherSum { right += 1 }
        }
        #expect(right >= 16)
        try live.stop()
    }

    @Test("scores itself on events before it learns them", arguments: models)
    func scores(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        #expect(live.status("model.m.updates").map { $0 != .integer(0) } == true)
        // The sampled recall needs more than 299 items, which this world has not.
        let scored = try #require(live.status("model.m.scored.total"))
        #expect(!["sgd", "mlp"].contains(model.learnerName) || scored != .integer(0))
        try live.stop()
    }

    @Test("predicts what it recommends by, and explains it as a sum of parts", arguments: models)
    func explains(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        for user in ["u0", "u3"] {
            let found = try live.engine.recommend(
                RecommendQuery(user: id(user), count: 5, includeSeen: true))
            for item in found {
                let predicted = try live.engine.predict(user: id(user), items: [item.id], model: nil)[0]
                #expect(predicted == item.score)
                let explained = try live.engine.explain(user: id(user), item: item.id, model: nil)
                let sum =
                    (explained.mean ?? 0) + (explained.userBias ?? 0) + explained.itemBias + explained.match
                #expect(explained.score == predicted && abs(sum - predicted) < 1e-3)
            }
        }
        try live.stop()
    }

    @Test("finds what is similar, and answers sessions by items alone", arguments: relating)
    func similar(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        let near = try live.engine.similar(SimilarQuery(item: id("i0"), count: 5))
        #expect(near.count == 5 && near.allSatisfy { $0.id != id("i0") && $0.score.isFinite })
        let session = try live.engine.recommend(SessionQuery(items: [id("i0"), id("i2")], count: 5))
        #expect(session.count == 5 && session.allSatisfy { $0.score.isFinite })
        try live.stop()
    }

    @Test(
        "who counts over all users says so when asked what is similar",
        arguments: ["popular", "trending", "repeat"])
    func notSimilar(learner: String) async throws {
        let model = try #require(Self.models.first { $0.learnerName == learner })
        let live = try live(model)
        try await live.feedInOrder(tastes)
        let item = #expect(throws: LookupError.self) {
            try live.engine.similar(SimilarQuery(item: id("i0")))
        }
        let user = #expect(throws: LookupError.self) {
            try live.engine.similarUsers(SimilarUsersQuery(user: id("u0")))
        }
        #expect(item?.code == .invalid && user?.code == .invalid)
        let session = try live.engine.recommend(SessionQuery(items: [id("i0"), id("i2")], count: 5))
        #expect(session.count == 5)
        try live.stop()
    }

    @Test("what was taken is answered as the rule says", arguments: models)
    func seen(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(
            tastes.enumerated().map { Event($1.kind, time: Int64($0) * 60_000 + 1) })
        func taken(_ seen: SeenRule?) throws -> Set<EntityID> {
            var query = RecommendQuery(user: id("u0"), count: 30)
            query.seen = seen
            let own = Set(try live.engine.user(id("u0"), listMax: 100).history.map(\.item))
            return Set(try live.engine.recommend(query).map(\.id)).intersection(own)
        }
        #expect(try taken(nil).isEmpty && taken(.exclude).isEmpty)
        #expect(try taken(.allow).count == 30)
        let hours = try taken(.after(600 * 60_000))
        // The user comes every forty minutes.
        #expect((10..<20).contains(hours.count))
        try live.stop()
    }

    @Test("a retraction brings the item back among those that may be recommended", arguments: models)
    func retracts(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        func mayBeShown() throws -> Bool {
            try live.engine.recommend(RecommendQuery(user: id("u0"), count: 30)).contains {
                $0.id == id("i0")
            }
        }
        try #require(try !mayBeShown())
        try await live.feedInOrder([Event(.retract(user: id("u0"), item: id("i0")))])
        #expect(try mayBeShown())
        try live.stop()
    }

    @Test("who is forgotten is a stranger", arguments: models)
    func forgets(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(tastes)
        try await live.feedInOrder([Event(.forget(user: id("u0")))])
        #expect(throws: LookupError.self) {
            try live.engine.recommend(RecommendQuery(user: id("u0"), fallback: .none))
        }
        #expect(live.engine.onQueue { $0.violations() } == [])
        try live.stop()
    }

    @Test("a restart changes no answer and no digest", arguments: models)
    func restarts(model: ModelOptions) async throws {
        let folder = Folder()
        let before = try live(model, in: folder)
        try await before.feedInOrder(tastes)
        let query = RecommendQuery(user: id("u5"), count: 10)
        let (answer, digest) = (try before.engine.recommend(query), try before.engine.digest().digest)
        try before.stop()
        let after = try live(model, in: folder)
        #expect(try after.engine.digest().digest == digest)
        #expect(try after.engine.recommend(query) == answer)
        try after.stop()
    }

    @Test("a world of one user and one item is no trouble", arguments: models)
    func tinyWorld(model: ModelOptions) async throws {
        let live = try live(model)
        try await live.feedInOrder(
            (0..<70).map { Event(.rating(user: id("u"), item: id("i"), value: Float(4 + $0 % 2))) })
        let found = try live.engine.recommend(RecommendQuery(user: id("u"), includeSeen: true))
        #expect(found.count == 1 && found[0].score.isFinite)
        #expect(try live.engine.recommend(RecommendQuery(user: id("u"))).isEmpty)
        #expect(live.engine.onQueue { $0.violations() } == [])
        try live.stop()
    }

    @Test("numbers beyond all bounds are dropped, counted and never served", arguments: guarded)
    func nonFinite(model: ModelOptions) async throws {
        var options = options(model)
        options.state.normMax = 1e-3
        let live = try LiveEngine(options, identity: identity(model))
        try await live.feedInOrder(tastes)
        #expect(live.status("model.m.rejected").map { $0 != .integer(0) } == true)
        let found = try live.engine.recommend(RecommendQuery(user: id("u1"), includeSeen: true))
        #expect(found.allSatisfy { $0.score.isFinite })
        #expect(live.engine.onQueue { $0.violations() } == [])
        try live.stop()
    }
}
