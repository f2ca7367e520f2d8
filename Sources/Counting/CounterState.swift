package import Learners

/// What a counting model keeps beside the decayed counts of items: who followed whom, and how likely what was taken is to
/// be taken again. Users' part of it is in the shards (`UserShard.trails`).
///
/// `successors` is guarded by leases as the items' rows are; the rest is written by the engine's queue between rounds and
/// only read during them. That is what `@unchecked Sendable` stands on.
package final class CounterState: @unchecked Sendable {
    package let rule: CounterRule
    package let successors = RowColumn<SuccessorSketch>()
    /// Over all users; what shards have counted in this segment is not in it yet.
    package var retakes = RetakeTable()

    /// Transitions that other machines have not been told of; `nil` where there are none to tell. Written between rounds.
    package var unshared: [Transition]?

    /// Names of scalars of an earlier version's, which had users' trails in them.
    package var obsolete: [String] = []

    package init(_ options: CounterOptions) { rule = CounterRule(options) }

    package func grow(to count: Int) {
        if rule.options.kind == .next { successors.grow(to: count, with: SuccessorSketch()) }
    }

    package var bytes: Int {
        var bytes = 2 * RetakeTable.cells * 8 + successors.count * MemoryLayout<SuccessorSketch>.stride
        for row in 0..<successors.count { bytes += successors[row].bytes }
        return bytes
    }

    /// By whoever may write the item's row.
    package func take(_ transition: Transition) {
        successors[Int(transition.from)].add(
            transition.to, weight: transition.weight, isNear: transition.isNear, at: transition.time,
            fading: rule.fading, capacity: rule.options.successors)
    }

    /// What another machine has counted of what followed the item. By whoever may write its row.
    package func take(_ gain: SuccessorGain, of item: Int32) {
        successors[Int(item)].add(gain, fading: rule.fading, capacity: rule.options.successors)
    }

    /// Calls `body` with each item that these start from, ascending, and what followed it.
    ///
    /// - Parameter count: of items there are.
    package func forEachGain(
        of transitions: [Transition], count: Int, _ body: (Int32, SuccessorGain) -> Void
    ) {
        // Those from one item behind one another, in the order in which they came.
        var starts = [Int](repeating: 0, count: count + 1)
        for transition in transitions { starts[Int(transition.from) + 1] += 1 }
        for item in 0..<count { starts[item + 1] += starts[item] }
        var (next, sorted) = (starts, transitions.map(SuccessorGain.Successor.init))
        for transition in transitions {
            sorted[next[Int(transition.from)]] = SuccessorGain.Successor(transition)
            next[Int(transition.from)] += 1
        }
        var places = [Int32](repeating: -1, count: count)
        for item in 0..<count where starts[item] < starts[item + 1] {
            let gain = SuccessorGain(
                of: sorted[starts[item]..<starts[item + 1]], fading: rule.fading,
                capacity: rule.options.successors, places: &places)
            body(Int32(item), gain)
        }
    }
}

extension SuccessorGain.Successor {
    init(_ transition: Transition) {
        self.init(
            item: transition.to, weight: transition.weight, isNear: transition.isNear, time: transition.time)
    }
}

/// That one item came after another.
package struct Transition: Sendable {
    package var from: Int32
    package var to: Int32
    package var weight: Float
    /// Nothing came in between.
    package var isNear: Bool
    /// Milliseconds since 1970.
    package var time: Int64

    package init(from: Int32, to: Int32, weight: Float, isNear: Bool, time: Int64) {
        (self.from, self.to, self.weight, self.isNear, self.time) = (from, to, weight, isNear, time)
    }
}
