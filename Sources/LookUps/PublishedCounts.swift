internal import Locking
internal import State

/// What is counted of items, as look-ups see it: copied with each publication, so that nobody waits behind a batch.
struct PublishedCounts: Sendable {
    private(set) var stats: [ItemStats] = []
    /// Per model and item: users for whom it is positive.
    private(set) var positives: [[Int32]]

    init(models: Int) {
        positives = Array(repeating: [], count: models)
    }

    var bytes: Int {
        stats.capacity * MemoryLayout<ItemStats>.stride
            + positives.reduce(0) { $0 + $1.capacity * MemoryLayout<Int32>.stride }
    }

    /// Takes over new items and the changed ones. Runs on the engine's queue.
    mutating func take(_ rows: [Int32], from state: LearnedState) {
        let known = stats.count
        for row in known..<state.stats.count {
            stats.append(state.stats[row])
            for (number, model) in state.models.enumerated() {
                positives[number].append(model.positives[row])
            }
        }
        for row in rows {
            state.stats[Int(row)].unpublished = false
            stats[Int(row)] = state.stats[Int(row)]
            for (number, model) in state.models.enumerated() {
                positives[number][Int(row)] = model.positives[Int(row)]
            }
        }
    }
}
