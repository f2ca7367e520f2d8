internal import CKernels
public import Factors

extension BPR {
    /// An event's steps, one negative after the other: the same numbers as of `update(weight:user:positive:negative:…)`
    /// for each, in one pass where the rate is constant.
    ///
    /// - Parameters:
    ///   - weight: scales the gradient (1 for a liked rating, the signal's weight otherwise).
    ///   - negatives: rows of `items`, all of them the caller's to write; `positive` is not among them.
    ///   - applied: what became of each negative; as many as there are.
    /// - Returns: how many were applied.
    public func update(
        weight: Float, user: Row, positive: Row, negatives: UnsafeBufferPointer<Int>, of items: FactorTable,
        scratch: Scratch, applied: UnsafeMutableBufferPointer<Bool>
    ) -> Int {
        assert(negatives.count == applied.count && negatives.allSatisfy { $0 >= 0 && $0 < items.count })
        guard let rows = negatives.baseAddress, let results = applied.baseAddress else { return 0 }
        guard case .constant = options.schedule else {
            for (place, negative) in negatives.enumerated() {
                let result = update(
                    weight: weight, user: user, positive: positive, negative: items.row(negative),
                    scratch: scratch)
                applied.initializeElement(at: place, to: result == .applied)
            }
            return applied.count { $0 }
        }
        var terms = step.terms(weight: weight)
        var event = pairwise_rows(user: user, positive: positive, scratch: scratch)
        var table = row_table(items)
        var others = pairwise_negatives(rows: rows, count: negatives.count, is_applied: results)
        return pairwise_block(&terms, items.factors, &event, &table, &others)
    }

    /// `score` of rows of `items`, one a row.
    public func scores(
        of rows: UnsafeBufferPointer<Int>, user: Row, in items: FactorTable,
        into scores: UnsafeMutableBufferPointer<Float>
    ) {
        assert(rows.count <= scores.count && rows.allSatisfy { $0 >= 0 && $0 < items.count })
        guard let numbers = rows.baseAddress, let results = scores.baseAddress else { return }
        var table = row_table(items)
        row_scores(user.addresses.vector, items.factors, &table, numbers, rows.count, results)
    }
}
