internal import Factors
internal import Foundation
internal import Retrieval

/// What the engine last told of itself, for `STATUS` and for look-ups that must not wait behind batches.
struct Snapshot: Sendable {
    struct Model: Sendable {
        var updates = 0
        var rejected = 0
        var score = PrequentialScore(windowEvents: 1)
        /// Over the window, by more than noise.
        var losesToBaseline = false
    }

    var positions: [Int32: Int64] = [:]
    var counters = LearnedState.Counters()
    var models: [Model] = []
    /// μ at the last publication.
    var mean: Float = 0
    var memory = Memory()

    mutating func take(_ state: LearnedState, memory measured: Memory?) {
        positions = state.positions
        counters = state.counters
        models = state.models.map {
            Model(
                updates: $0.updates, rejected: $0.rejected, score: $0.score,
                losesToBaseline: $0.losesToBaseline)
        }
        if let measured { memory = measured }
    }
}

/// Bytes held, by what for.
struct Memory: Sendable {
    var users = 0
    var items = 0
    var index = 0
    var histories = 0
}

extension LearnedState {
    /// Costs a pass over all users: not for every batch.
    func memory() -> Memory {
        var memory = Memory()
        for shard in shards {
            shard.queue.sync {
                memory.users += shard.tableBytes + shard.users.bytes
                memory.histories += shard.historyBytes
            }
        }
        memory.items = stats.bytes + models.reduce(0) { $0 + $1.itemBytes }
        memory.index = models.reduce(0) { $0 + $1.index.bytes }
        return memory
    }
}
