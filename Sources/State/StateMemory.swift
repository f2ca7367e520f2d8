internal import ContentVectors
internal import Dispatch
internal import FeatureMaps
internal import Identities
internal import Locking

/// Bytes that a state holds, by what for.
package struct StateMemory: Sendable {
    /// Users' rows and what is counted of them.
    package var users = 0
    /// Of these, what stays in memory whoever leaves.
    package var unleavable = 0
    /// Histories, hidden items, marks of when something was taken back, and what else a user owns on the heap.
    package var histories = 0
    /// Of users and items.
    package var ids = 0
    /// Items' rows and what is counted of them.
    package var items = 0
    /// Titles, tags, which items carry them, and what is learned of them.
    package var catalogue = 0
    /// What tells duplicates.
    package var recent = 0

    /// Vectors of tags, who carries them, and items' vectors by them.
    package var content = 0

    package init() {}

    package var sum: Int { users + histories + ids + items + catalogue + recent + content }
}

extension LearnedState {
    /// Costs a pass over some of the users: not for every batch. On the engine's queue, between rounds.
    package func memory() -> StateMemory {
        var memory = StateMemory()
        for shard in shards {
            shard.queue.sync {
                memory.users += shard.tableBytes + shard.users.bytes
                memory.unleavable += shard.unleavableBytes
                memory.histories += shard.measureHistories()
            }
        }
        memory.ids = users.read { $0.bytes } + items.read { $0.bytes }
        memory.items = stats.bytes + models.reduce(0) { $0 + $1.itemBytes }
        memory.catalogue = catalogue.read { $0.bytes } + priors.bytes
        memory.recent = recent.bytes
        memory.content = content.map { $0.isEmpty ? 0 : $0.bytes } ?? 0
        return memory
    }
}
