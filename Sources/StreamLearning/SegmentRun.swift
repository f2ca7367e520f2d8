internal import Dispatch
internal import Events
internal import Factors
internal import Locking
internal import State
internal import Synchronization

/// A segment while the shards learn it.
///
/// Why no two queues touch one row: users belong to their shard's queue; an item part is lent to one cell at a time,
/// because a cell is started by whichever comes last of the cell before it on its own shard and the cell that had the
/// part before (`Grid.predecessor`), and `LeaseBook` stops the process should two ever hold one part.
///
/// Nothing here changes but `waitsFor`, which is atomic; the worker touches only what the shard's queue and the lease own.
/// `@unchecked Sendable` stands on that, and on the group: the engine's queue looks at what came of it after that.
final class SegmentRun: @unchecked Sendable {
    let segment: Segment
    let worker: CellWorker
    private let shards: [UserShard]
    private let seeds: [UInt64]
    private let grid: Grid
    private let assignment: ShardAssignment
    private let leases: LeaseBook
    private let stages: StageTimes
    private let group = DispatchGroup()
    /// By cell: how many others it waits for.
    private let waitsFor: [Counter]

    private final class Counter: Sendable {
        let value: Atomic<Int>
        init(_ value: Int) { self.value = Atomic(value) }
    }

    init(
        _ segment: Segment, grid: Grid, assignment: ShardAssignment, worker: CellWorker, state: LearnedState,
        stages: StageTimes
    ) {
        (self.segment, self.grid, self.assignment, self.worker) = (segment, grid, assignment, worker)
        self.stages = stages
        shards = state.shards
        seeds = state.models.map(\.seed)
        leases = LeaseBook(shards: grid.shards)
        waitsFor = (0..<grid.shards).flatMap { shard in
            (0..<grid.shards).map { step in
                Counter((step > 0 ? 1 : 0) + (grid.predecessor(step: step, userShard: shard) == nil ? 0 : 1))
            }
        }
    }

    /// Learns the segment on the shards' queues, one cell after the other; returns when all are learned. For a few events,
    /// where to wake threads would cost more.
    func learnInTurn() {
        for step in 0..<grid.shards {
            for shard in shards {
                let cell = grid.cell(
                    userShard: shard.number, part: grid.part(step: step, userShard: shard.number))
                // A lone rating stands in one cell of many: the others are not worth their queue.
                let bringsUsers = !segment.arrivals[shard.number].isEmpty || segment.back != nil
                if cell.isEmpty, step > 0 || !bringsUsers { continue }
                shard.queue.sync { learn(step, shard) }
            }
        }
    }

    /// Starts to learn the segment on the shards' queues.
    func start() {
        for shard in shards {
            for _ in 0..<grid.shards { group.enter() }
            begin(0, shard)
        }
    }

    /// Returns when all is learned.
    func wait() { group.wait() }

    /// Calls `body` on `queue` when all is learned.
    func notify(_ queue: DispatchQueue, _ body: @escaping @Sendable () -> Void) {
        group.notify(queue: queue, execute: body)
    }

    private func begin(_ step: Int, _ shard: UserShard) {
        shard.queue.async { [self] in
            learn(step, shard)
            finished(step, shard)
            group.leave()
        }
    }

    private func finished(_ step: Int, _ shard: UserShard) {
        if step + 1 < grid.shards { release(step + 1, shard) }
        guard let next = grid.successor(step: step, userShard: shard.number) else { return }
        release(step + 1, shards[next])
    }

    /// One of the cells that this one waits for is learned.
    private func release(_ step: Int, _ shard: UserShard) {
        let counter = waitsFor[shard.number * grid.shards + step]
        if counter.value.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { begin(step, shard) }
    }

    private func takeBack(_ back: SpilledUsers, _ shard: UserShard) {
        for (place, row) in back.rows.enumerated() where Int(row) % shards.count == shard.number {
            shard.takeBack(back, place)
        }
    }

    /// On the shard's queue.
    private func learn(_ step: Int, _ shard: UserShard) {
        ThreadPriority.yieldToLookUps()
        if step == 0 {
            if let back = segment.back { takeBack(back, shard) }
            for (id, row) in segment.arrivals[shard.number] { shard.admit(id, row: row, seeds: seeds) }
        }
        let part = grid.part(step: step, userShard: shard.number)
        let cell = grid.cell(userShard: shard.number, part: part)
        guard !cell.isEmpty else { return }
        stages.measure(.learn) {
            let lease = leases.lend(part, of: assignment)
            worker.learn(cell, shard: shard, lease: lease)
        }
    }
}
