internal import Events
internal import Factors
internal import Locking
internal import State

/// One cell of the grid, and the users who come with it, for the queue of its shard.
///
/// Nothing here changes, and the worker touches only what the shard's queue and the lease own; that is what
/// `@unchecked Sendable` stands on.
struct CellWork: @unchecked Sendable {
    let shard: UserShard
    let arrivals: [(id: EntityID, row: Int32)]
    let seeds: [UInt64]
    let cell: ArraySlice<Int32>
    let worker: CellWorker
    let leases: LeaseBook
    let itemShard: Int
    let assignment: ShardAssignment

    /// On the shard's queue.
    func run() {
        ThreadPriority.yieldToLookUps()
        for (id, row) in arrivals { shard.admit(id, row: row, seeds: seeds) }
        let lease = leases.lend(itemShard, of: assignment)
        worker.learn(cell, shard: shard, lease: lease)
    }
}
