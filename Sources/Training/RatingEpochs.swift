internal import Factors
internal import Learners

/// Epochs of biased SGD over standardised ratings (`RatingScale`).
final class RatingEpochs: Epochs {
    private let sgd: BiasedSGD
    /// The values are z.
    private let interactions: Interactions
    private let model: FactorModel
    private let team: ShardTeam
    private let ratings: RatingLoss

    init(sgd: BiasedSGD, interactions: Interactions, model: FactorModel, team: ShardTeam) {
        (self.sgd, self.model, self.team) = (sgd, model, team)
        let scale = model.scale
        self.interactions = interactions.mapValues { scale.standardised($0) }
        ratings = RatingLoss(interactions, scale: scale)
    }

    let lossName = "RMSE"
    let advice = "lower the learning rate or raise the regularization"

    var untrainedLoss: Double { ratings.untrained }
    var lossMax: Double { ratings.max }

    func loss(_ tally: EpochTally) -> Double { ratings.error(tally) }

    func run(_ epoch: Int) -> EpochTally {
        let (sgd, model, scratches) = (sgd, model, team.scratches)
        let interval = lossInterval(of: interactions.count)
        return team.onEachCell(interactions, epoch: epoch) { shard, examples, lease in
            var tally = EpochTally()
            for (place, example) in examples.enumerated() {
                let user = model.users.row(Int(example.user))
                let item = lease.row(Int(example.item), of: model.items)
                if place % interval == 0 {
                    let error = Double(
                        example.value - sgd.predict(mean: 0, user: user, item: item))
                    tally.lossSum += error * error
                    tally.lossCount += 1
                }
                let result = sgd.update(
                    rating: example.value, mean: 0, user: user, item: item,
                    scratch: scratches[shard])
                if result == .applied { tally.updates += 1 } else { tally.rejected += 1 }
            }
            return tally
        }
    }
}
