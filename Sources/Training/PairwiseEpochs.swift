internal import Factors
internal import Learners

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Epochs of BPR or WARP over what users took.
final class PairwiseEpochs: Epochs {
    enum Rule: Sendable {
        case bpr(BPR)
        case warp(WARP)
    }

    private let rule: Rule
    private let interactions: Interactions
    private let model: FactorModel
    private let team: ShardTeam
    private let candidates: Candidates
    let untrainedLoss: Double

    init(
        _ rule: Rule, negatives: NegativeSampler, interactions: Interactions, seen: Interactions,
        model: FactorModel, team: ShardTeam
    ) {
        (self.rule, self.interactions, self.model, self.team) = (rule, interactions, model, team)
        candidates = Candidates(sampler: negatives, interactions: interactions, seen: seen)
        let weight = Double(interactions.mean)
        switch rule {
        case .bpr: untrainedLoss = weight * log(2)
        case .warp(let warp):
            untrainedLoss =
                weight * Double(warp.options.margin)
                * Double(warp.rankLoss(draws: 1, candidates: interactions.itemCount))
        }
    }

    let advice = "lower the learning rate or raise the regularization"

    var lossName: String {
        switch rule {
        case .bpr: "log loss of pairs"
        case .warp: "hinge by rank"
        }
    }

    func run(_ epoch: Int) -> EpochTally {
        let (rule, model, candidates, team) = (rule, model, candidates, team)
        let interval = lossInterval(of: interactions.count)
        return team.onEachCell(interactions, epoch: epoch) { shard, examples, lease in
            var tally = EpochTally()
            let scratch = team.scratches[shard]
            for (place, example) in examples.enumerated() {
                var random = KeyedRandom(
                    seed: team.seed, stream: 1 << 40 + UInt64(epoch), index: UInt64(example.index))
                switch rule {
                case .bpr(let bpr):
                    Self.learn(
                        bpr, example, model, candidates, lease, scratch, &random,
                        observes: place % interval == 0, &tally)
                case .warp(let warp):
                    Self.learn(
                        warp, example, model, candidates, lease, scratch, &random,
                        observes: place % interval == 0, &tally)
                }
            }
            return tally
        }
    }

    private static func learn(
        _ bpr: BPR, _ example: TrainingExample, _ model: FactorModel, _ candidates: Candidates,
        _ lease: borrowing RowLease, _ scratch: Scratch, _ random: inout KeyedRandom, observes: Bool,
        _ tally: inout EpochTally
    ) {
        let user = model.users.row(Int(example.user))
        let positive = lease.row(Int(example.item), of: model.items)
        for sample in 0..<bpr.options.samples {
            guard let negative = negative(bpr, example, model, candidates, lease, &random) else { return }
            if observes && sample == 0 {
                let x = bpr.score(user: user, item: positive) - bpr.score(user: user, item: negative)
                // ln(1 + e⁻ˣ), which overflows for no x this way round.
                tally.lossSum += Double(example.value * (max(0, -x) + log1p(exp(-abs(x)))))
                tally.lossCount += 1
            }
            let result = bpr.update(
                weight: example.value, user: user, positive: positive, negative: negative, scratch: scratch)
            if result == .applied { tally.updates += 1 } else { tally.rejected += 1 }
        }
    }

    /// The one that scores highest of `BPR.Options.hardestOf` draws.
    @inline(__always)
    private static func negative(
        _ bpr: BPR, _ example: TrainingExample, _ model: FactorModel, _ candidates: Candidates,
        _ lease: borrowing RowLease, _ random: inout KeyedRandom
    ) -> Row? {
        guard let first = candidates.draw(example.user, lease: lease, random: &random) else { return nil }
        var hardest = lease.row(first, of: model.items)
        guard bpr.options.hardestOf > 1 else { return hardest }
        let user = model.users.row(Int(example.user))
        var highest = bpr.score(user: user, item: hardest)
        for _ in 1..<bpr.options.hardestOf {
            guard let other = candidates.draw(example.user, lease: lease, random: &random) else { break }
            let row = lease.row(other, of: model.items)
            let score = bpr.score(user: user, item: row)
            if score > highest { (hardest, highest) = (row, score) }
        }
        return hardest
    }

    private static func learn(
        _ warp: WARP, _ example: TrainingExample, _ model: FactorModel, _ candidates: Candidates,
        _ lease: borrowing RowLease, _ scratch: Scratch, _ random: inout KeyedRandom, observes: Bool,
        _ tally: inout EpochTally
    ) {
        let user = model.users.row(Int(example.user))
        let positive = lease.row(Int(example.item), of: model.items)
        if observes { tally.lossCount += 1 }
        for sample in 0..<warp.options.samples {
            let score = warp.score(user: user, item: positive)
            guard
                let found = violating(warp, score, example, model, candidates, lease, &random)
            else { return }
            if observes && sample == 0 {
                let loss = warp.rankLoss(draws: found.draws, candidates: candidates.count)
                tally.lossSum += Double(example.value * loss * (warp.options.margin - score + found.score))
            }
            let result = warp.update(
                weight: example.value, draws: found.draws, candidates: candidates.count, user: user,
                positive: positive, negative: found.row, scratch: scratch)
            if result == .applied { tally.updates += 1 } else { tally.rejected += 1 }
        }
    }

    /// Draws until an item comes within the margin of `score`; `nil` where none does.
    @inline(__always)
    private static func violating(
        _ warp: WARP, _ score: Float, _ example: TrainingExample, _ model: FactorModel,
        _ candidates: Candidates, _ lease: borrowing RowLease, _ random: inout KeyedRandom
    ) -> (row: Row, score: Float, draws: Int)? {
        let user = model.users.row(Int(example.user))
        for draws in 1...max(1, warp.options.samplesMax) {
            guard let other = candidates.draw(example.user, lease: lease, random: &random) else { return nil }
            let negative = lease.row(other, of: model.items)
            let otherScore = warp.score(user: user, item: negative)
            if warp.violates(positive: score, negative: otherScore) { return (negative, otherScore, draws) }
        }
        return nil
    }
}

/// The items that a user has not seen, to draw negatives from.
struct Candidates: Sendable {
    let count: Int
    private let sampler: NegativeSampler
    private let seen: GroupedInteractions
    private let popularity: [Int32]

    init(sampler: NegativeSampler, interactions: Interactions, seen: Interactions) {
        count = interactions.itemCount
        self.sampler = sampler
        self.seen = seen.grouped(by: .user)
        var popularity = [Int32](repeating: 0, count: interactions.itemCount)
        for item in interactions.items { popularity[Int(item)] += 1 }
        self.popularity = popularity
    }

    /// An item of this lease that the user has not seen; `nil` if none is found in a bounded number of draws.
    @inline(__always)
    func draw(_ user: Int32, lease: borrowing RowLease, random: inout KeyedRandom) -> Int? {
        sampler.draw(
            from: RowPool(below: count, of: lease.shard, lease.assignment), random: &random,
            count: { Int(popularity[$0]) }, isAllowed: { !seen.contains(Int(user), Int32($0)) })
    }
}
