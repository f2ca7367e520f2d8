internal import Dispatch
internal import Factors
internal import Locking

/// The queues that learn side by side, and which users' and items' rows each may write.
///
/// Users belong to a shard for the whole training, items for one epoch; both by blocks of rows (`ShardAssignment`), so
/// that no two queues write to one cache line of biases.
final class ShardTeam: Sendable {
    let shards: Int
    let seed: UInt64
    let userAssignment: ShardAssignment
    let leases: LeaseBook
    private let queues: [DispatchQueue]
    /// Each for the queue of its number.
    let scratches: [Scratch]

    init(shards: Int, seed: UInt64, factors: Int) {
        (self.shards, self.seed) = (shards, seed)
        userAssignment = ShardAssignment(shards: shards, key: KeyedRandom.mix(seed))
        leases = LeaseBook(shards: shards)
        queues = (0..<shards).map { DispatchQueue(label: "freshet.training.\($0)") }
        scratches = (0..<shards).map { _ in Scratch(factors: factors) }
    }

    func itemAssignment(epoch: Int) -> ShardAssignment {
        var random = KeyedRandom(seed: seed, stream: 3, index: UInt64(epoch))
        return ShardAssignment(shards: shards, key: random.next())
    }

    /// Runs `body` once per shard on the shard's queue and waits for all; the tallies are added in the shards' order,
    /// so that the sum does not depend on which was faster.
    func onEachShard(_ body: @escaping @Sendable (_ shard: Int) -> EpochTally) -> EpochTally {
        let tallies = Lock([EpochTally](repeating: EpochTally(), count: shards))
        let group = DispatchGroup()
        for shard in 0..<shards {
            queues[shard].async(group: group) {
                let tally = body(shard)
                tallies.withLock { $0[shard] = tally }
            }
        }
        group.wait()
        return tallies.withLock { $0 }.reduce(into: EpochTally()) { $0.add($1) }
    }
}
