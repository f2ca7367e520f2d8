/// What counting models gave to an event, so that whoever asks next need not have it worked out again: a blend asks its
/// parts before they are asked themselves.
///
/// Lent to one queue, the cell's. Holds for one event, before it is learned.
final class CellMemo {
    private var ordinal: Int64 = -1
    private var scores: [(model: Int, scores: CounterScores)] = []

    /// What the model gives to items at this event.
    func scores(of model: Int, at example: Example, _ workOut: () -> CounterScores) -> CounterScores {
        if ordinal != example.ordinal {
            scores.removeAll(keepingCapacity: true)
            ordinal = example.ordinal
        }
        if let known = scores.first(where: { $0.model == model }) { return known.scores }
        let new = workOut()
        scores.append((model, new))
        return new
    }
}
