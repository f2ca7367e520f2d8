internal import EventLog
internal import LookUps
internal import SQLiteFiles
package import State

/// Where the daemon's memory goes: each large part by what it is for, and what the kernel says of the whole.
package struct MemoryParts: Sendable {
    package var state = StateMemory()
    /// What is published of items for look-ups.
    package var index = 0
    /// Events that were decoded and wait to be learned.
    package var queue = 0
    /// Records that the log has fetched.
    package var log = 0
    /// SQLite's pages and statements, of all its files.
    package var sqlite = 0
    /// What a checkpoint holds that is being written.
    package var checkpoint = 0

    package var named: [(name: String, bytes: Int)] {
        [
            ("users", state.users), ("histories", state.histories), ("ids", state.ids),
            ("items", state.items),
            ("catalogue", state.catalogue), ("recent-events", state.recent), ("content", state.content),
            ("index", index),
            ("queue", queue),
            ("log", log), ("sqlite", sqlite), ("checkpoint", checkpoint),
        ]
    }

    package var sum: Int { state.sum + index + queue + log + sqlite + checkpoint }
}

extension Engine {
    /// From any thread; the state's part as it was measured last.
    package var memoryParts: MemoryParts {
        let snapshot = published.snapshot
        var parts = MemoryParts()
        parts.state = snapshot.memory
        parts.index = snapshot.indexBytes
        parts.queue = waiting.bytes
        parts.log = log.heldBytes
        parts.sqlite = SQLiteMemory.bytes
        parts.checkpoint = checkpointer.heldBytes
        return parts
    }

    /// User–item pairs in histories. Costs a pass over all items, behind the batches that wait.
    package var rememberedPairs: Int {
        onQueue { state in
            (0..<state.stats.count).reduce(0) { $0 + Int(state.stats[$1].users) }
        }
    }

    func memoryFields() -> [StatusField] {
        let parts = memoryParts
        var fields = parts.named.map { StatusField("memory.\($0.name)-bytes", .integer(Int64($0.bytes))) }
        fields.append(StatusField("memory.sum-bytes", .integer(Int64(parts.sum))))
        guard let resident = ResidentMemory.bytes else { return fields }
        // Code, stacks, and what the allocator keeps of what was freed.
        fields.append(StatusField("memory.other-bytes", .integer(Int64(resident - parts.sum))))
        fields.append(StatusField("memory.resident-bytes", .integer(Int64(resident))))
        return fields
    }
}
