public import Factors
public import Learners

/// Trains one algorithm on interactions held in memory, by epochs (`sgd`, `bpr`, `warp`, `mlp`) or sweeps (`als`).
///
/// The same interactions, seed and number of shards give the same model to the bit, on however many cores. `als` gives
/// the same whatever the number of shards.
public struct Trainer: Sendable {
    public var algorithm: Algorithm
    /// K, a positive multiple of eight.
    public var factors = 64
    public var seed: UInt64 = 1
    /// Queues that learn side by side.
    public var shards = 1
    /// Multiplies the vectors of a new model's rows.
    public var initialScale: Float = 1
    public var updateGuard = UpdateGuard(normMax: 100)
    /// Share of an epoch's updates that the guard may refuse before training stops.
    public var rejectedShareMax = 0.01

    public init(_ algorithm: Algorithm) { self.algorithm = algorithm }

    /// Trains until `epochsMax` epochs are done or `onEpoch` says that it is enough.
    ///
    /// - Parameters:
    ///   - interactions: what to learn from. An algorithm that ranks takes every entry as an item taken, with its value
    ///     as the weight, which has to be above 0.
    ///   - seen: what else its users have seen, so that it is never drawn as a negative; `nil` for the interactions
    ///     alone.
    ///   - model: to go on from, changed in place; `nil` starts from `initial`.
    ///   - initial: fills the rows of a new model.
    ///   - onEpoch: called after each epoch with the model as it stands; false ends the training.
    /// - Throws: `TrainingError` where it diverges, or the interactions are none that it can learn.
    public func train(
        _ interactions: Interactions, epochsMax: Int, seen: Interactions? = nil,
        from model: FactorModel? = nil, initial: InitialRows? = nil,
        onEpoch: (EpochReport, FactorModel) -> Bool = { _, _ in true }
    ) throws(TrainingError) -> FactorModel {
        try check(interactions)
        if let model { try check(model, against: interactions) }
        let model = model ?? newModel(interactions, initial: initial ?? .keyed(seed: seed))
        guard interactions.count > 0 else { return model }
        let epochs = epochs(interactions, seen: seen ?? interactions, model: model)
        let clock = ContinuousClock()
        for epoch in 0..<max(0, epochsMax) {
            let start = clock.now
            let tally = epochs.run(epoch)
            let report = EpochReport(
                epoch: epoch + 1, tally: tally, loss: epochs.loss(tally), lossName: epochs.lossName,
                duration: clock.now - start)
            try check(report, against: epochs)
            guard onEpoch(report, model) else { break }
        }
        return model
    }

    private func epochs(_ interactions: Interactions, seen: Interactions, model: FactorModel) -> any Epochs {
        let team = ShardTeam(shards: max(1, shards), seed: seed, factors: factors)
        switch algorithm {
        case .sgd(let options):
            return RatingEpochs(
                sgd: BiasedSGD(options: options, updateGuard: updateGuard), interactions: interactions,
                model: model, team: team)
        case .bpr(let options):
            return PairwiseEpochs(
                .bpr(BPR(options: options, updateGuard: updateGuard)), negatives: options.negatives,
                interactions: interactions, seen: seen, model: model, team: team)
        case .warp(let options):
            return PairwiseEpochs(
                .warp(WARP(options: options, updateGuard: updateGuard)), negatives: options.negatives,
                interactions: interactions, seen: seen, model: model, team: team)
        case .mlp(let options):
            return NeuralEpochs(
                rule: NeuralRating(options: options, updateGuard: updateGuard), interactions: interactions,
                model: model, team: team)
        case .als(let options):
            return Sweeps(
                als: ALS(options: options, updateGuard: updateGuard), interactions: interactions,
                model: model, team: team)
        }
    }

    private func newModel(_ interactions: Interactions, initial: InitialRows) -> FactorModel {
        let users = FactorTable(factors: factors)
        users.grow(to: interactions.userCount) { index, row in
            initial.user(index, row)
            row.scale(by: initialScale)
        }
        let items = FactorTable(factors: factors)
        items.grow(to: interactions.itemCount) { index, row in
            initial.item(index, row)
            row.scale(by: initialScale)
        }
        return FactorModel(
            users: users, items: items,
            scale: algorithm.predictsRatings ? interactions.scale : RatingScale(mean: 0, deviation: 1),
            predictsRatings: algorithm.predictsRatings, neural: newNetwork())
    }

    private func newNetwork() -> FactorModel.Neural? {
        guard case .mlp(let options) = algorithm else { return nil }
        return FactorModel.Neural(
            rule: NeuralRating(options: options, updateGuard: updateGuard),
            network: RatingNetwork(
                hidden: options.hidden, second: options.secondHidden, factors: factors, seed: seed))
    }

    // MARK: - Checks

    private func check(_ interactions: Interactions) throws(TrainingError) {
        for (index, value) in interactions.values.enumerated() {
            guard value.isFinite else {
                throw .badValue(index: index, value: value, wanted: "values have to be finite")
            }
            guard algorithm.predictsRatings || value > 0 else {
                throw .badValue(
                    index: index, value: value,
                    wanted: "\(algorithm.name) learns from what users took; leave out what they did not like")
            }
        }
    }

    private func check(_ model: FactorModel, against interactions: Interactions) throws(TrainingError) {
        guard model.factors == factors else {
            throw .otherShape("the model has \(model.factors) factors, the training \(factors)")
        }
        let (own, wanted) = (model.neural?.rule.options, newNetwork()?.rule.options)
        guard own?.hidden == wanted?.hidden, own?.secondHidden == wanted?.secondHidden else {
            throw .otherShape("the model has another network than is trained")
        }
        guard model.users.count == interactions.userCount, model.items.count == interactions.itemCount else {
            throw .otherShape(
                """
                the model has \(model.users.count) users and \(model.items.count) items, the interactions \
                \(interactions.userCount) and \(interactions.itemCount)
                """)
        }
    }

    private func check(_ report: EpochReport, against epochs: any Epochs) throws(TrainingError) {
        let share = Double(report.rejected) / Double(max(1, report.updates + report.rejected))
        guard share <= rejectedShareMax else {
            throw .rejected(epoch: report.epoch, share: share, advice: epochs.advice)
        }
        // NaN is no loss that stays within the bound either.
        guard report.loss <= epochs.lossMax else {
            throw .diverged(
                epoch: report.epoch, loss: report.loss, untrained: epochs.untrainedLoss,
                advice: epochs.advice)
        }
    }
}

/// How the rows of a new model are filled.
public struct InitialRows: Sendable {
    public var user: @Sendable (Int, Row) -> Void
    public var item: @Sendable (Int, Row) -> Void

    public init(user: @escaping @Sendable (Int, Row) -> Void, item: @escaping @Sendable (Int, Row) -> Void) {
        (self.user, self.item) = (user, item)
    }

    /// normal(0, 0.1 / √K), keyed by the row's number.
    public static func keyed(seed: UInt64) -> InitialRows {
        InitialRows(
            user: { index, row in
                var random = KeyedRandom(seed: seed, stream: 1, index: UInt64(index))
                random.initialise(row)
            },
            item: { index, row in
                var random = KeyedRandom(seed: seed, stream: 2, index: UInt64(index))
                random.initialise(row)
            })
    }
}

extension Row {
    fileprivate func scale(by factor: Float) {
        for lane in indices { self[lane] = factor * self[lane] }
    }
}

extension Interactions {
    /// μ, 0 where there is nothing.
    public var mean: Float {
        count == 0 ? 0 : Float(values.reduce(0.0) { $0 + Double($1) } / Double(count))
    }

    /// Of the values taken as ratings.
    public var scale: RatingScale { RatingMoments(of: values).scale }
}
