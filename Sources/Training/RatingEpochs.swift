internal import Factors
internal import Learners

/// Epochs of biased SGD over standardised ratings (`RatingScale`).
final class RatingEpochs: Epochs {
    private let sgd: BiasedSGD
    /// The values are z.
    private let interactions: Interactions
    private let model: FactorModel
    private let team: ShardTeam
    let untrainedLoss: Double
    private let ratingMax: Double

    init(sgd: BiasedSGD, interactions: Interactions, model: FactorModel, team: ShardTeam) {
        (self.sgd, self.model, self.team) = (sgd, model, team)
        let scale = model.scale
        self.interactions = interactions.mapValues { scale.standardised($0) }
        let squares = interactions.values.reduce(0.0) {
            $0 + (Double($1) - scale.mean) * (Double($1) - scale.mean)
        }
        untrainedLoss = (squares / Double(interactions.count)).squareRoot()
        ratingMax = interactions.values.reduce(0.0) { max($0, abs(Double($1))) }
    }

    let lossName = "RMSE"
    let advice = "lower the learning rate or raise the regularization"

    func loss(_ tally: EpochTally) -> Double {
        model.scale.deviation * (tally.lossSum / Double(max(1, tally.lossCount))).squareRoot()
    }

    /// Where all ratings are equal the mean alone is perfect, and new rows are a little beside it.
    var lossMax: Double { 1.1 * untrainedLoss + 0.01 * ratingMax }

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
