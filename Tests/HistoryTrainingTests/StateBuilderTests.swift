import Checkpoints
import Engine
import EngineSupport
import EventLog
import Events
import Factors
import FeatureMaps
import Foundation
import Histories
import Identities
import Learners
import LiveScores
import Locking
import State
import StreamLearning
import TestSupport
import Testing
import Training

@testable import HistoryTraining

@Suite("a state made from history")
struct StateBuilderTests {
    /// Cut small, so that segments, batches and forgets fall everywhere.
    private func options(shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.ingest.batchEventsMax = 97
        return options
    }

    private func built(_ events: [Event], _ options: EngineOptions) -> StateBuilder {
        let builder = StateBuilder(
            options: options.state, learning: options.learning,
            batchEventsMax: options.ingest.batchEventsMax)
        for (offset, event) in events.enumerated() {
            builder.take(event, token: Token(partition: 0, offset: Int64(offset)), time: 0)
        }
        builder.stand(at: [0: Int64(events.count)])
        return builder
    }

    @Test("holds what a daemon would have made of the same events, save what is learned", arguments: [1, 3])
    func sameAsTheDaemon(_ shards: Int) {
        let events = events(3_000)
        var options = options(shards: shards)
        // Rows that move with priors cut what is learned, and nothing moves in a state that is trained afterwards. One shard learns
        // in the log's order wherever that is cut; of several the order depends on it.
        options.state.priors.isOn = shards == 1
        let daemon = learned(batches(events, sizes: [97]), options)
        let builder = built(events, options)
        let state = builder.state
        #expect(state.positions == daemon.positions)
        #expect(state.counters == daemon.counters)
        #expect(state.ratings == daemon.ratings)
        #expect(state.ratings == daemon.ratings)
        expectSameUsers(state, daemon)
        expectSameItems(state, daemon)
        #expect(state.models.allSatisfy { $0.updates == 0 && $0.score.total.count == 0 })
    }

    private func expectSameUsers(_ state: LearnedState, _ daemon: LearnedState) {
        let rows = daemon.users.read { $0.rowCount }
        #expect(state.users.read { $0.rowCount } == rows)
        for row in 0..<Int32(rows) {
            let (one, other) = (state.shard(of: row), daemon.shard(of: row))
            let (a, b) = (one.users[one.local(row)], other.users[other.local(row)])
            #expect(a.id == b.id)
            #expect(a.history.entries == b.history.entries)
            #expect(a.nextOrder == b.nextOrder)
            #expect(a.lastEvent == b.lastEvent)
            #expect(a.residualSum == b.residualSum)
        }
    }

    private func expectSameItems(_ state: LearnedState, _ daemon: LearnedState) {
        #expect(state.stats.count == daemon.stats.count)
        for row in 0..<daemon.stats.count {
            #expect(state.stats[row].users == daemon.stats[row].users)
            #expect(state.stats[row].ratingSum == daemon.stats[row].ratingSum)
            for (a, b) in zip(state.models, daemon.models) {
                #expect(a.positives[row] == b.positives[row])
                #expect(a.counts[row].popular == b.counts[row].popular)
            }
        }
        let titles = { (state: LearnedState) in state.catalogue.read { $0.entries.map(\.title) } }
        #expect(titles(state) == titles(daemon))
    }

    @Test("gives each model what it accepts: ratings as they are, what was taken by its weight")
    func interactions() throws {
        var options = options()
        options.events.signals = ["click": 0.5]
        let builder = built(
            [
                Event(.rating(user: id("a"), item: id("x"), value: 5)),
                Event(.rating(user: id("a"), item: id("y"), value: 2)),
                Event(.signal(user: id("b"), item: id("y"), name: "click")),
                Event(.rating(user: id("b"), item: id("x"), value: 3)),
                Event(.rating(user: id("b"), item: id("x"), value: 4)),
                Event(.rating(user: id("b"), item: id("z"), value: 5)),
                Event(.retract(user: id("b"), item: id("z"))),
                Event(.rating(user: id("c"), item: id("x"), value: 5)), Event(.forget(user: id("c"))),
            ], options)
        let stars = builder.interactions(of: 0)
        #expect(stars.users == [0, 0, 1])
        #expect(stars.items == [0, 1, 0])
        #expect(stars.values == [5, 2, 4])
        let likes = builder.interactions(of: 1)
        #expect(likes.users == [0, 1, 1])
        #expect(likes.items == [0, 0, 1])
        #expect(likes.values == [1, 1, 0.5])
        #expect(builder.seen().count == 4)
        // Recency is the order of the user's own events: b's click came before its rating.
        #expect(likes.times[2] < likes.times[1])
    }

    @Test("signals are trained on with the weights of the stream, and dislikes are not")
    func signalWeights() {
        var options = options()
        options.events.signals = ["click": 1, "purchase": 10, "dislike": -2]
        func signal(_ item: String, _ name: String) -> Event {
            Event(.signal(user: id("a"), item: id(item), name: name))
        }
        let builder = built(
            [
                signal("x", "purchase"), signal("x", "click"), signal("y", "click"), signal("z", "click"),
                signal("z", "dislike"), Event(.rating(user: id("a"), item: id("y"), value: 5)),
                signal("w", "purchase"), Event(.rating(user: id("a"), item: id("w"), value: 1)),
            ], options)
        let likes = builder.interactions(of: 1)
        #expect(likes.items == [0, 1])
        #expect(likes.values == [LikingWeight.saturated(11), LikingWeight.saturated(2)])
        #expect(builder.seen().count == 4)
    }

    @Test("new rows are those that the daemon draws")
    func initialRows() throws {
        let events = events(200)
        let builder = built(events, options())
        let trained = try trainer(.sgd(BiasedSGD.Options())).train(
            builder.interactions(of: 0), epochsMax: 0, initial: builder.initialRows(of: 0))
        for row in 0..<trained.users.count where builder.state.shards[0].users[row].id != nil {
            #expect(trained.users.row(row).vector == builder.state.shards[0].tables[0].row(row).vector)
        }
        for row in 0..<trained.items.count {
            #expect(trained.items.row(row).vector == builder.state.models[0].items.row(row).vector)
        }
    }

    @Test("a rating model predicts in the state what it predicted when it was trained", arguments: [1, 3])
    func installRatings(_ shards: Int) throws {
        // Ratings given twice, retracted and forgotten: the daemon's mean is not that of what stands.
        let builder = built(events(3_000), options(shards: shards))
        let interactions = builder.interactions(of: 0)
        let trained = try trainer(.sgd(BiasedSGD.Options())).train(
            interactions, epochsMax: 3, initial: builder.initialRows(of: 0))
        try builder.install(trained, as: 0, updates: 3 * interactions.count)
        let state = builder.state
        #expect(trained.scale != state.ratings.scale)
        let sgd = BiasedSGD(options: BiasedSGD.Options(), updateGuard: builder.updateGuard)
        for index in stride(from: 0, to: interactions.count, by: 7) {
            let (user, item) = (interactions.users[index], Int(interactions.items[index]))
            let shard = state.shard(of: user)
            let served = state.ratings.scale.rating(
                sgd.predict(
                    mean: 0, user: shard.tables[0].row(shard.local(user)),
                    item: state.models[0].items.row(item)))
            #expect(abs(served - trained.predict(user: Int(user), item: item)) < 1e-4)
        }
        #expect(state.models[0].updates == 3 * interactions.count)
    }

    @Test("is written, read back by the daemon and learned on from its positions")
    func writtenAndReadBack() throws {
        let folder = Folder()
        let (all, options) = (events(2_500), options(shards: 2))
        let builder = built(Array(all[..<2_000]), options)
        for (number, algorithm) in [Algorithm.sgd(BiasedSGD.Options()), .bpr(BPR.Options())].enumerated() {
            let model = try trainer(algorithm).train(
                builder.interactions(of: number), epochsMax: 2, initial: builder.initialRows(of: number))
            try builder.install(model, as: number, updates: 1)
        }
        let digest = builder.state.digest()
        try builder.write(to: folder.state, source: twoIdentity.source)
        #expect(try StateFile.verify(path: folder.state).problems.isEmpty)

        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let state = LearnedState(options: options.state)
        try file.read(into: StateLoader(state: state, path: folder.state))
        #expect(state.digest() == digest)
        // The log hands out everything again: only what is new is learned.
        let application = BatchApplication(
            state: state, options: options.learning)
        application.apply(batches(all, sizes: [2_500])[0])
        #expect(state.counters.applied == 2_500)
        #expect(state.positions == [0: 2_500])
    }

    @Test("replaces an older state whole, its write-ahead log included")
    func replacesOlder() throws {
        let folder = Folder()
        try built(events(100), options()).write(to: folder.state, source: twoIdentity.source)
        // A daemon that was killed leaves transactions in the -wal.
        let older = try StateFile(path: folder.state, identity: twoIdentity)
        let daemon = built(events(300), options())
        try older.write(daemon.state.collectChanges())
        #expect(FileManager.default.fileExists(atPath: folder.state + "-wal"))
        let copy = folder.path + "/killed.sqlite"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: folder.state + suffix, toPath: copy + suffix)
        }
        try older.close()
        let newer = built(events(50), options())
        let digest = newer.state.digest()
        try newer.write(to: copy, source: twoIdentity.source)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "killed.sqlite", "state.sqlite",
            ])
        let state = LearnedState(options: options().state)
        let file = try StateFile(path: copy, identity: twoIdentity)
        try file.read(into: StateLoader(state: state, path: copy))
        #expect(state.digest() == digest)
    }

    @Test("that cannot be written leaves what was there, and nothing half-made")
    func cannotBeWritten() throws {
        let folder = Folder()
        let missing = folder.path + "/no/such/folder/state.sqlite"
        #expect(throws: StateError.self) {
            try built(events(50), options()).write(to: missing, source: twoIdentity.source)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    private func trainer(_ algorithm: Algorithm) -> Trainer {
        var trainer = Trainer(algorithm)
        trainer.factors = 16
        return trainer
    }
}
