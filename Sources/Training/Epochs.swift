/// One algorithm at work on one set of interactions.
protocol Epochs: AnyObject {
    func run(_ epoch: Int) -> EpochTally

    /// What the sums say, in the unit of `lossName`.
    func loss(_ tally: EpochTally) -> Double
    var lossName: String { get }
    /// The loss of a model that knows nothing: all rows nought.
    var untrainedLoss: Double { get }
    /// A loss beyond it is one of a training that diverges.
    var lossMax: Double { get }
    /// What to change where it diverges.
    var advice: String { get }
}

extension Epochs {
    func loss(_ tally: EpochTally) -> Double { tally.lossSum / Double(max(1, tally.lossCount)) }

    // A little above that of no model: what is sampled of the loss may fall to the dear side.
    var lossMax: Double { 1.1 * untrainedLoss + 1e-3 }
}

/// The loss is looked at for one example in this many: to score an example once more costs a fifth of learning it.
func lossInterval(of examples: Int) -> Int { max(1, min(8, examples / 10_000)) }
