internal import Factors
internal import Learners
internal import State

extension LearningContext {
    /// Calls `body` with the negatives of an event: of each `BPR.Options.hardestOf` items drawn the one that scores highest, of
    /// those that the user has not seen. Where all of them were seen there is one negative less, so that who has seen nearly
    /// everything is told of few, and not of the same ones again and again.
    @inline(__always)
    func withHardest(
        _ example: Example, by bpr: BPR, lease: borrowing RowLease, random: inout KeyedRandom,
        _ body: (UnsafeBufferPointer<Int>) -> Void
    ) {
        let (size, samples) = (max(1, bpr.options.hardestOf), bpr.options.samples)
        guard size > 1 else {
            return withUnseen(samples, example, by: bpr.options.negatives, lease: lease, random: &random) {
                // In a large catalogue they are far apart, and to wait for one costs more than to learn it.
                for item in $0 { items.prefetch(item) }
                body($0)
            }
        }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: samples * size) { room in
            let drawn = draw(into: room, example, by: bpr.options.negatives, lease: lease, random: &random)
            let rows = UnsafeMutableBufferPointer(rebasing: room[..<drawn])
            withUnsafeTemporaryAllocation(of: Float.self, capacity: drawn) { scores in
                bpr.scores(of: UnsafeBufferPointer(rows), user: user, in: items, into: scores)
                var kept = 0
                for first in stride(from: 0, to: drawn, by: size) {
                    let group = first..<min(drawn, first + size)
                    guard let hardest = highestUnseen(of: group, rows, scores, example) else { continue }
                    // Groups before this one are done with.
                    rows[kept] = hardest
                    kept += 1
                }
                body(UnsafeBufferPointer(rebasing: rows[..<kept]))
            }
        }
    }

    /// Draws items whether or not the user has seen them, and asks for their rows; returns how many.
    @inline(__always)
    private func draw(
        into room: UnsafeMutableBufferPointer<Int>, _ example: Example, by sampler: NegativeSampler,
        lease: borrowing RowLease, random: inout KeyedRandom
    ) -> Int {
        let positives = model.positives
        let pool = RowPool(below: Int(example.itemBound), of: lease.shard, lease.assignment)
        var drawn = 0
        while drawn < room.count,
            let item = sampler.draw(
                from: pool, random: &random, count: { Int(positives[$0]) }, isAllowed: { _ in true })
        {
            items.prefetch(item)
            room.initializeElement(at: drawn, to: item)
            drawn += 1
        }
        return drawn
    }

    /// Of these places the row that scores highest and is news to the user; `nil` where none is. A score that is no number
    /// counts as the highest: the guard is to see it.
    @inline(__always)
    private func highestUnseen(
        of places: Range<Int>, _ rows: UnsafeMutableBufferPointer<Int>,
        _ scores: UnsafeMutableBufferPointer<Float>, _ example: Example
    ) -> Int? {
        while true {
            var (best, highest) = (-1, -Float.infinity)
            for place in places where rows[place] >= 0 {
                let score = scores[place].isNaN ? .infinity : scores[place]
                if best < 0 || score > highest { (best, highest) = (place, score) }
            }
            guard best >= 0 else { return nil }
            let row = rows[best]
            // Asked of few: to look into the history costs more than to score.
            if row != Int(example.item), !hasSeen(Int32(row)) { return row }
            // Taken out by its row, not by its score: no score, however strange, keeps this from ending.
            rows[best] = -1
        }
    }
}
