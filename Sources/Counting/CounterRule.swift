// Counting: what counts rather than learns rows, and what is kept for it.
//
// Here live the arithmetic of counts (`CounterRule`), what is kept of items and of users for it, and their bytes in the
// state file. What never comes in: whose item or user it is, who may write it just now, and look-ups.

package import Learners

/// The arithmetic of a counting model: what its counts say of an item.
@usableFromInline
package struct CounterRule: Sendable {
    package let options: CounterOptions

    /// Of transitions.
    package let fading: SuccessorFading

    package init(_ options: CounterOptions) {
        self.options = options
        fading = SuccessorFading(options.halfLife)
    }

    /// Whether anything of a user is kept.
    package var isPersonal: Bool { options.kind == .repeat || options.kind == .next }

    /// What popularity adds where a model has its own say, so that what it says nothing of comes behind, in the order of
    /// popularity: below 0.001, and still apart where counts are large.
    package static func filling(_ count: Double) -> Float {
        let root = max(0, count).squareRoot().squareRoot()
        return root.isFinite ? Float(0.001 * root / (1 + root)) : 0.001
    }

    /// The part of the score that is the same for everybody.
    package func base(_ count: Double) -> Float {
        isPersonal ? Self.filling(count) : Float(count)
    }

    /// What the counts of a user say, beside `base`: of the items that they say anything of.
    ///
    /// - Parameters:
    ///   - time: milliseconds since 1970, for how long ago things are; `nil` counts in the user's events.
    ///   - retakes: how strong what stands so is against whatever is new.
    ///   - successors: of an item; `nil` where they may not be read.
    package func personal(
        _ trail: UserTrail, at time: Int64?, retakes: (RetakeTable.Cell) -> Float,
        successors: (Int32) -> SuccessorSketch?
    ) -> RowScores {
        var scores = RowScores(
            capacity: options.kind == .next
                ? trail.recent.count * options.successors : options.kind == .repeat ? trail.own.count : 0)
        switch options.kind {
        case .popular, .trending: break
        case .repeat:
            for own in trail.own { scores.add(retakes(trail.cell(of: own, at: time)), to: own.item) }
            scores.shareOut(besides: 1)
        case .next:
            for (item, weight) in following(trail) {
                guard let sketch = successors(item) else { continue }
                for place in 0..<sketch.count {
                    let entry = sketch.entry(at: place)
                    let share = sketch.share(of: entry, shrinkage: options.shrinkage)
                    if share > 0 { scores.add(weight * share, to: entry.item) }
                }
            }
        }
        return scores
    }

    /// What the last item alone says of those that come at once after it; of `next`. Not in its own score: where events
    /// come fast it says more than the trail, elsewhere less, and a blend learns which.
    package func succeeding(_ trail: UserTrail, successors: (Int32) -> SuccessorSketch?) -> RowScores {
        guard options.kind == .next, let last = trail.recent.last, let sketch = successors(last) else {
            return [:]
        }
        var scores = RowScores(capacity: sketch.count)
        for place in 0..<sketch.count {
            let entry = sketch.entry(at: place)
            let share = sketch.nearShare(of: entry, shrinkage: options.nearShrinkage)
            if share > 0 { scores.add(share, to: entry.item) }
        }
        return scores
    }

    /// The user's last items, newest first, and how much each counts; together 1.
    package func following(_ trail: UserTrail) -> [(item: Int32, weight: Float)] {
        var (weight, sum) = (Float(1), Float(0))
        var items: [(item: Int32, weight: Float)] = []
        for item in trail.recent.reversed() {
            items.append((item, weight))
            sum += weight
            weight *= options.trailDecay
        }
        return items.map { ($0.item, $0.weight / sum) }
    }
}
