import Checkpoints
import Dispatch
import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Identities
import Learners
import Locking
import State
import TestSupport
import Testing
import Training

@testable import HistoryTraining
@testable import StreamLearning

/// What holds of a trained state whichever learners it has; alternating least squares keeps more than rows.
@Suite("A trained state of all learners")
struct TrainedAlternationTests {
    /// Ratings and signals, retractions and forgets, trained by each learner.
    private func trained(shards: Int, events: [Event], sweeps: Int = 3) throws -> StateBuilder {
        let options = fourLearners(shards: shards)
        let builder = StateBuilder(
            options: options.state, learning: options.learning,
            batchEventsMax: options.ingest.batchEventsMax)
        for (offset, event) in events.enumerated() {
            builder.take(event, token: Token(partition: 0, offset: Int64(offset)), time: 0)
        }
        builder.stand(at: [0: Int64(events.count)])
        var als = ALS.Options.live
        als.halfLifeEvents = 0
        let algorithms: [Algorithm] = [
            .sgd(BiasedSGD.Options()), .bpr(BPR.Options()), .warp(WARP.Options()), .als(als),
        ]
        for (number, algorithm) in algorithms.enumerated() {
            var trainer = Trainer(algorithm)
            trainer.factors = options.state.factors
            let model = try trainer.train(
                builder.interactions(of: number), epochsMax: sweeps, seen: builder.seen(),
                initial: builder.initialRows(of: number))
            try builder.install(model, as: number, updates: 1)
        }
        return builder
    }

    @Test("sums are those of the rows, and nothing waits to be solved", arguments: [1, 3])
    func sums(_ shards: Int) throws {
        let state = try trained(shards: shards, events: events(3_000)).state
        let (model, alternating) = (state.models[3], try #require(state.models[3].alternating))
        #expect(alternating.pendingUsers.isEmpty)
        #expect(alternating.pendingItems.isEmpty)
        #expect(alternating.itemGramian.distance(to: Gramian(of: model.items)) < 1e-4)
        var users = Gramian(factors: model.items.factors)
        for shard in state.shards { users.add(all: try #require(shard.longTerm[3])) }
        #expect(alternating.userGramian.distance(to: users) < 1e-4)
        #expect(users.rows > 0)
    }

    @Test("users are served from their newest events, as the stream would serve them", arguments: [1, 3])
    func served(_ shards: Int) throws {
        let state = try trained(shards: shards, events: events(3_000)).state
        guard case .als(let als, let positive) = state.models[3].rule else {
            Issue.record("model 3 is solved")
            return
        }
        let learner = AlternatingLearner(als: als, positive: positive)
        var differs = 0
        for shard in state.shards {
            for local in shard.users.indices where shard.users[local].id != nil {
                let before = shard.tables[3].row(local).vector
                _ = shard.queue.sync { learner.serve(shard, local: local, model: state.models[3], number: 3) }
                #expect(shard.tables[3].row(local).vector == before)
                if before != shard.longTerm[3]?.row(local).vector { differs += 1 }
            }
        }
        #expect(differs > 0)
    }

    @Test("items that nobody takes are as they were born, so that they can be learned from")
    func untaken() throws {
        let dull = Event(.rating(user: id("u0"), item: id("dull"), value: 1))
        let state = try trained(shards: 1, events: events(2_000) + [dull]).state
        let row = try #require(state.items.read { $0.row(of: id("dull")) })
        #expect(state.models[3].positives[Int(row)] == 0)
        #expect(!state.models[3].items.row(Int(row)).isZero)
    }

    @Test("the stream's own sweeps leave what sweeps have settled nearly as it is")
    func settled() throws {
        let state = try trained(shards: 1, events: events(3_000), sweeps: 60).state
        let model = state.models[3]
        let before = (0..<model.items.count).map { model.items.row($0).vector }
        var alternation = try #require(Alternation(state, number: 3))
        alternation.earn(events: 10_000)
        while alternation.hasIdleWork { alternation.workIdly() }
        var (moved, length): (Float, Float) = (0, 0)
        for (row, old) in before.enumerated() where model.positives[row] > 0 {
            for (a, b) in zip(model.items.row(row).vector, old) {
                moved += (a - b) * (a - b)
                length += b * b
            }
        }
        #expect(length > 0)
        #expect(
            (moved / length).squareRoot() < 0.05,
            "items moved by \((moved / length).squareRoot()) of their length")
    }

    @Test("is read back bit for bit, and learned on", arguments: [1, 3])
    func readBack(_ shards: Int) throws {
        let folder = Folder()
        let all = events(2_600)
        let builder = try trained(shards: shards, events: Array(all[..<2_000]))
        let digest = builder.state.digest()
        try builder.write(to: folder.state, source: fourIdentity.source)
        let state = LearnedState(options: fourLearners(shards: shards).state)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        #expect(state.digest() == digest)
        let updates = state.models.map(\.updates)
        let application = BatchApplication(
            state: state, options: fourLearners().learning)
        application.apply(batches(all, sizes: [2_600])[0])
        #expect(state.counters.applied == 2_600)
        for (model, before) in zip(state.models, updates) {
            #expect(model.updates > before && model.rejected == 0, "\(model.options.name)")
        }
    }
}
