internal import Counting
internal import Learners
internal import Locking
internal import State

/// What a counting model has counted, as look-ups see it: copied with each publication. Written by the engine's queue.
final class PublishedCounters: Sendable {
    private struct Counters {
        var successors: [SuccessorSketch] = []
        var retakes = RetakeTable()
        /// The newest time of an event.
        var time: Int64?
    }

    let rule: CounterRule
    private let latest = Lock(Counters())

    init(rule: CounterRule) { self.rule = rule }

    /// Bytes beside what it shares with the state.
    var bytes: Int { latest.withLock { $0.successors.capacity * MemoryLayout<SuccessorSketch>.stride } }

    /// Takes over the changed rows.
    func take(_ rows: [Int32], from counter: CounterState, state: LearnedState) {
        latest.withLock { latest in
            for row in latest.successors.count..<counter.successors.count {
                latest.successors.append(counter.successors[row])
            }
            if !latest.successors.isEmpty {
                for row in rows { latest.successors[Int(row)] = counter.successors[Int(row)] }
            }
            if rule.options.kind == .repeat { latest.retakes = counter.retakes }
            latest.time = state.newestTime
        }
    }

    /// What followed the item.
    func successors(of item: Int32) -> SuccessorSketch? {
        latest.withLock { item < $0.successors.count ? $0.successors[Int(item)] : nil }
    }

    /// What the counts of a user say of items.
    func personal(_ trail: UserTrail) -> RowScores {
        let (retakes, time) = latest.withLock { ($0.retakes, $0.time) }
        return rule.personal(
            trail, at: time, retakes: { retakes.strength($0) }, successors: { successors(of: $0) })
    }

    /// What the user's last item alone says of those that follow it.
    func succeeding(_ trail: UserTrail) -> RowScores {
        rule.succeeding(trail) { successors(of: $0) }
    }

    /// Of each of the user's last items how much it adds to the score of `item`.
    func shares(of item: Int32, after trail: UserTrail) -> [(item: Int32, similarity: Float, share: Float)] {
        rule.following(trail).compactMap { previous, weight in
            guard let sketch = successors(of: previous),
                let place = sketch.place(of: item)
            else { return nil }
            let share = sketch.share(of: sketch.entry(at: place), shrinkage: rule.options.shrinkage)
            return (previous, share, weight * share)
        }
    }
}
