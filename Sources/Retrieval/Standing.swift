/// Where one item stands among all that may be answered.
public struct Standing: Sendable, Equatable {
    /// `query`·q_i.
    public var product: Float
    /// b_i.
    public var bias: Float
    /// Allowed items that come before this one.
    public var better: Int
    /// The score of the last of the best `depth` allowed items; `nil` while there are fewer.
    public var bar: Float?

    /// As `IndexView.top` has it, to the last bit.
    public var score: Float { product + bias }
}

extension IndexView {
    /// Counts the items that `top` would answer before this one, allowed or not itself, in one pass and without sorting.
    ///
    /// - Returns: `nil` for a row that is not published, or whose score is not finite.
    public func standing(of row: Int, depth: Int, query: [Float], filter: ItemFilter) -> Standing? {
        guard row >= 0, row < count else { return nil }
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) {
            standing(
                of: row, depth: depth, inner: ScoreRule(.inner, prepared), dot: ScoreRule(.dot, prepared),
                filter)
        }
    }

    private func standing(
        of row: Int, depth: Int, inner: ScoreRule, dot: ScoreRule, _ filter: ItemFilter
    ) -> Standing? {
        let columns = columns
        var standing = Standing(product: dot.score(row, in: columns), bias: biases[row], better: 0)
        guard standing.score.isFinite else { return nil }
        let item = Candidate(row: Int32(row), score: standing.score)
        var best = TopItems(limit: depth)
        for number in 0..<columns.count {
            let other = Candidate(row: Int32(number), score: inner.score(number, in: columns))
            let isBetter = item < other
            // The filter is asked only where its answer changes something.
            guard isBetter || other.score > best.threshold, other.score.isFinite, filter.allows(number)
            else { continue }
            if isBetter { standing.better += 1 }
            best.offer(other)
        }
        standing.bar = best.isFull ? best.threshold : nil
        return standing
    }
}
