internal import Learners
internal import Retrieval
internal import State

/// Solved as a known user is; with a half-life, the last item named counts most.
struct AlternatingFoldIn: FoldIn {
    let als: ALS
    let solving: PublishedModel.Solving?

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { PositiveRule.strengths }

    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        guard let solving else { return { nil } }
        let gramian = solving.gramian
        let items = session.liked(index, newestFirst: true)
        return {
            solving.workspaces.with { als.foldIn(items, gramian: gramian, workspace: $0) }
        }
    }
}
