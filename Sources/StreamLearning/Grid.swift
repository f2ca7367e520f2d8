internal import Factors
internal import State

/// A segment's examples, bucketed by (user shard, item part), in log order within each cell, and the order in which cells
/// may be learned.
///
/// Items are cut into P parts, S shards have P / S steps' start from one another: at step k shard s learns part
/// (s·P/S + k) mod P. So no two shards start with one part, and shard s takes over each part from shard s + 1, P / S
/// steps after that one has begun it: it waits for that cell alone, not for all shards. The result is that of some serial
/// order (Gemulla et al. 2011; Chin et al. 2015, who let shards choose, which depends on their speed). With one shard
/// there is one cell, and the order is the log's.
struct Grid: Sendable {
    /// Parts for each shard, where there are items enough. With one part each, a shard would have to wait for its
    /// neighbour whenever that has the longer cell.
    private static let partsPerShard = 2
    /// Fewer blocks of items a part than this, and users would seldom meet negatives.
    private static let blocksPerPart = 16

    let shards: Int
    let parts: Int
    private let order: [Int32]
    /// Where each cell starts in `order`; one more than there are cells.
    private let starts: [Int]

    /// In how many parts `items` are cut.
    static func parts(shards: Int, items: Int) -> Int {
        guard shards > 1 else { return 1 }
        let isLarge = items >= shards * partsPerShard * blocksPerPart * ShardAssignment.rowsPerBlock
        return isLarge ? shards * partsPerShard : shards
    }

    /// - Parameter assignment: of items to parts; as many as shards, or a multiple.
    init(_ examples: [Example], shards: Int, assignment: ShardAssignment) {
        (self.shards, parts) = (shards, assignment.shards)
        let parts = parts
        var counts = [Int](repeating: 0, count: shards * parts + 1)
        var order = [Int32](repeating: 0, count: examples.count)
        if shards == 1 {
            for index in order.indices { order[index] = Int32(index) }
            (self.order, starts) = (order, [0, examples.count])
            return
        }
        let cells = examples.map { example in
            let cell = Int(example.user) % shards * parts + assignment.shard(of: Int(example.item))
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

    /// The part that a shard learns at a step of `0..<parts`.
    func part(step: Int, userShard: Int) -> Int { (userShard * stride + step) % parts }

    /// Whose cell, of which step, must be learned before this one, because it has the same part.
    func predecessor(step: Int, userShard: Int) -> (step: Int, userShard: Int)? {
        step >= stride && shards > 1 ? (step - stride, (userShard + 1) % shards) : nil
    }

    /// Whose cell waits for this one's part.
    func successor(step: Int, userShard: Int) -> (step: Int, userShard: Int)? {
        step + stride < parts && shards > 1 ? (step + stride, (userShard + shards - 1) % shards) : nil
    }

    /// Indices of the examples of one cell.
    func cell(userShard: Int, part: Int) -> ArraySlice<Int32> {
        let cell = userShard * parts + part
        return order[starts[cell]..<starts[cell + 1]]
    }

    /// Steps between the starts of two neighbouring shards.
    private var stride: Int { parts / shards }
}
