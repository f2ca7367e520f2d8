internal import Learners
internal import Retrieval
internal import State

/// A model that counts has no rows: a session is a trail of its own (`CounterLookups`).
struct CounterFoldIn: FoldIn {
    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { PositiveRule.strengths }

    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? { { nil } }
}
