internal import Dispatch

/// Bytes that a state holds, by what for.
package struct StateMemory: Sendable {
    /// Users' rows and what is counted of them.
    package var users = 0
    package var items = 0
    package var histories = 0
    /// What tells duplicates.
    package var recent = 0

    package init() {}
}

extension LearnedState {
    /// Costs a pass over some of the users: not for every batch. On the engine's queue, between rounds.
    package func memory() -> StateMemory {
        var memory = StateMemory()
        for shard in shards {
            shard.queue.sync {
                memory.users += shard.tableBytes + shard.users.bytes
                memory.histories += shard.measureHistories()
            }
        }
        memory.recent = recent.bytes
        memory.items = stats.bytes + models.reduce(0) { $0 + $1.itemBytes }
        return memory
    }
}
