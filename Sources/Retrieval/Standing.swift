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
        guard row < count else { return nil }
        var standing = Standing(product: blockProduct(row, query), bias: biases[row], better: 0)
        guard standing.score.isFinite else { return nil }
        let item = Candidate(row: Int32(row), score: standing.score)
        var best = TopItems(limit: depth)
        forEachBlock(query) { start, products in
            for (offset, product) in products.enumerated() {
                let other = Candidate(row: Int32(start + offset), score: product + biases[start + offset])
                let isBetter = item < other
                // The filter is asked only where its answer changes something.
                guard isBetter || other.score > best.threshold, other.score.isFinite,
                    filter.allows(start + offset)
                else { continue }
                if isBetter { standing.better += 1 }
                best.offer(other)
            }
        }
        standing.bar = best.isFull ? best.threshold : nil
        return standing
    }
}
