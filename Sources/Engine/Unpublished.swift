internal import StreamLearning

/// What has changed and look-ups have not been shown.
struct Unpublished {
    /// Item rows that events are of, per model.
    private(set) var changed: [[Int32]]
    /// Item rows that were only drawn beside events of others, per model: many, of little weight each.
    private var drawn: [DrawnRows]
    /// Item rows whose counts have changed.
    private(set) var stats: [Int32] = []
    /// When the oldest event that look-ups do not see yet came into the log; `nil` where they see all.
    private var since: Int64?

    init(models: Int) {
        changed = Array(repeating: [], count: models)
        drawn = Array(repeating: DrawnRows(), count: models)
    }

    var hasDrawn: Bool { drawn.contains { !$0.isEmpty } }

    mutating func note(oldest: Int64?) { since = since ?? oldest }

    mutating func add(_ outcome: BatchApplication.Outcome) {
        add(outcome.changedItems, stats: outcome.changedStats)
        addDrawn(outcome.drawnItems)
    }

    mutating func addDrawn(_ rows: [[Int32]]) {
        for (model, rows) in rows.enumerated() { drawn[model].append(rows) }
    }

    mutating func add(_ rows: [[Int32]], stats: [Int32]) {
        for (model, rows) in rows.enumerated() { add(rows, of: model) }
        self.stats += stats
    }

    mutating func add(_ rows: [Int32], of model: Int) { changed[model] += rows }

    /// At most so many drawn rows of each model, the oldest, which are the taker's now.
    mutating func takeDrawn(atMost count: Int) -> [[Int32]] {
        drawn.indices.map { drawn[$0].take(atMost: count) }
    }

    /// What has changed is with the index now, which keeps that for which it had no room.
    mutating func removeChanged() {
        stats.removeAll(keepingCapacity: true)
        for model in changed.indices { changed[model].removeAll(keepingCapacity: true) }
    }

    /// Look-ups see all events now.
    mutating func takeSince() -> Int64? { since.take() }
}

/// A queue of rows.
private struct DrawnRows {
    private var rows: [Int32] = []
    private var first = 0

    var isEmpty: Bool { first == rows.count }

    mutating func append(_ more: [Int32]) { rows += more }

    mutating func take(atMost count: Int) -> [Int32] {
        let end = rows.count - first > count ? first + count : rows.count
        let taken = Array(rows[first..<end])
        first = end
        if first > rows.count / 2 {
            rows.removeSubrange(..<first)
            first = 0
        }
        return taken
    }
}
