internal import CKernels
public import Factors

extension WARP {
    /// The place of the first of some negatives that comes within the margin of an item of score `positive`, as `score`
    /// and `violates` say; `nil` where none does.
    ///
    /// - Parameter negatives: rows of `items`.
    public func firstViolation(
        of positive: Float, user: Row, among negatives: UnsafeBufferPointer<Int>, in items: FactorTable
    ) -> Int? {
        assert(negatives.allSatisfy { $0 >= 0 && $0 < items.count })
        guard let rows = negatives.baseAddress else { return nil }
        var table = row_table(items)
        let place = first_row_above(
            user.addresses.vector, items.factors, positive - options.margin, &table, rows, negatives.count)
        return place < negatives.count ? place : nil
    }

    /// One step, with the row `negative` of `items`, which is not `positive`: the same numbers as of
    /// `update(weight:draws:candidates:user:positive:negative:scratch:)`, sooner where the rate is constant.
    public func update(
        weight: Float, draws: Int, candidates: Int, user: Row, positive: Row, negative: Int,
        of items: FactorTable, scratch: Scratch
    ) -> UpdateResult {
        guard case .constant = options.schedule else {
            return update(
                weight: weight, draws: draws, candidates: candidates, user: user, positive: positive,
                negative: items.row(negative), scratch: scratch)
        }
        assert(negative >= 0 && negative < items.count)
        var terms = step.terms(weight: weight * rankLoss(draws: draws, candidates: candidates))
        var event = pairwise_rows(user: user, positive: positive, scratch: scratch)
        var table = row_table(items)
        return pairwise_step(&terms, items.factors, &event, &table, negative) ? .applied : .rejected
    }
}
