internal import Factors
internal import State

/// A segment's examples, bucketed by (user shard, item shard), in log order within each cell.
///
/// In round r, shard s learns cell (s, s + r mod S): no two queues write one row, and the result is that of some
/// serial order (Gemulla et al. 2011). With one shard there is one cell, and the order is the log's.
struct Grid: Sendable {
    let shards: Int
    private let order: [Int32]
    /// Where each cell starts in `order`; one more than there are cells.
    private let starts: [Int]

    init(_ examples: [Example], assignment: ShardAssignment) {
        shards = assignment.shards
        let shards = shards
        func cell(_ example: Example) -> Int {
            Int(example.user) % shards * shards + assignment.shard(of: Int(example.item))
        }
        var counts = [Int](repeating: 0, count: shards * shards + 1)
        let cells = examples.map { example in
            let cell = cell(example)
            counts[cell + 1] += 1
            return cell
        }
        for index in 1..<counts.count { counts[index] += counts[index - 1] }
        starts = counts
        var next = counts
        var order = [Int32](repeating: 0, count: examples.count)
        for (index, cell) in cells.enumerated() {
            order[next[cell]] = Int32(index)
            next[cell] += 1
        }
        self.order = order
    }

    func itemShard(round: Int, userShard: Int) -> Int { (userShard + round) % shards }

    /// Indices of the examples of one cell.
    func cell(userShard: Int, itemShard: Int) -> ArraySlice<Int32> {
        let cell = userShard * shards + itemShard
        return order[starts[cell]..<starts[cell + 1]]
    }
}
