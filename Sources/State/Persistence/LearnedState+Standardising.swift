internal import Dispatch
internal import Factors
internal import Histories
internal import Learners

extension LearnedState {
    /// Takes over a state of before ratings were standardised: the spread of ratings from the histories, and the rows of
    /// models of ratings in deviations rather than in the ratings' unit. They predict what they predicted.
    func standardiseRatings() {
        guard ratings.count > 0 else { return }
        let spread = RatingMoments(of: ratingsThatStand())
        guard spread.count > 0 else { return }
        let variance = spread.squares / Double(spread.count)
        ratings = RatingMoments(
            count: ratings.count, sum: ratings.sum, squares: variance * Double(ratings.count))
        let deviation = ratings.scale.deviation
        guard deviation > 0 else { return }
        for (number, model) in models.enumerated() where model.rule.predictsRatings {
            for row in 0..<model.items.count { model.items.row(row).standardise(deviation) }
            for shard in shards {
                shard.queue.sync {
                    for local in shard.users.indices where shard.users[local].isSomebody {
                        shard.tables[number].row(local).standardise(deviation)
                        shard.tables[number].mark(.unsaved, at: local)
                    }
                }
            }
            for row in 0..<model.items.count { model.items.mark(.unsaved, at: row) }
        }
    }

    private func ratingsThatStand() -> [Float] {
        shards.flatMap { shard in
            shard.queue.sync {
                shard.users.indices.flatMap { local in
                    shard.users[local].history.entries.lazy.filter { $0.kind == .rating }.map(\.value)
                }
            }
        }
    }
}

extension Row {
    /// From the ratings' unit to deviations: the product of two rows falls by the deviation.
    fileprivate func standardise(_ deviation: Double) {
        let factor = Float(1 / deviation.squareRoot())
        for lane in indices { self[lane] = factor * self[lane] }
        bias = Float(Double(bias) / deviation)
    }
}
