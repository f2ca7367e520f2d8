internal import Factors
internal import Learners
internal import Locking
internal import Retrieval

/// Somebody of whom nothing is known but some items.
struct FoldInSession {
    /// Item rows that are published, oldest first, none twice.
    var rows: [Int]
    /// One a row: a rating, or how much it was liked; `nil` where nothing was said.
    var weights: [Float?]
    /// μ.
    var mean: Float
    /// Standard deviation of ratings about the means baseline.
    var deviation: Float
}

/// Makes a user's row from items alone; the items stay as they are. The same session and the same items always make
/// the same row.
protocol FoldIn {
    /// What a weight may be.
    func weights(_ events: ClosedRange<Double>) -> ClosedRange<Double>

    /// Copies what it needs of the index, which is held meanwhile.
    ///
    /// - Returns: what works the row out, without the index; `nil` of that where the guard refuses the row.
    func foldIn(
        _ session: FoldInSession, of model: ModelState, index: borrowing IndexView
    ) -> () -> FoldedUser?
}

extension RatingLearner: FoldIn {
    func weights(_ events: ClosedRange<Double>) -> ClosedRange<Double> { events }

    /// Ridge regression. An item without a weight counts as liked: one standard deviation above what everybody gives it.
    func foldIn(
        _ session: FoldInSession, of model: ModelState, index: borrowing IndexView
    ) -> () -> FoldedUser? {
        var items = FoldInItems(factors: index.factors)
        for (row, weight) in zip(session.rows, session.weights) {
            let bias = index.biases[row]
            let residual = weight.map { $0 - session.mean - bias } ?? session.deviation
            items.append(vector: index.vector(row), bias: bias, value: residual)
        }
        return { sgd.foldIn(items) }
    }
}

extension PositiveRule {
    /// Strengths beyond this are a mistake, and would only trip the guard.
    static let strengths: ClosedRange<Double> = 0...1000
}

extension FoldInSession {
    /// The items that were liked at all, with how much.
    fileprivate func liked(_ index: borrowing IndexView, newestFirst: Bool) -> FoldInItems {
        var items = FoldInItems(factors: index.factors)
        for place in rows.indices {
            let place = newestFirst ? rows.count - 1 - place : place
            if weights[place] == 0 { continue }
            let row = rows[place]
            items.append(
                vector: index.vector(row), bias: index.biases[row], value: weights[place] ?? 1)
        }
        return items
    }
}

extension AlternatingLearner: FoldIn {
    func weights(_ events: ClosedRange<Double>) -> ClosedRange<Double> { PositiveRule.strengths }

    /// Solved as a known user is; with a half-life, the last item named counts most.
    func foldIn(
        _ session: FoldInSession, of model: ModelState, index: borrowing IndexView
    ) -> () -> FoldedUser? {
        guard let alternating = model.alternating else { return { nil } }
        let gramian = alternating.published.withLock { $0 }
        let items = session.liked(index, newestFirst: true)
        return {
            alternating.forLookups.with { als.foldIn(items, gramian: gramian, workspace: $0) }
        }
    }
}

extension RankingLearner: FoldIn {
    /// Negatives drawn for a session; steps beyond go through them again.
    private static let negativesMax = 256

    func weights(_ events: ClosedRange<Double>) -> ClosedRange<Double> { PositiveRule.strengths }

    /// The learner's own steps for a new user, against negatives drawn by a key of the session.
    func foldIn(
        _ session: FoldInSession, of model: ModelState, index: borrowing IndexView
    ) -> () -> FoldedUser? {
        let items = session.liked(index, newestFirst: false)
        let steps =
            switch rule {
            case .bpr(let bpr): PairwiseFoldIn(bpr)
            case .warp(let warp): PairwiseFoldIn(warp, candidates: index.count)
            }
        let count = min(steps.negativesMax(items: items.count), Self.negativesMax)
        let negatives = drawNegatives(count, session, seed: model.seed, index: index)
        return { steps.foldIn(items, negatives: negatives) }
    }

    /// Items that are not of the session, uniformly; none if it holds nearly all.
    private func drawNegatives(
        _ count: Int, _ session: FoldInSession, seed: UInt64, index: borrowing IndexView
    ) -> FoldInItems {
        let own = ItemBitset(session.rows.lazy.map { Int32($0) })
        var random = KeyedRandom(
            seed: seed,
            bytes: session.rows.lazy.flatMap { row in (0..<4).map { UInt8(row >> ($0 * 8) & 255) } })
        var negatives = FoldInItems(factors: index.factors)
        for _ in 0..<count * 4 where negatives.count < count {
            let row = random.next(below: index.count)
            guard !own.contains(row) else { continue }
            negatives.append(vector: index.vector(row), bias: index.biases[row], value: 0)
        }
        return negatives
    }
}
