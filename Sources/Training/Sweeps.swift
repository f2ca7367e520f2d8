internal import Factors
internal import Learners

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Sweeps of ALS in two phases: all shards solve items, users are read-only; then all shards solve users.
///
/// Users come last, as they do on the stream: what is left behind is each user folded in on the items as they are.
final class Sweeps: Epochs {
    private let als: ALS
    private let model: FactorModel
    private let team: ShardTeam
    private let byUser: GroupedInteractions
    private let byItem: GroupedInteractions
    /// The weight of each of `byUser`'s events for its user, which recency may lower.
    private let userWeights: [Float]
    private let workspaces: [ALSWorkspace]
    let untrainedLoss: Double
    private let count: Int

    init(als: ALS, interactions: Interactions, model: FactorModel, team: ShardTeam) {
        (self.als, self.model, self.team, count) = (als, model, team, interactions.count)
        let byUser = interactions.grouped(by: .user, order: .time)
        self.byUser = byUser
        byItem = interactions.grouped(by: .item)
        userWeights = Self.recencyWeights(byUser, als.options)
        workspaces = (0..<team.shards).map { _ in ALSWorkspace(factors: model.factors) }
        untrainedLoss =
            interactions.values.reduce(0.0) { $0 + 1 + Double(als.options.alpha * $1) } / Double(count)
    }

    private static func recencyWeights(_ byUser: GroupedInteractions, _ options: ALS.Options) -> [Float] {
        guard options.halfLifeEvents > 0 else { return byUser.values }
        var weights = byUser.values
        for user in 0..<byUser.groups {
            let range = byUser.range(user)
            for place in range {
                weights[place] *= options.recencyWeight(eventsAgo: range.upperBound - 1 - place)
            }
        }
        return weights
    }

    let lossName = "objective"
    let advice = "raise the regularization"

    func run(_ epoch: Int) -> EpochTally {
        // Items start at random: the first sweep has to look at them before it may solve them.
        var tally = epoch == 0 ? solveUsers() : EpochTally()
        (tally.lossSum, tally.lossCount) = (0, 0)
        tally.add(solve(model.items, grouped: byItem, weights: byItem.values, others: model.users))
        tally.add(solveUsers())
        return tally
    }

    private func solveUsers() -> EpochTally {
        solve(model.users, grouped: byUser, weights: userWeights, others: model.items)
    }

    private func solve(
        _ table: FactorTable, grouped: GroupedInteractions, weights: [Float], others: FactorTable
    ) -> EpochTally {
        let gramian = Gramian(of: others)
        let (als, workspaces, users) = (als, workspaces, team.userAssignment)
        return team.onEachShard { shard in
            var tally = EpochTally()
            let workspace = workspaces[shard]
            for index in 0..<table.count where users.shard(of: index) == shard {
                workspace.clear()
                for place in grouped.range(index) {
                    als.append(others.row(Int(grouped.others[place])), weight: weights[place], to: workspace)
                }
                let result = als.solve(gramian: gramian, into: table.row(index), workspace: workspace)
                if result == .applied { tally.updates += 1 } else { tally.rejected += 1 }
            }
            return tally
        }
    }

    /// Σ c (y − p·q)² over all cells, decay included, per event; the cells not taken by way of the Gramians.
    func loss(_ tally: EpochTally) -> Double {
        let (users, items) = (Gramian(of: model.users), Gramian(of: model.items))
        let (byUser, model, als, assignment) = (byUser, model, als, team.userAssignment)
        let taken = team.onEachShard { shard in
            var tally = EpochTally()
            for user in 0..<byUser.groups where assignment.shard(of: user) == shard {
                let row = model.users.row(user)
                for place in byUser.range(user) {
                    let score = Double(als.score(user: row, item: model.items.row(Int(byUser.others[place]))))
                    let confidence = 1 + Double(als.options.alpha * byUser.values[place])
                    tally.lossSum += confidence * (1 - score) * (1 - score) - score * score
                }
            }
            return tally
        }
        var sum = taken.lossSum + decay(model.users, byUser, others: items.rows)
        sum += decay(model.items, byItem, others: users.rows)
        for row in 0..<model.factors {
            for column in 0..<model.factors { sum += users[row, column] * items[row, column] }
        }
        return sum / Double(count)
    }

    private func decay(_ table: FactorTable, _ grouped: GroupedInteractions, others: Int) -> Double {
        let options = als.options
        return (0..<table.count).reduce(0.0) { sum, index in
            let row = table.row(index)
            let confidence = grouped.values[grouped.range(index)].reduce(Float(others)) {
                $0 + options.alpha * $1
            }
            return sum
                + Double(
                    options.regularization * pow(confidence, options.regularizationPower) * row.dot(row))
        }
    }
}
