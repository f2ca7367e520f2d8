internal import Factors

/// One event as it lies in a cell.
struct TrainingExample {
    var user: Int32
    var item: Int32
    var value: Float
    /// Its number among the interactions; keys its draws.
    var index: Int32
}

/// An epoch's examples, bucketed by (user shard, item shard).
///
/// In round r, shard s learns cell (s, s + r mod S): no two queues write one row, and the result is that of some
/// serial order (Gemulla et al. 2011). Each cell is shuffled by the queue that learns it.
final class EpochGrid: @unchecked Sendable {
    // Guarded by the schedule: a cell is shuffled and read by the one queue that learns it.
    private let examples: UnsafeMutablePointer<TrainingExample>
    /// Where each cell starts; one more than there are cells.
    private let starts: [Int]
    private let seed: UInt64
    private let epoch: Int
    let assignment: ShardAssignment

    init(_ interactions: Interactions, team: ShardTeam, epoch: Int) {
        (seed, self.epoch) = (team.seed, epoch)
        let assignment = team.itemAssignment(epoch: epoch)
        let (shards, users) = (team.shards, team.userAssignment)
        func cell(_ index: Int) -> Int {
            users.shard(of: Int(interactions.users[index])) * shards
                + assignment.shard(of: Int(interactions.items[index]))
        }
        var counts = [Int](repeating: 0, count: shards * shards + 1)
        for index in 0..<interactions.count { counts[cell(index) + 1] += 1 }
        for cell in 0..<shards * shards { counts[cell + 1] += counts[cell] }
        examples = .allocate(capacity: interactions.count)
        var next = counts
        for index in 0..<interactions.count {
            let cell = cell(index)
            let example = TrainingExample(
                user: interactions.users[index], item: interactions.items[index],
                value: interactions.values[index], index: Int32(index))
            (examples + next[cell]).initialize(to: example)
            next[cell] += 1
        }
        starts = counts
        self.assignment = assignment
    }

    deinit { examples.deallocate() }

    /// Examples of a cell.
    func count(round: Int, userShard: Int) -> Int {
        let number = userShard * assignment.shards + (userShard + round) % assignment.shards
        return starts[number + 1] - starts[number]
    }

    /// The examples that `userShard` learns in `round`, shuffled, and the item shard they need.
    ///
    /// - Parameter isShuffled: they were asked for before, and are taken as they stand.
    func cell(
        round: Int, userShard: Int, isShuffled: Bool = false
    ) -> (itemShard: Int, examples: UnsafeBufferPointer<TrainingExample>) {
        let itemShard = (userShard + round) % assignment.shards
        let number = userShard * assignment.shards + itemShard
        let start = examples + starts[number]
        let count = starts[number + 1] - starts[number]
        guard !isShuffled else { return (itemShard, UnsafeBufferPointer(start: start, count: count)) }
        var random = KeyedRandom(
            seed: seed, stream: 4 + UInt64(number) << 32, index: UInt64(epoch))
        for index in stride(from: count - 1, to: 0, by: -1) {
            let other = random.next(below: index + 1)
            (start[index], start[other]) = (start[other], start[index])
        }
        return (itemShard, UnsafeBufferPointer(start: start, count: count))
    }
}

extension ShardTeam {
    /// Runs all rounds of an epoch's grid.
    func onEachCell(
        _ interactions: Interactions, epoch: Int,
        _ body:
            @escaping @Sendable (
                _ shard: Int, _ examples: UnsafeBufferPointer<TrainingExample>, _ lease: borrowing RowLease
            ) -> EpochTally
    ) -> EpochTally {
        let grid = EpochGrid(interactions, team: self, epoch: epoch)
        var tally = EpochTally()
        for round in 0..<shards {
            let ofRound = onEachShard { [leases] shard in
                let (itemShard, examples) = grid.cell(round: round, userShard: shard)
                let lease = leases.lend(itemShard, of: grid.assignment)
                return body(shard, examples, lease)
            }
            tally.add(ofRound)
        }
        return tally
    }
}
