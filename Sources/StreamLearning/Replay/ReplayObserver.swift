internal import Blending
internal import Counting
internal import Factors
internal import Foundation
internal import Histories
internal import Learners
internal import LiveScores
internal import Locking
internal import State

/// Looks on while a cell is learned.
protocol LearningObserver: Sendable {
    /// Called on the shard's queue before any model learns `example`, with which the history will say `pair`. With one
    /// shard the lease holds every item.
    ///
    /// - Returns: whether it is to be learned.
    func meets(
        _ example: Example, pair: HistoryEntry, meansPrediction: Float, worker: CellWorker,
        shard: UserShard, lease: borrowing RowLease
    ) -> Bool
}

/// Ranks the item of each event among all that the user might have been shown.
///
/// Written on the one shard's queue while a batch is applied, and read by the replay's thread between batches, when
/// nothing learns: that is what `@unchecked Sendable` stands on.
final class ReplayObserver: LearningObserver, @unchecked Sendable {
    private let options: Replay.Options
    private let state: LearnedState
    private var replayed: [ReplayedEvent] = []
    private var failure: (model: String, user: Int32)?
    private var popularity: PopularityCount
    private var decayed: PopularityCount
    /// 1 for an item that was described, or in an event before, and in how many.
    private(set) var isKnown: [UInt8] = []
    private var events: [Int] = []
    /// Whether what is met is learned too. Set between batches.
    var learns = true
    /// Which events are ranked, from the offset `first` on, where not by chance. Set between batches.
    var drawn: (isDrawn: [Bool], first: Int64)?
    private var known = 0
    /// Rows below it were looked at, whether they are described.
    private var heard = 0
    private var scores: [Float] = []
    /// By the number of a model that counts.
    private var counters: [Int: CounterStandings] = [:]
    private var vector: [Float]
    private let algebra = LinearAlgebra()

    init(options: Replay.Options, state: LearnedState) {
        (self.options, self.state) = (options, state)
        popularity = PopularityCount(halfLife: 0)
        decayed = PopularityCount(halfLife: options.popularityHalfLife)
        vector = Array(repeating: 0, count: options.state.factors)
    }

    /// The events seen since the last call.
    func take(userID: (Int32) -> String) throws(ReplayError) -> [ReplayedEvent] {
        defer { replayed.removeAll(keepingCapacity: true) }
        if let failure { throw .nonFinite(model: failure.model, user: userID(failure.user)) }
        return replayed
    }

    func meets(
        _ example: Example, pair: HistoryEntry, meansPrediction: Float, worker: CellWorker,
        shard: UserShard, lease: borrowing RowLease
    ) -> Bool {
        grow(to: worker.stats.count)
        hearOfDescribed(below: Int(example.itemBound))
        let (local, item) = (shard.local(example.user), Int(example.item))
        // What is described is known, and may be ranked, before its first event.
        if isKnown[item] == 0, state.catalogue.read({ $0.entries[item].isDescribed }) {
            isKnown[item] = 1
            known += 1
        }
        let history = shard.users[local].history
        let previous = history[example.item]
        let kind: HistoryEntry.Kind = example.kind == .rating ? .rating : .signal
        let isPositive = options.positive.isLiked(kind, value: example.value, of: pair)
        var event = ReplayedEvent(
            ordinal: example.ordinal, offset: example.offset, user: example.user,
            userIsKnown: !history.isEmpty, itemIsKnown: isKnown[item] == 1, itemEvents: events[item],
            isPositive: isPositive, isRepeat: previous != nil, ranking: nil, squaredErrors: [],
            meansSquaredError: nil)
        if kind == .rating, example.meanIsKnown {
            let means = example.value - meansPrediction
            event.meansSquaredError = means * means
            event.squaredErrors = worker.models.indices.map { index in
                squaredError(example, model: index, meansPrediction: meansPrediction, worker, shard, lease)
            }
        }
        event.isKeptOut =
            previous.map { worker.seen.keepsOut(taken: $0.lastTime, now: example.time) } ?? false
        event.isDrawn = isDrawn(example)
        let isRanked = isPositive || options.ranksDisliked && kind == .rating
        if isRanked, event.itemIsKnown, !event.isKeptOut, event.isDrawn {
            let rankings = rankings(
                of: example, history: history, worker: worker, shard: shard, lease: lease)
            (event.ranking, event.rankingAmongNew, event.rankingAmongUntaken) = (
                rankings.among, rankings.amongNew, rankings.amongUntaken
            )
        }
        replayed.append(event)
        if learns { count(item, isPositive: isPositive, previous: previous, seen: worker.seen) }
        return learns
    }

    /// What is described is a candidate before its first event, when others are ranked too: once it has a row, as of the
    /// event at hand and not of the batch.
    private func hearOfDescribed(below bound: Int) {
        guard heard < bound else { return }
        state.catalogue.read { catalogue in
            for row in heard..<min(bound, isKnown.count)
            where isKnown[row] == 0 && row < catalogue.entries.count && catalogue.entries[row].isDescribed {
                isKnown[row] = 1
                known += 1
            }
        }
        heard = bound
    }

    /// Every item with a row is known from now on.
    func hearOfAll() {
        grow(to: state.stats.count)
        for item in isKnown.indices { isKnown[item] = 1 }
        known = isKnown.count
    }

    private func isDrawn(_ example: Example) -> Bool {
        if let drawn { return drawn.isDrawn[Int(example.offset - drawn.first)] }
        guard options.rankEvery > 1 else { return true }
        var random = KeyedRandom(
            seed: options.state.seed, stream: 0xD4A3, index: UInt64(bitPattern: example.offset))
        return random.next(below: options.rankEvery) == 0
    }

    private func count(_ item: Int, isPositive: Bool, previous: HistoryEntry?, seen: SeenRule) {
        events[item] += 1
        if isKnown[item] == 0 { known += 1 }
        isKnown[item] = 1
        let countedBefore = previous.map { options.positive.liking(of: $0) > 0 } ?? false
        // Where what was taken may be shown again, each taking counts.
        if isPositive, !countedBefore || seen != .exclude {
            popularity.count(item)
            decayed.count(item)
        }
    }

    /// Items that the rule about what was taken keeps out.
    private func keptOut(_ history: History, _ seen: SeenRule, now: Int64) -> [Int32] {
        history.entries.lazy.filter { seen.keepsOut(taken: $0.lastTime, now: now) }.map(\.item)
    }

    private func grow(to items: Int) {
        guard isKnown.count < items else { return }
        isKnown += Array(repeating: 0, count: items - isKnown.count)
        events += Array(repeating: 0, count: items - events.count)
        scores += Array(repeating: 0, count: items - scores.count)
        popularity.grow(to: items)
        decayed.grow(to: items)
    }

    private func squaredError(
        _ example: Example, model index: Int, meansPrediction: Float, _ worker: CellWorker,
        _ shard: UserShard, _ lease: borrowing RowLease
    ) -> Float? {
        let model = worker.models[index]
        guard model.rule.predictsRatings else { return nil }
        let local = shard.local(example.user)
        var context = LearningContext(modelIndex: index, model: model, shard: shard, seen: worker.seen)
        context.stand(
            at: local, history: shard.users[local].history.lent, meansPrediction: meansPrediction)
        let sample = worker.learners[index].score(example, context, lease: lease)
        if !sample.model.isFinite { failure = failure ?? (model.options.name, example.user) }
        return sample.model
    }

    /// Every model ranks every such event, whether or not it learns from it: all are asked the same.
    private func rankings(
        of example: Example, history: History, worker: CellWorker, shard: UserShard,
        lease: borrowing RowLease
    ) -> (
        among: ReplayedEvent.Ranking, amongNew: ReplayedEvent.Ranking?, amongUntaken: ReplayedEvent.Ranking?
    ) {
        let keptOut = keptOut(history, worker.seen, now: example.time)
        // The same scores rank among what is new too, and among what nobody has taken.
        let taken =
            worker.seen != .exclude && history[example.item] == nil ? history.entries.map(\.item) : nil
        var fields = [Field(isKnown: isKnown, keptOut: keptOut, candidates: known - keptOut.count)]
        if let taken {
            fields.append(Field(isKnown: isKnown, keptOut: taken, candidates: known - taken.count))
        }
        if events[Int(example.item)] == 0 {
            let untaken = zip(isKnown, events).map { $1 == 0 ? $0 : 0 }
            fields.append(
                Field(isKnown: untaken, keptOut: [], candidates: untaken.count { $0 == 1 }))
        }
        let (item, local) = (Int(example.item), shard.local(example.user))
        var models: [[ReplayedEvent.Standing]] = []
        for (index, model) in worker.models.enumerated() {
            if case .counter(let rule, _) = model.rule {
                let counted = CounterLearner(rule: rule).scores(
                    example, model: model, shard: shard, local: local, number: index, lease: lease)
                models.append(
                    fields.map {
                        counters[index, default: CounterStandings()].standing(
                            of: item, by: counted, isKnown: $0.isKnown, keptOut: $0.keptOut)
                    })
            } else {
                if let blend = model.blend, let learner = worker.learners[index] as? BlendLearner {
                    let parts = BlendedParts(
                        blend, example, models: worker.models, features: learner.features, shard: shard,
                        local: local,
                        history: history, seen: worker.seen, lease: lease, memo: CellMemo())
                    scores = parts.features(of: Array(0..<Int32(scores.count))).scores(
                        blend.served(in: parts.context))
                } else {
                    score(model, table: shard.tables[index], local: local)
                }
                models.append(
                    fields.map {
                        let standing = standing(of: item, among: scores, $0)
                        if standing == nil { failure = failure ?? (model.options.name, example.user) }
                        return standing ?? Self.nowhere
                    })
            }
        }
        func ranking(_ place: Int) -> ReplayedEvent.Ranking {
            let field = fields[place]
            let plain = standing(of: item, among: popularity.counts, field) ?? Self.nowhere
            let fading =
                options.popularityHalfLife > 0
                ? standing(of: item, among: decayed.counts, field) ?? Self.nowhere : plain
            return ReplayedEvent.Ranking(
                candidates: field.candidates, models: models.map { $0[place] }, popularity: plain,
                decayedPopularity: fading)
        }
        let isUntaken = events[item] == 0
        return (
            ranking(0), taken == nil ? nil : ranking(1), isUntaken ? ranking(fields.count - 1) : nil
        )
    }

    /// Among which items one is ranked.
    private struct Field {
        /// 1 for an item that may be a candidate, by row.
        let isKnown: [UInt8]
        /// Candidates that are none for this user.
        let keptOut: [Int32]
        let candidates: Int
    }

    private static let nowhere = ReplayedEvent.Standing(higher: 0, equal: 0)

    /// Scores all items by b_i + p_u·q_i, or by what a network gives: what is the same for all items does not change a ranking.
    private func score(_ model: ModelState, table: FactorTable, local: Int) {
        let items = model.items
        if let network = model.network, case .mlp(let rule) = model.rule {
            let (user, room) = (
                table.row(local),
                NetworkRoom(
                    hidden: network.network.hidden, second: network.network.second, factors: items.factors)
            )
            for row in 0..<items.count {
                scores[row] = rule.predict(
                    user: user, item: items.row(row), network: network.network, room: room)
            }
            return
        }
        vector.withUnsafeMutableBufferPointer { vector in
            guard let user = vector.baseAddress else { return }
            table.copyVector(local, to: user)
            scores.withUnsafeMutableBufferPointer { scores in
                guard let start = scores.baseAddress else { return }
                items.withVectors(from: 0, count: items.count) { matrix in
                    algebra.multiply(
                        matrix: matrix, rows: items.count, factors: items.factors, vector: user,
                        scores: start)
                }
                for row in 0..<items.count { scores[row] += items.bias(row) }
            }
        }
    }

    /// Where the item stands among the known items that are not kept out; `nil` if a score is no number.
    private func standing<Score: BinaryFloatingPoint>(
        of item: Int, among scores: [Score], _ field: Field
    ) -> ReplayedEvent.Standing? {
        scores.withUnsafeBufferPointer { scores in
            field.isKnown.withUnsafeBufferPointer { isKnown in
                let wanted = scores[item]
                // Over all known items first, without a branch; the few that were seen are taken off again.
                var (higher, equal, strange) = (0, 0, 0)
                for row in 0..<isKnown.count {
                    let counts = Int(isKnown[row])
                    higher += scores[row] > wanted ? counts : 0
                    equal += scores[row] == wanted ? counts : 0
                    strange += scores[row].isFinite ? 0 : counts
                }
                guard strange == 0 else { return nil }
                for row in field.keptOut {
                    if scores[Int(row)] > wanted { higher -= 1 }
                    if scores[Int(row)] == wanted { equal -= 1 }
                }
                return ReplayedEvent.Standing(higher: higher, equal: equal - 1)
            }
        }
    }
}

/// Likes per item, the recent ones weighing more where it decays: each new one weighs more than the one before, so
/// that nothing has to be taken from the others.
private struct PopularityCount {
    private(set) var counts: [Double] = []
    private var weight = 1.0
    private let growth: Double

    /// - Parameter halfLife: likes, of any item, after which one weighs half; 0 for no decay.
    init(halfLife: Double) {
        growth = halfLife > 0 ? exp2(1 / halfLife) : 1
    }

    mutating func grow(to items: Int) {
        counts += Array(repeating: 0, count: items - counts.count)
    }

    mutating func count(_ item: Int) {
        counts[item] += weight
        weight *= growth
        guard weight > 1e100 else { return }
        for row in counts.indices { counts[row] /= weight }
        weight = 1
    }
}
