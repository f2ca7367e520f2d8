import Engine
import EngineSupport
import Events
import Factors
import Learners
import State
import Testing
import Training

@testable import HistoryTraining

@Suite("A trained state with a network")
struct TrainedNetworkTests {
    @Test("predicts in the state what it predicted when it was trained", arguments: [0, 0.5] as [Float])
    func installs(mix: Float) throws {
        var learner = NeuralRating.Options.live
        (learner.hidden, learner.mix) = (24, mix)
        var options = smallOptions(shards: 2)
        options.state.models = [ModelOptions(name: "m", learner: .mlp(learner))]
        options.state.defaultModel = "m"
        let builder = StateBuilder(
            options: options.state, learning: options.learning,
            batchEventsMax: options.ingest.batchEventsMax)
        // Ratings given twice, retracted and forgotten: the daemon's mean is not that of what stands.
        for (offset, event) in events(3_000).enumerated() {
            builder.take(event, token: Token(partition: 0, offset: Int64(offset)), time: 0)
        }
        let interactions = builder.interactions(of: 0)
        var trainer = Trainer(.mlp(learner))
        trainer.factors = options.state.factors
        let trained = try trainer.train(
            interactions, epochsMax: 3, initial: builder.initialRows(of: 0))
        try builder.install(trained, as: 0, updates: 1)
        let state = builder.state
        #expect(trained.scale != state.ratings.scale)
        let (model, rule) = (
            state.models[0], NeuralRating(options: learner, updateGuard: builder.updateGuard)
        )
        let network = try #require(model.network).network
        for index in stride(from: 0, to: interactions.count, by: 7) {
            let (user, item) = (interactions.users[index], Int(interactions.items[index]))
            let shard = state.shard(of: user)
            let served = state.ratings.scale.rating(
                rule.predict(
                    user: shard.tables[0].row(shard.local(user)), item: model.items.row(item),
                    network: network, room: NetworkRoom(hidden: 24, factors: options.state.factors)))
            #expect(abs(served - trained.predict(user: Int(user), item: item)) < 1e-4)
        }
    }
}
