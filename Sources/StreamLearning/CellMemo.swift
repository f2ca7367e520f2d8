internal import FeatureMaps
internal import State

/// What counting models gave to an event, so that whoever asks next need not have it worked out again: a blend asks its
/// parts before they are asked themselves.
///
/// Lent to one queue, the cell's. Holds for one event, before it is learned.
final class CellMemo {
    private var ordinal: Int64 = -1
    private var scores: [(model: Int, scores: CounterScores)] = []
    private var likings: [(rule: PositiveRule, liking: FeatureTaste?)] = []

    /// What the model gives to items at this event.
    func scores(of model: Int, at example: Example, _ workOut: () -> CounterScores) -> CounterScores {
        begin(example)
        if let known = scores.first(where: { $0.model == model }) { return known.scores }
        let new = workOut()
        scores.append((model, new))
        return new
    }

    /// How much the user likes which features at this event, of what a rule takes as liked.
    func liking(by rule: PositiveRule, at example: Example, _ workOut: () -> FeatureTaste?) -> FeatureTaste? {
        begin(example)
        if let known = likings.first(where: { $0.rule == rule }) { return known.liking }
        let new = workOut()
        likings.append((rule, new))
        return new
    }

    private func begin(_ example: Example) {
        guard ordinal != example.ordinal else { return }
        scores.removeAll(keepingCapacity: true)
        likings.removeAll(keepingCapacity: true)
        ordinal = example.ordinal
    }
}
