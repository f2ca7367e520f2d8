import Checkpoints
import Engine
import EngineSupport
import Evaluation
import Events
import Factors
import Learners
import LiveScores
import State
import TestSupport
import Testing

@testable import StreamLearning

@Suite("Comparing and promoting models on the stream")
struct PromotionTests {
    private static let positive = PositiveRule(ratingMin: 4)

    /// What is popular begins as the default, and the tastes are planted: it must lose to whoever learns them.
    private func options(shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.state.models = [
            ModelOptions(name: "stars", learner: .sgd(.live)),
            ModelOptions(
                name: "popular", learner: .counter(CounterOptions(.popular), positive: Self.positive)),
            ModelOptions(name: "likes", learner: .bpr(.live, positive: Self.positive)),
        ]
        options.state.defaultModel = "best"
        options.state.scoreWindowEvents = 10_000
        return options
    }

    private static let identity = StateIdentity(
        factors: 16, models: ["stars": "sgd", "popular": "popular", "likes": "bpr"], source: "test")

    /// Users who like what those of their group of fifty like, thirty of 600 items, half of them more than the others.
    private static let stream: [Event] = {
        var random = KeyedRandom(seed: 6)
        return (0..<30_000).map { index in
            let user = random.next(below: 1_000)
            let own = random.nextUnit() < 0.9
            let item = own ? user % 20 + 20 * random.next(below: 30) : random.next(below: 600)
            let value = own ? 4 + item / 20 % 2 : 1 + item / 20 % 2
            return Event(
                .rating(user: id("u\(user)"), item: id("i\(item)"), value: Float(value)),
                time: Int64(index) * 1000)
        }
    }()

    @Test(
        "every model is put to the same events, whatever it learns from, and its own score is taken on them")
    func sameEvents() throws {
        let state = learned(batches(Self.stream, sizes: [700]), options())
        let likes = try #require(state.models.firstIndex { $0.options.name == "likes" })
        let counts = (0..<3).flatMap { model in
            (0..<3).filter { $0 != model }.map { state.comparison.pairs.total(model, over: $0).count }
        }
        #expect(Set(counts).count == 1)
        #expect(counts[0] == state.models[likes].score.total.count && counts[0] > 700)
        let difference =
            state.models[likes].score.total.model - state.models[1].score.total.model
        #expect(state.comparison.pairs.total(likes, over: 1).sum == difference)
    }

    @Test(
        "a better model is promoted at the same event however batches are cut, on any number of shards anew")
    func cutsDoNotMatter() throws {
        let whole = learned(batches(Self.stream, sizes: [Self.stream.count]), options())
        let promoted = try #require(whole.comparison.defaultModel.promoted)
        #expect(promoted.model == "likes" && promoted.over == "popular")
        #expect(promoted.ordinal < 30_000)
        for sizes in [[1_000], [7, 640, 3]] {
            let cut = learned(batches(Self.stream, sizes: sizes), options())
            #expect(cut.comparison.defaultModel.promoted == promoted)
            #expect(cut.digest() == whole.digest())
        }
        let sharded = learned(batches(Self.stream, sizes: [500]), options(shards: 2))
        #expect(sharded.comparison.defaultModel.name == "likes")
    }

    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    @Test("restarted again and again, the same model is promoted at the same event")
    func restarts() throws {
        let folder = Folder()
        let undisturbed = learned(batches(Self.stream, sizes: [5_000]), options())
        for batch in batches(Self.stream, sizes: [1_300, 2_111]) {
            let state = try restored(folder, options())
            BatchApplication(state: state, options: options().learning).apply(batch)
            try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        }
        let state = try restored(folder, options())
        #expect(state.comparison == undisturbed.comparison)
        #expect(state.digest() == undisturbed.digest())
    }

    @Test("PROMOTE holds from its place in the log on, whatever batch it comes in; of two the later one")
    func asked() throws {
        var configured = options()
        configured.state.defaultModel = "popular"
        var stream = Array(Self.stream.prefix(3_000))
        stream.insert(Event(.promote(model: "stars")), at: 700)
        stream.insert(Event(.promote(model: "likes")), at: 1_500)
        stream.insert(Event(.promote(model: "nobody")), at: 1_501)
        let whole = learned(batches(stream, sizes: [3_003]), configured)
        let model = whole.comparison.defaultModel
        #expect(model.name == "likes" && model.promotions == 2)
        #expect(model.promoted?.token == Token(partition: 0, offset: 1_500))
        #expect(model.promoted?.over == "stars" && model.promoted?.ordinal == 1_501)
        #expect(whole.counters.promotions == 3)
        for sizes in [[1], [700, 1, 64]] {
            #expect(learned(batches(stream, sizes: sizes), configured).digest() == whole.digest())
        }
        let before = learned(batches(Array(stream.prefix(1_500)), sizes: [333]), configured)
        #expect(before.comparison.defaultModel.name == "stars")
        // Promoted by hand, a model that is not the best gives way again where the best is asked for.
        stream = Self.stream
        stream.insert(Event(.promote(model: "stars")), at: 20)
        #expect(learned(batches(stream, sizes: [999]), options()).comparison.defaultModel.name == "likes")
    }

    @Test("models of ratings alone are compared by the variance they explain, on every rating")
    func ratingsAlone() throws {
        var options = options()
        var idle = BiasedSGD.Options.live
        (idle.learningRate, idle.biasLearningRate, idle.biasShrinkage) = (0, 0, 0)
        (idle.userLearningRate, idle.userBiasLearningRate, idle.replays) = (0, 0, 0)
        options.state.models = [
            ModelOptions(name: "idle", learner: .sgd(idle)),
            ModelOptions(name: "stars", learner: .sgd(.live)),
        ]
        let state = learned(batches(Self.stream, sizes: [800]), options)
        #expect(state.comparison.measure == .explained)
        #expect(state.comparison.pairs.total(1, over: 0).count > 20_000)
        #expect(state.comparison.defaultModel.name == "stars")
        #expect(state.comparison.defaultModel.promoted?.lead?.measure == "explained-variance")
    }
}
