internal import Factors
internal import State

/// A segment's examples, bucketed by (user shard, item part), in log order within each cell, and the order in which cells
/// may be learned.
///
/// At step k shard s learns part (s + k) mod S. So no two shards start with one part, and shard s takes over each part
/// from shard s + 1: it waits for that one's cell alone, not for all shards. The result is that of some serial order
/// (Gemulla et al. 2011; Chin et al. 2015, who let shards choose, which depends on their speed). With one shard there is one
/// cell, and the order is the log's.
struct Grid: Sendable {
    /// As many parts of items as shards.
    let shards: Int
    private let order: [Int32]
    /// Where each cell starts in `order`; one more than there are cells.
    private let starts: [Int]

    init(_ examples: [Example], assignment: ShardAssignment) {
        shards = assignment.shards
        let shards = shards
        var counts = [Int](repeating: 0, count: shards * shards + 1)
        var order = [Int32](repeating: 0, count: examples.count)
        if shards == 1 {
            for index in order.indices { order[index] = Int32(index) }
            (self.order, starts) = (order, [0, examples.count])
            return
        }
        let cells = examples.map { example in
            let cell = Int(example.user) % shards * shards + assignment.shard(of: Int(example.item))
            counts[cell + 1] += 1
            return Int32(cell)
        }
        for index in 1..<counts.count { counts[index] += counts[index - 1] }
        starts = counts
        for (index, cell) in cells.enumerated() {
            order[counts[Int(cell)]] = Int32(index)
            counts[Int(cell)] += 1
        }
        self.order = order
    }

    /// The part that a shard learns at a step of `0..<shards`.
    func part(step: Int, userShard: Int) -> Int { (userShard + step) % shards }

    /// Whose cell, of the step before, must be learned before this one too, because it has the same part.
    func predecessor(step: Int, userShard: Int) -> Int? { step > 0 ? (userShard + 1) % shards : nil }

    /// Whose cell, of the next step, waits for this one's part.
    func successor(step: Int, userShard: Int) -> Int? {
        step + 1 < shards ? (userShard + shards - 1) % shards : nil
    }

    /// Indices of the examples of one cell.
    func cell(userShard: Int, part: Int) -> ArraySlice<Int32> {
        let cell = userShard * shards + part
        return order[starts[cell]..<starts[cell + 1]]
    }
}
