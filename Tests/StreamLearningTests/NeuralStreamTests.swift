import Checkpoints
import Engine
import EngineSupport
import Events
import Factors
import Learners
import LiveScores
import State
import TestSupport
import Testing

@testable import StreamLearning

/// A network over rows, alone and beside their product: what every learner has to do on the stream, and what its steps
/// between blocks add to that.
@Suite("Networks on the stream")
struct NeuralStreamTests {
    private static let identity = StateIdentity(
        factors: 16, models: ["alone": "mlp", "beside": "mlp"], source: "test")

    private func options(
        shards: Int = 1, hidden: Int = 20, _ change: (inout NeuralRating.Options) -> Void = { _ in }
    ) -> EngineOptions {
        var options = smallOptions(shards: shards)
        var (alone, beside) = (NeuralRating.Options.live, NeuralRating.Options.live)
        (alone.hidden, beside.hidden) = (hidden, hidden)
        (alone.blockEvents, beside.blockEvents) = (32, 50)
        beside.mix = 0.5
        change(&alone)
        change(&beside)
        options.state.models = [
            ModelOptions(name: "alone", learner: .mlp(alone)),
            ModelOptions(name: "beside", learner: .mlp(beside)),
        ]
        options.state.defaultModel = "alone"
        return options
    }

    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    @Test("learn the planted tastes, better than the means, on any number of shards", arguments: [1, 2])
    func learnsTastes(shards: Int) throws {
        let state = learned(
            batches(events(20_000, users: 200, items: 400), sizes: [512]), options(shards: shards))
        for model in state.models {
            let score = model.score.total
            #expect(
                score.count > 10_000 && score.model < 0.82 * score.baseline,
                "\(model.options.name): \(score.model / score.baseline) of the baseline")
            #expect(model.rejected == 0)
            let network = try #require(model.network)
            #expect(network.network.steps > 300 && network.network.isFinite)
        }
    }

    @Test("the state is a function of the log on one shard, however batches are cut")
    func cutsDoNotMatter() {
        let events = events(2_000)
        let whole = learned(batches(events, sizes: [2_000]), options())
        for sizes in [[1], [7, 64, 3], [500, 1]] {
            #expect(learned(batches(events, sizes: sizes), options()).digest() == whole.digest())
        }
    }

    @Test("the same of two layers with units left out, and after restarts")
    func deep() throws {
        let options = options {
            $0.secondHidden = 12
            $0.dropout = 0.3
        }
        let folder = Folder()
        let events = events(1_200, seed: 4)
        let whole = learned(batches(events, sizes: [1_200]), options)
        #expect(whole.models[0].network?.network.second == 12)
        for batch in batches(events, sizes: [37, 64, 250]) {
            let state = try restored(folder, options)
            BatchApplication(state: state, options: options.learning).apply(batch)
            try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        }
        let state = try restored(folder, options)
        #expect(state.digest() == whole.digest() && state.violations() == [])
        // One layer less is another network, which starts anew.
        #expect(try restored(folder, self.options()).models[0].network?.network.steps == 0)
    }

    @Test("several shards add up in one order, whatever their timing")
    func timingDoesNotMatter() {
        let batches = batches(events(2_000), sizes: [250])
        let first = learned(batches, options(shards: 3)).digest()
        #expect(learned(batches, options(shards: 3)).digest() == first)
    }

    @Test("a restart at any point, within a block or at its end, goes on as if there had been none")
    func restarts() throws {
        let folder = Folder()
        let all = batches(events(1_500, seed: 4), sizes: [37, 64, 27, 150])
        let undisturbed = learned(all, options())
        for batch in all {
            let state = try restored(folder, options())
            BatchApplication(state: state, options: options().learning).apply(batch)
            try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        }
        #expect(try restored(folder, options()).digest() == undisturbed.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("what is frozen for a checkpoint holds the network too")
    func frozen() throws {
        let folder = Folder()
        let state = learned(batches(events(1_000), sizes: [300]), options())
        let frozen = state.freeze()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(frozen.head)
        while let page = frozen.nextPage() { try file.write(page) }
        state.thaw(frozen, isSaved: true)
        #expect(try restored(folder, options()).digest() == state.digest())
    }

    @Test("the digest tells a network from another")
    func digestSeesIt() {
        let all = batches(events(500), sizes: [100])
        let (one, other) = (learned(all, options()), learned(all, options()))
        #expect(one.digest() == other.digest())
        other.models[0].network?.network.rescale(rows: 1, output: 1.001)
        #expect(one.digest() != other.digest())
    }

    @Test("a network of another width starts anew, and what was learned of rows stays")
    func otherWidth() throws {
        let folder = Folder()
        let state = learned(batches(events(1_000), sizes: [300]), options())
        try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        let wider = try restored(folder, options(hidden: 40))
        #expect(wider.models[0].network?.network.steps == 0)
        #expect(wider.models[0].items.row(3).vector == state.models[0].items.row(3).vector)
        BatchApplication(state: wider, options: options(hidden: 40).learning).apply(
            batches(events(1_400), sizes: [1_400])[0])
        #expect(wider.violations() == [])
    }

    @Test(
        "rates that diverge are caught by the guard: every number stays finite",
        arguments: [
            (1e6, 0.001, 0), (0.05, 1e6, 0), (1e30, 1e30, 0), (1e6, 1e6, 1), (0.05, .infinity, 0.2),
        ] as [(Float, Float, Float)])
    func diverging(rows: Float, network: Float, mix: Float) {
        let options = options(shards: 2) { options in
            (options.rows.learningRate, options.rows.userLearningRate) = (rows, rows)
            (options.network.learningRate, options.mix) = (network, mix)
        }
        // Debug builds look at all numbers after each batch.
        let state = learned(batches(events(600), sizes: [100]), options)
        #expect(state.models.allSatisfy { $0.rejected > 0 })
        #expect(state.violations() == [])
    }

    @Test("ratings a billion times as large as others do no harm")
    func extremes() {
        var random = KeyedRandom(seed: 2)
        let values: [Float] = [1e9, -1e9, 1e-9, 0, 5, 1e6, -1e6]
        let events = (0..<700).map { number in
            Event(
                .rating(
                    user: id("u\(random.next(below: 9))"), item: id("i\(random.next(below: 30))"),
                    value: values[random.next(below: values.count)]), time: Int64(number))
        }
        for shards in [1, 3] {
            #expect(learned(batches(events, sizes: [100]), options(shards: shards)).violations() == [])
        }
    }

    @Test("memory counts the network, its moments and what waits for its step")
    func memory() {
        let all = batches(events(1_000), sizes: [300])
        let (wide, narrow) = (learned(all, options(hidden: 160)), learned(all, options(hidden: 16)))
        // Of each of two models 144 units more, of 34 numbers: five times, and what is turned.
        let more = 2 * 144 * (5 * 34 + 32) * MemoryLayout<Float>.stride
        #expect(wide.memory().items - narrow.memory().items == more)
        let users = learned(all, options(shards: 2, hidden: 160)).memory().users
        #expect(users - learned(all, options(shards: 2, hidden: 16)).memory().users == 2 * 2 * 144 * 34 * 4)
    }
}
