internal import Dispatch
internal import Events
internal import Factors
internal import Locking

/// One cell of the grid on its shard's queue, a turn at a time: after each the look-ups that wait there go first, so
/// that none waits for thousands of events. The order of learning, and so the result, is the same.
///
/// Touched by one turn after the other on the shard's queue; that is what `@unchecked Sendable` stands on.
final class CellTurns: @unchecked Sendable {
    /// New users that a turn admits: each draws a row for every model.
    private static let arrivalsPerTurn = 32

    private let shard: UserShard
    private var arrivals: ArraySlice<(id: EntityID, row: Int32)>
    private let seeds: [UInt64]
    private var cell: ArraySlice<Int32>
    private let worker: CellWorker
    private let leases: LeaseBook
    private let itemShard: Int
    private let assignment: ShardAssignment

    init(
        shard: UserShard, arrivals: ArraySlice<(id: EntityID, row: Int32)>, seeds: [UInt64],
        cell: ArraySlice<Int32>, worker: CellWorker, leases: LeaseBook, itemShard: Int,
        assignment: ShardAssignment
    ) {
        self.shard = shard
        self.arrivals = arrivals
        self.seeds = seeds
        self.cell = cell
        self.worker = worker
        self.leases = leases
        self.itemShard = itemShard
        self.assignment = assignment
    }

    /// Learns the whole cell before it returns.
    func run() {
        var isDone = false
        while !isDone { isDone = shard.queue.sync(execute: turn) }
    }

    /// Learns beside the caller; the group ends after the last turn.
    func start(_ group: DispatchGroup) {
        shard.queue.async(group: group) { [self] in
            ThreadPriority.yieldToLookUps()
            // Behind the look-ups that came meanwhile. The group is not left in between: this turn has not ended.
            if !turn() { start(group) }
        }
    }

    /// - Returns: whether that was the last one.
    private func turn() -> Bool {
        repeat {
            for (id, row) in arrivals.prefix(Self.arrivalsPerTurn) { shard.admit(id, row: row, seeds: seeds) }
            arrivals = arrivals.dropFirst(Self.arrivalsPerTurn)
        } while !arrivals.isEmpty && !shard.hasLookUpWaiting
        guard arrivals.isEmpty else { return false }
        let lease = leases.lend(itemShard, of: assignment)
        cell = worker.learn(cell, shard: shard, lease: lease)
        return cell.isEmpty
    }
}
