package import Foundation

/// Whether a model may be asked by those who name none: judged by how many of its updates the guard drops.
///
/// Events are counted off in steps of 256, by their ordinals. A step in which more than a tenth of the model's updates were
/// dropped, of eight users and of eight items at least, is a bad one: one user or item of whom all is dropped, however
/// often, is none of the model's fault. With four bad steps among the last sixteen in which it learned anything the model is
/// unhealthy, and with none among them it is healthy again.
///
/// A function of the events in their order alone: neither how batches are cut nor a restart changes it. With several shards
/// it is as much that as what is learned.
package struct ModelHealth: Sendable, Equatable {
    static let eventsPerStep: Int64 = 256
    static let shareMax = 0.1
    static let subjectsMin = 8
    /// Steps in which fewer updates were tried tell nothing.
    static let updatesMin = 8
    static let stepsKept = 16
    static let badStepsMax = 4

    /// What became of the updates of one step.
    private struct Tally: Sendable, Equatable, Codable {
        var updates = 0
        var rejected = 0
        /// Rows of dropped updates, `subjectsMin` at most, in the order in which they were met.
        var users: [Int32] = []
        var items: [Int32] = []

        var isBad: Bool {
            Double(rejected) > ModelHealth.shareMax * Double(updates + rejected)
                && users.count >= ModelHealth.subjectsMin && items.count >= ModelHealth.subjectsMin
        }

        mutating func note(user: Int32, item: Int32) {
            Self.note(user, in: &users)
            Self.note(item, in: &items)
        }

        private static func note(_ row: Int32, in rows: inout [Int32]) {
            if rows.count < ModelHealth.subjectsMin, !rows.contains(row) { rows.append(row) }
        }
    }

    package private(set) var isHealthy = true
    /// A bit a step that is over, the newest lowest: whether it was bad.
    private var bad: UInt16 = 0
    /// Steps that are not over yet. More than one only where a segment of events spans several.
    private var open: [Int64: Tally] = [:]

    package init() {}

    package static func step(of ordinal: Int64) -> Int64 { ordinal / eventsPerStep }

    /// Counts updates that were applied.
    package mutating func count(updates: Int, step: Int64) {
        if updates > 0 { open[step, default: Tally()].updates += updates }
    }

    package mutating func count(_ rejection: Rejection) {
        let step = Self.step(of: rejection.ordinal)
        var tally = open[step] ?? Tally()
        tally.rejected += rejection.steps
        if let user = rejection.user, let item = rejection.item {
            tally.note(user: user, item: item)
        } else {
            // Of many rows at once, and nobody knows whose: each is one of its own, below those that there are.
            for row in 0..<Int32(min(rejection.steps, Self.subjectsMin)) {
                tally.note(user: -1 - row, item: -1 - row)
            }
        }
        open[step] = tally
    }

    /// All events before `ordinal` are counted: judges the steps before its own.
    ///
    /// - Returns: whether the verdict has changed.
    package mutating func close(before ordinal: Int64) -> Bool {
        guard !open.isEmpty else { return false }
        let (now, before) = (Self.step(of: ordinal), isHealthy)
        for (step, tally) in open.sorted(by: { $0.key < $1.key }) where step < now {
            open[step] = nil
            guard tally.updates + tally.rejected >= Self.updatesMin else { continue }
            bad = bad << 1 | (tally.isBad ? 1 : 0)
            if bad.nonzeroBitCount >= Self.badStepsMax { isHealthy = false }
            if bad == 0 { isHealthy = true }
        }
        return isHealthy != before
    }

    /// Bad steps among those that count, for people.
    package var badSteps: Int { bad.nonzeroBitCount }

    /// 0 for all who never had trouble, or have had none for long.
    package var digest: Int { (isHealthy ? 0 : 1 << 16) | Int(bad) }
}

// In the state file: a JSON object, for people who look into it.
extension ModelHealth {
    private struct Saved: Codable {
        var healthy: Bool
        var bad: UInt16
        var open: [String: Tally]
    }

    package var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let steps = Dictionary(uniqueKeysWithValues: open.map { (String($0.key), $0.value) })
        // Of integers alone, which can always be written.
        return (try? encoder.encode(Saved(healthy: isHealthy, bad: bad, open: steps))) ?? Data()
    }

    /// What cannot be read is as good as what an older program did not write.
    package mutating func restore(json: Data) {
        guard let saved = try? JSONDecoder().decode(Saved.self, from: json) else { return }
        (isHealthy, bad, open) = (saved.healthy, saved.bad, [:])
        for (step, tally) in saved.open {
            if let step = Int64(step) { open[step] = tally }
        }
    }
}
