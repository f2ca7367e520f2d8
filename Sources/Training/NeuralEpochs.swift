internal import Factors
internal import Learners
internal import Locking

/// Epochs of a network over standardised ratings (`RatingScale`), and of the rows below it.
///
/// Rows belong to cells as those of every learner. The network is read while the shards learn a block of events, each
/// shard summing what it would have it learn; then the sums are added in the order of the shards, and one step is taken.
final class NeuralEpochs: Epochs {
    private let rule: NeuralRating
    /// The values are z.
    private let interactions: Interactions
    private let model: FactorModel
    private let network: RatingNetwork
    private let team: ShardTeam
    private let rooms: [NetworkRoom]
    private let sums: [NetworkSums]
    private let ratings: RatingLoss

    init(rule: NeuralRating, interactions: Interactions, model: FactorModel, team: ShardTeam) {
        (self.rule, self.model, self.team) = (rule, model, team)
        let (options, scale) = (rule.options, model.scale)
        let network =
            model.neural?.network
            ?? RatingNetwork(
                hidden: options.hidden, second: options.secondHidden, factors: model.factors, seed: team.seed)
        self.network = network
        self.interactions = interactions.mapValues { scale.standardised($0) }
        let (hidden, second, factors) = (options.hidden, options.secondHidden, model.factors)
        rooms = (0..<team.shards).map { _ in NetworkRoom(hidden: hidden, second: second, factors: factors) }
        sums = (0..<team.shards).map { _ in NetworkSums(hidden: hidden, second: second, factors: factors) }
        ratings = RatingLoss(interactions, scale: scale)
    }

    let lossName = "RMSE"
    let advice = "lower the learning rates or raise the regularization"
    var untrainedLoss: Double { ratings.untrained }
    var lossMax: Double { ratings.max }

    func loss(_ tally: EpochTally) -> Double { ratings.error(tally) }

    func run(_ epoch: Int) -> EpochTally {
        let grid = EpochGrid(interactions, team: team, epoch: epoch)
        var tally = EpochTally()
        for round in 0..<team.shards {
            tally.add(run(round, of: grid, epoch))
        }
        return tally
    }

    private func run(_ round: Int, of grid: EpochGrid, _ epoch: Int) -> EpochTally {
        let (shards, options) = (team.shards, rule.options)
        // One shard has nobody to wait for, and goes on from block to block.
        if shards == 1 {
            return learn(round, of: grid, epoch) { cell in
                var tally = EpochTally()
                for start in stride(from: 0, to: cell.count, by: options.blockEvents) {
                    tally.add(cell.learn(start..<min(cell.count, start + options.blockEvents)))
                    tally.rejected += cell.takeStep()
                }
                return tally
            }
        }
        let block = max(1, options.blockEvents / shards)
        let longest = (0..<shards).map { grid.count(round: round, userShard: $0) }.max() ?? 0
        var tally = EpochTally()
        for start in stride(from: 0, to: longest, by: block) {
            let ofBlock = learn(round, of: grid, epoch, isShuffled: start > 0) { cell in
                cell.learn(min(cell.count, start)..<min(cell.count, start + block))
            }
            tally.add(ofBlock)
            for other in sums.dropFirst() { sums[0].take(from: other) }
            if network.step(sums[0], options.network, rule.updateGuard) == .rejected { tally.rejected += 1 }
        }
        return tally
    }

    /// Calls `body` with each shard's cell of a round, on the shard's queue.
    private func learn(
        _ round: Int, of grid: EpochGrid, _ epoch: Int, isShuffled: Bool = false,
        _ body: @escaping @Sendable (borrowing Cell) -> EpochTally
    ) -> EpochTally {
        let (rule, model, network, team, rooms, sums) = (rule, model, network, team, rooms, sums)
        let interval = lossInterval(of: interactions.count)
        return team.onEachShard { shard in
            let (part, examples) = grid.cell(round: round, userShard: shard, isShuffled: isShuffled)
            return body(
                Cell(
                    lease: team.leases.lend(part, of: grid.assignment), examples: examples, rule: rule,
                    model: model, network: network, sums: sums[shard], room: rooms[shard],
                    lossInterval: interval,
                    firstKey: UInt64(((epoch * team.shards + round) * team.shards + shard)) << 32))
        }
    }

    /// The examples of a cell, while its shard's queue learns them.
    private struct Cell: ~Copyable {
        let lease: RowLease
        let examples: UnsafeBufferPointer<TrainingExample>
        let rule: NeuralRating
        let model: FactorModel
        let network: RatingNetwork
        let sums: NetworkSums
        let room: NetworkRoom
        let lossInterval: Int
        /// What the keys of its examples begin with.
        let firstKey: UInt64

        var count: Int { examples.count }

        func learn(_ range: Range<Int>) -> EpochTally {
            var tally = EpochTally()
            for place in range {
                let example = examples[place]
                let (predicted, result) = rule.update(
                    rating: example.value, user: model.users.row(Int(example.user)),
                    item: lease.row(Int(example.item), of: model.items), network: network, sums: sums,
                    room: room, key: firstKey | UInt64(place))
                if place % lossInterval == 0 {
                    let error = Double(example.value - predicted)
                    tally.lossSum += error * error
                    tally.lossCount += 1
                }
                if result == .applied { tally.updates += 1 } else { tally.rejected += 1 }
            }
            return tally
        }

        /// 1 where it was refused.
        func takeStep() -> Int {
            network.step(sums, rule.options.network, rule.updateGuard) == .rejected ? 1 : 0
        }
    }
}
