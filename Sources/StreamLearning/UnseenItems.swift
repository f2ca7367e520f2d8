internal import Factors
internal import Histories
internal import Learners
internal import State

extension LearningContext {
    /// Calls `body` with `count` items as `drawUnseen` draws them one after the other, fewer if it finds none any more.
    @inline(__always)
    func withUnseen<Result>(
        _ count: Int, _ example: Example, by sampler: NegativeSampler = NegativeSampler(),
        lease: borrowing RowLease, random: inout KeyedRandom, _ body: (UnsafeBufferPointer<Int>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { room in
            let found = drawUnseen(into: room, example, by: sampler, lease: lease, random: &random)
            return body(UnsafeBufferPointer(rebasing: room[..<found]))
        }
    }

    /// Calls `body` with `count` items that may be shown to the user, fewer if it finds none any more.
    @inline(__always)
    func withShown<Result>(
        _ count: Int, _ example: Example, lease: borrowing RowLease, random: inout KeyedRandom,
        _ body: (UnsafeBufferPointer<Int>) -> Result
    ) -> Result {
        if case .exclude = seen {
            return withUnseen(count, example, lease: lease, random: &random, body)
        }
        let pool = RowPool(below: Int(example.itemBound), of: lease.shard, lease.assignment)
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { room in
            var found = 0
            while found < count,
                let item = NegativeSampler().draw(
                    from: pool, random: &random, count: { _ in 0 },
                    isAllowed: { $0 != Int(example.item) && mayBeShown(Int32($0), example) })
            {
                room.initializeElement(at: found, to: item)
                found += 1
            }
            return body(UnsafeBufferPointer(rebasing: room[..<found]))
        }
    }

    /// Whether the item may be recommended to the user when the event comes, seen before or not.
    @inline(__always)
    func mayBeShown(_ item: Int32, _ example: Example) -> Bool {
        switch seen {
        case .exclude: !history.contains(item)
        case .allow: true
        case .after: history[item].map { !seen.keepsOut(taken: $0.lastTime, now: example.time) } ?? true
        }
    }

    /// Fills `room` with items as `drawUnseen` draws them one after the other; returns how many it found.
    @inline(__always)
    func drawUnseen(
        into room: UnsafeMutableBufferPointer<Int>, _ example: Example, by sampler: NegativeSampler,
        lease: borrowing RowLease, random: inout KeyedRandom
    ) -> Int {
        var found = 0
        while found < room.count,
            let item = drawUnseen(example, by: sampler, lease: lease, random: &random)
        {
            room.initializeElement(at: found, to: item)
            found += 1
        }
        return found
    }

    /// An item of this lease that the user has not seen, as `sampler` draws it; `nil` if none is found in a bounded
    /// number of draws (a user who has seen nearly everything).
    @inline(__always)
    func drawUnseen(
        _ example: Example, by sampler: NegativeSampler = NegativeSampler(), lease: borrowing RowLease,
        random: inout KeyedRandom
    ) -> Int? {
        let positives = model.positives
        let history = history
        return sampler.draw(
            from: RowPool(below: Int(example.itemBound), of: lease.shard, lease.assignment), random: &random,
            count: { Int(positives[$0]) },
            isAllowed: { $0 != Int(example.item) && !history.contains(Int32($0)) })
    }
}

/// Unseen items in the order in which they are drawn, some at a time: their rows are asked for together, and scored in
/// one call. Those drawn too many are let go, which changes nothing: an event's draws are its own.
struct UnseenItems {
    static let atATime = 16

    /// For `atATime` items.
    let room: UnsafeMutableBufferPointer<Int>
    let sampler: NegativeSampler
    var random: KeyedRandom
    private var taken = 0
    private var drawn = 0
    private var isExhausted = false

    init(room: UnsafeMutableBufferPointer<Int>, sampler: NegativeSampler, random: KeyedRandom) {
        (self.room, self.sampler, self.random) = (room, sampler, random)
    }

    /// The next ones, `limit` at most; none where none is found any more.
    mutating func next(
        _ limit: Int, _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> UnsafeBufferPointer<Int> {
        if taken == drawn, !isExhausted {
            taken = 0
            drawn = context.drawUnseen(into: room, example, by: sampler, lease: lease, random: &random)
            isExhausted = drawn < room.count
            for item in room[..<drawn] { context.items.prefetch(item) }
        }
        return UnsafeBufferPointer(rebasing: room[taken..<min(drawn, taken + limit)])
    }

    /// The first `count` of the next ones have been used.
    mutating func take(_ count: Int) { taken += count }
}
