import Blending
import Checkpoints
import Dispatch
import EngineSupport
import Events
import Factors
import Learners
import LiveScores
import Locking
import State
import TestSupport
import Testing

@testable import Engine
@testable import LookUps
@testable import Quarantine
@testable import StreamLearning

/// Events that are allowed and mean no good, and rows that hold what is no number.
@Suite("Poison")
struct PoisonTests {
    /// Whose rows run away at once: with several models of one kind, the default among them.
    private static func diverging(models: Int) -> EngineOptions {
        var options = smallOptions()
        options.state.deterministic = true
        var wild = BPR.Options.live
        wild.learningRate = 1e6
        wild.userLearningRate = 1e6
        let positive = PositiveRule(ratingMin: 4)
        options.state.models = [
            ModelOptions(name: "stars", learner: .sgd(.live)),
            ModelOptions(name: "likes", learner: .bpr(wild, positive: positive)),
            ModelOptions(name: "calm", learner: .bpr(.live, positive: positive)),
        ]
        options.state.models.removeLast(3 - models)
        return options
    }

    private static func ratings(_ count: Int, from start: Int = 0) -> [Event] {
        var random = KeyedRandom(seed: UInt64(7 + start))
        return (start..<start + count).map { index in
            Event(
                .rating(
                    user: id("u\(random.next(below: 50))"), item: id("i\(random.next(below: 60))"),
                    value: Float(3 + random.next(below: 3))), time: Int64(index) * 1_000)
        }
    }

    @Test("a model that runs away is unhealthy, however batches are cut, and the digest says so alike")
    func verdict() {
        let options = Self.diverging(models: 3)
        let stream = Self.ratings(3_000)
        let one = learned(batches(stream, sizes: [3_000]), options)
        let many = learned(batches(stream, sizes: [7, 300, 91]), options)
        #expect(one.models.map(\.health.isHealthy) == [true, false, true])
        #expect(one.models.map(\.health) == many.models.map(\.health))
        #expect(one.digest() == many.digest())
    }

    @Test(
        "who names no model is answered by a healthy one of the kind, and told so; by name it answers still")
    func standIn() async throws {
        let live = try LiveEngine(
            Self.diverging(models: 3),
            identity: .init(
                factors: 16, models: ["stars": "sgd", "likes": "bpr", "calm": "bpr"], source: "test"))
        try await live.feedInOrder(Self.ratings(3_000))
        var query = RecommendQuery(user: id("u1"), count: 5, wantsMeta: true)
        let answer = try live.engine.answer(query)
        #expect(answer.meta?.model == "calm" && answer.meta?.fallback == .model)
        query.model = "calm"
        #expect(try live.engine.answer(query).items == answer.items)
        query.model = "likes"
        let named = try live.engine.answer(query)
        #expect(named.meta?.model == "likes" && named.meta?.fallback == AnswerMeta.Fallback.none)
        #expect(named.items.count == 5 && named.items.allSatisfy { $0.score.isFinite })
        #expect(live.status("model.likes.unhealthy") == .bool(true))
        #expect(live.status("default-model.answered-by") == .text("calm"))
        #expect(live.status("models-unhealthy") == .integer(1))
        try live.stop()
        // So it is after a restart, until it is healthy again.
        let again = try LiveEngine(
            Self.diverging(models: 3), in: live.folder,
            identity: .init(
                factors: 16, models: ["stars": "sgd", "likes": "bpr", "calm": "bpr"], source: "test"))
        query.model = nil
        #expect(try again.engine.answer(query).meta?.model == "calm")
        try again.stop()
    }

    @Test("with no healthy model of the kind there is what is popular, or an error for who wants none")
    func popular() async throws {
        let live = try LiveEngine(Self.diverging(models: 2))
        try await live.feedInOrder(Self.ratings(3_000))
        var query = RecommendQuery(user: id("u1"), count: 5, wantsMeta: true)
        let answer = try live.engine.answer(query)
        #expect(answer.meta?.fallback == .popular && answer.items.count == 5)
        let session = SessionQuery(items: [id("i1")], count: 5, wantsMeta: true)
        #expect(try live.engine.answer(session).meta?.fallback == .popular)
        query.fallback = .none
        let error = #expect(throws: LookupError.self) { try live.engine.answer(query) }
        #expect(error?.code == .unavailable)
        try live.stop()
    }

    @Test("what was dropped is listed, the newest first, and who is forgotten is erased from it")
    func listed() async throws {
        let live = try LiveEngine(Self.diverging(models: 3))
        try await live.feedInOrder(Self.ratings(3_000))
        let all = try live.engine.quarantine(1_000, model: nil)
        #expect(!all.isEmpty && all.allSatisfy { $0.model == "likes" && $0.reason == "past-norm" })
        #expect(all.map(\.token.offset) == all.map(\.token.offset).sorted(by: >))
        #expect(try live.engine.quarantine(3, model: "likes") == Array(all.prefix(3)))
        #expect(try live.engine.quarantine(3, model: "stars").isEmpty)
        #expect(throws: LookupError.self) { try live.engine.quarantine(3, model: "nobody") }
        let user = try #require(all.first?.user)
        try await live.feedInOrder([Event(.forget(user: user))])
        #expect(try !live.engine.quarantine(1_000, model: nil).contains { $0.user == user })
        try live.stop()
    }

    @Test("a row that holds what is no number: the guard sees it, answers stay finite, learning goes on")
    func notFinite() async throws {
        var options = fourLearners()
        options.state.deterministic = true
        options.state.models.append(
            ModelOptions(name: "blend", learner: .blend(.init(), positive: PositiveRule(ratingMin: 4))))
        options.state.defaultModel = "blend"
        options.checkpoints.interval = .seconds(3_600)
        let names = options.state.models.map(\.name)
        let live = try LiveEngine(
            options,
            identity: .init(
                factors: 16,
                models: Dictionary(
                    uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) }),
                source: "test"))
        try await live.feedInOrder(Self.ratings(1_500))
        // The test's seam: an item's row and a user's row of each model that has rows.
        func set(_ value: Float) {
            let vector = [Float](repeating: value, count: 16)
            live.engine.onQueue { state in
                let shard = state.shards[0]
                for number in 0..<4 {
                    state.models[number].items.row(3).set(vector: vector, bias: value)
                    state.models[number].items.markChanged(3)
                    shard.queue.sync { shard.tables[number].row(2).set(vector: vector, bias: value) }
                }
            }
        }
        set(.nan)
        try await live.feedInOrder(Self.ratings(1_500, from: 1_500))
        for number in 0..<4 {
            let dropped = try live.engine.quarantine(1_000, model: names[number])
            #expect(dropped.contains { $0.reason == "not-finite" }, "\(names[number])")
        }
        for model in [nil] + names.map(Optional.some) {
            for user in 0..<50 {
                let answer = try live.engine.answer(
                    RecommendQuery(user: id("u\(user)"), count: 10, model: model, wantsMeta: true))
                #expect(answer.items.count == 10 || model == nil, "\(model ?? "default") u\(user)")
                #expect(answer.items.allSatisfy { $0.score.isFinite })
            }
            #expect(
                try live.engine.answer(TopQuery(order: .bias, count: 10, model: model)).items
                    .allSatisfy { $0.score.isFinite })
            let near = try live.engine.similarUsers(SimilarUsersQuery(user: id("u1"), model: model))
            #expect(near.allSatisfy { $0.score.isFinite })
        }
        // A debug build saves no such state.
        set(0)
        try live.stop()
    }

    @Test("scores that are no numbers are no hits: a model does not win by them")
    func noHits() {
        let options = smallOptions()
        let state = LearnedState(options: options.state)
        let application = BatchApplication(state: state, options: options.learning)
        var random = KeyedRandom(seed: 3)
        let stream = (0..<6_000).map { index in
            Event(
                .rating(
                    user: id("u\(random.next(below: 40))"), item: id("i\(random.next(below: 600))"), value: 5),
                time: Int64(index) * 1_000)
        }
        let parts = batches(stream, sizes: [4_000, 2_000])
        application.apply(parts[0])
        for row in 0..<state.models[1].items.count { state.models[1].items.row(row).bias = .nan }
        let before = state.models[1].score.total
        application.apply(parts[1])
        let after = state.models[1].score.total
        #expect(after.count > before.count)
        #expect(after.model == before.model)
    }

    @Test(
        "how often and how long ago has a place in the table of takings, even where it is infinite or no number"
    )
    func cells() {
        #expect(
            RetakeTable.cell(weight: .infinity, gap: .infinity, pace: .nan)
                == RetakeTable.cell(weight: 1e30, gap: 1e30, pace: nil))
        #expect(
            RetakeTable.cell(weight: .nan, gap: .nan, pace: 1)
                == RetakeTable.cell(weight: 1e30, gap: .nan, pace: 1))
        #expect(
            RetakeTable.cell(weight: -1e30, gap: -1, pace: nil)
                == RetakeTable.cell(weight: 1, gap: 0, pace: nil))
    }

    @Test(
        "extreme values in range, one user of all events, and all users on one item leave the state sound",
        arguments: ["extremes", "one user", "one item"])
    func floods(kind: String) async throws {
        var options = smallOptions()
        options.state.models = ModelOptions.defaults
        options.state.defaultModel = "blend"
        options.state.deterministic = true
        options.events.ratings = -2e30...2e30
        options.lookUps.ratings = options.events.ratings
        let live = try LiveEngine(
            options,
            identity: .init(
                factors: 16,
                models: Dictionary(
                    uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) }),
                source: "test"))
        try await live.feedInOrder(Self.ratings(1_000))
        var random = KeyedRandom(seed: 11)
        let flood = (0..<5_000).map { index -> Event in
            let time = Int64(1_000_000 + index)
            let (user, item) = (random.next(below: 50), random.next(below: 60))
            return switch kind {
            case "extremes":
                Event(
                    .rating(
                        user: id("u\(user)"), item: id("i\(item)"), value: index % 2 == 0 ? 1e30 : -1e30),
                    time: time)
            case "one user":
                Event(.rating(user: id("u1"), item: id("i\(item)"), value: Float(3 + index % 3)), time: time)
            default: Event(.rating(user: id("u\(user)"), item: id("i1"), value: 5), time: time)
            }
        }
        try await live.feedInOrder(flood)
        #expect(live.engine.onQueue { $0.violations() }.isEmpty)
        for model in [nil, "stars", "likes", "repeat", "next"] {
            for user in ["u1", "u2", "nobody"] {
                let answer = try live.engine.answer(
                    RecommendQuery(user: id(user), count: 10, model: model, includeSeen: true))
                #expect(answer.items.count == 10, "\(model ?? "default") \(user)")
                #expect(answer.items.allSatisfy { $0.score.isFinite })
            }
        }
        try live.stop()
    }
}
