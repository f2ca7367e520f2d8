import Checkpoints
import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import Learners
import LiveScores
import Locking
import State
import TestSupport
import Testing

@testable import StreamLearning

/// What holds of every learner on the stream.
@Suite("All learners on the stream")
struct FourLearnersTests {
    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    private func rows(_ state: LearnedState) -> [Row] {
        let tables =
            state.models.map(\.items) + state.shards.flatMap { $0.tables + $0.longTerm.compactMap(\.self) }
        return tables.flatMap { table in (0..<table.count).map { table.row($0) } }
    }

    @Test("each learns the planted tastes, better than its baseline")
    func learnsTastes() {
        let state = learned(
            batches(events(20_000, users: 200, items: 400), sizes: [512]), fourLearners(shards: 2))
        let stars = state.models[0].score.total
        #expect(stars.count > 10_000 && stars.model < stars.baseline)
        for model in state.models.dropFirst() {
            let score = model.score.total
            #expect(score.count > 500)
            #expect(score.model > 1.2 * score.baseline, "\(model.options.name)")
            #expect(!model.losesToBaseline && model.rejected == 0)
        }
    }

    @Test("the same batches give the same digest, whatever the timing of the shards", arguments: [2, 4])
    func timingDoesNotMatter(shards: Int) {
        let batches = batches(events(3_000), sizes: [250])
        let quiet = learned(batches, fourLearners(shards: shards))
        var random = KeyedRandom(seed: 8)
        let disturbed = learned(batches, fourLearners(shards: shards)) { state in
            // Some queues are held up before each batch, as look-ups hold them up.
            for shard in state.shards where random.next(below: 2) == 0 {
                shard.queue.async { usleep(500) }
            }
        }
        #expect(quiet.digest() == disturbed.digest())
    }

    @Test("on one shard the state is a function of the log, however batches are cut")
    func cutsDoNotMatter() {
        let events = events(2_000)
        let whole = learned(batches(events, sizes: [2_000]), fourLearners())
        for sizes in [[1], [7, 64, 3], [500, 1]] {
            #expect(learned(batches(events, sizes: sizes), fourLearners()).digest() == whole.digest())
        }
    }

    @Test("a row is folded in against the items that had come by then, however batches are cut")
    func cutsDoNotShowItemsToCome() {
        var options = fourLearners()
        // No block ends: what is compared are the rows as each event left them.
        options.learning.blockEvents = 1_000_000
        let events = events(400)
        let whole = learned(batches(events, sizes: [400]), options)
        for sizes in [[1], [7, 64, 3]] {
            #expect(learned(batches(events, sizes: sizes), options).digest() == whole.digest())
        }
    }

    @Test("a restart at any point, within a block or at its end, goes on as if there had been none")
    func restarts() throws {
        let folder = Folder()
        let all = batches(events(2_000, seed: 4), sizes: [37, 64, 27, 150])
        let undisturbed = learned(all, fourLearners())
        for batch in all {
            // Each batch is learned by a new process, so to say.
            let state = try restored(folder, fourLearners())
            let application = BatchApplication(
                state: state, options: fourLearners().learning)
            application.apply(batch)
            try StateFile(path: folder.state, identity: fourIdentity).write(state.collectChanges())
        }
        #expect(try restored(folder, fourLearners()).digest() == undisturbed.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("a restored state has the digest of the saved one, on any number of shards", arguments: [1, 2, 5])
    func restoreIsExact(shards: Int) throws {
        let folder = Folder()
        let state = learned(batches(events(3_000), sizes: [300]), fourLearners(shards: 2))
        try StateFile(path: folder.state, identity: fourIdentity).write(state.collectChanges())
        #expect(try restored(folder, fourLearners(shards: shards)).digest() == state.digest())
    }

    @Test("a forgotten user leaves no row behind", arguments: [1, 3])
    func forgetting(shards: Int) {
        let ratings = (0..<400).map {
            Event(.rating(user: id("u\($0 % 8)"), item: id("i\($0 * 7 % 50)"), value: 5), time: Int64($0))
        }
        let state = learned(
            batches(ratings + [Event(.forget(user: id("u1")))], sizes: [401]), fourLearners(shards: shards))
        let shard = state.shard(of: 1)
        let local = shard.local(1)
        #expect(shard.users[local].id == nil)
        for table in shard.tables + shard.longTerm.compactMap(\.self) { #expect(table.row(local).isZero) }
    }

    @Test("updates past the norm bound are dropped and counted, and every number stays finite")
    func guardHolds() {
        var options = fourLearners()
        options.state.normMax = 0.2
        let state = learned(batches(events(1_500), sizes: [100]), options)
        #expect(state.models.allSatisfy { $0.rejected > 0 })
        #expect(rows(state).allSatisfy { $0.dot($0).squareRoot() <= 0.2001 })
    }

    @Test("diverging rates are caught by the guard, not served")
    func diverging() {
        var options = fourLearners()
        var (sgd, bpr, warp) = (BiasedSGD.Options(), BPR.Options(), WARP.Options())
        (sgd.learningRate, bpr.learningRate, warp.learningRate) = (1e6, 1e6, 1e30)
        var als = ALS.Options.live
        als.alpha = .infinity
        let positive = PositiveRule(ratingMin: 4)
        options.state.models = [
            ModelOptions(name: "stars", learner: .sgd(sgd)),
            ModelOptions(name: "likes", learner: .bpr(bpr, positive: positive)),
            ModelOptions(name: "warped", learner: .warp(warp, positive: positive)),
            ModelOptions(name: "solved", learner: .als(als, positive: positive)),
        ]
        let state = learned(batches(events(600), sizes: [100]), options)
        #expect(state.models.allSatisfy { $0.rejected > 0 })
        #expect(rows(state).allSatisfy { $0.dot($0).isFinite && $0.bias.isFinite && $0.step.isFinite })
    }

    @Test(
        "one user, one item, a user who has seen everything, more factors than data: no trouble",
        arguments: [1, 4])
    func tinyWorlds(shards: Int) {
        let one = [Event(.rating(user: id("u"), item: id("i"), value: 5))]
        let everything = (0..<90).map {
            Event(.rating(user: id("u"), item: id("i\($0 % 3)"), value: 5), time: Int64($0))
        }
        let equal = (0..<200).map {
            Event(.rating(user: id("u\($0 % 9)"), item: id("i\($0 % 7)"), value: 4), time: Int64($0))
        }
        for (world, block) in [(one, 1), (everything, 10), (equal, 64)] {
            var options = fourLearners(shards: shards)
            options.state.factors = 64
            options.learning.blockEvents = block
            let state = learned(batches(world, sizes: [64]), options)
            #expect(state.counters.applied == Int64(world.count))
            #expect(rows(state).allSatisfy { $0.dot($0).isFinite })
        }
        #expect(
            learned([], fourLearners(shards: shards)).digest()
                == learned([], fourLearners(shards: shards)).digest())
    }

    @Test("the memory of lists and second rows is accounted for")
    func memory() {
        let state = learned(batches(events(3_000), sizes: [300]), fourLearners())
        let without = learned(batches(events(3_000), sizes: [300]), smallOptions())
        let (four, two) = (state.memory(), without.memory())
        // Two models more, and the long-term rows of one of them.
        let table = state.shards[0].users.count * 16 * MemoryLayout<Float>.stride
        #expect(four.users - two.users >= 3 * table)
        #expect(state.models[3].alternating!.bytes > 2_000 * MemoryLayout<Taker>.stride)
        #expect(four.items > two.items + state.models[3].alternating!.bytes)
    }
}
