internal import Checkpoints
internal import Histories
package import State

/// What the counts of a state lose with a user: it needs the rules by which models count.
package struct ErasureRules: Sendable {
    private let models: [ModelTraits]

    package init(_ options: StateOptions) {
        models = options.models.map { ModelTraits(options: $0, state: options) }
    }

    /// As the engine takes a forgotten user out of its own counts.
    func counts(of user: ReadUser) throws(StateError) -> ErasedCounts {
        let history = try UserState(user, itemCount: Int(Int32.max)).history
        return ErasedCounts(
            items: history.entries.map { entry in
                let isRating = entry.kind == .rating
                return ErasedCounts.Item(
                    row: entry.item, ratings: isRating ? 1 : 0,
                    ratingSum: isRating ? Double(entry.value) : 0,
                    positiveIn: models.filter { $0.rule.weight(of: entry) > 0 }.map(\.name))
            })
    }
}
