/// A user to whom an item means something, and how much.
package struct Taker: Equatable {
    package var user: Int32
    /// `UpdateRule.weight`: below 0 of who dislikes the item; 0 takes the user off the list.
    package var weight: Float
}

/// Of each item the users who like or dislike it: the histories inverted, for learners that solve items.
///
/// Confined to the engine's queue, but for `takers(of:)`, which solvers call while that queue waits for them. That is
/// what `@unchecked Sendable` stands on.
package final class TakerLists: @unchecked Sendable {
    /// Ascending by user, so that sums over them do not depend on who came first.
    private var settled: [[Taker]] = []
    /// What has happened since, oldest first: a list of thousands is not moved for each event.
    private var changes: [[Taker]] = []

    package func grow(to count: Int) {
        guard count > settled.count else { return }
        settled += Array(repeating: [], count: count - settled.count)
        changes += Array(repeating: [], count: count - changes.count)
    }

    package func record(_ taker: Taker, of item: Int) { changes[item].append(taker) }

    /// Adds a user beyond all that the list has, as histories are read back.
    package func append(_ taker: Taker, to item: Int) {
        assert(settled[item].last.map { $0.user < taker.user } ?? true)
        settled[item].append(taker)
    }

    /// Works in what has happened to the item.
    package func settle(_ item: Int) {
        guard !changes[item].isEmpty else { return }
        var last: [Int32: Float] = [:]
        for change in changes[item] { last[change.user] = change.weight }
        changes[item] = []
        let news = last.map { Taker(user: $0.key, weight: $0.value) }.sorted { $0.user < $1.user }
        settled[item] = Self.merge(settled[item], news)
    }

    private static func merge(_ old: [Taker], _ news: [Taker]) -> [Taker] {
        var merged: [Taker] = []
        merged.reserveCapacity(old.count + news.count)
        var next = 0
        for taker in news {
            while next < old.count, old[next].user < taker.user {
                merged.append(old[next])
                next += 1
            }
            if next < old.count, old[next].user == taker.user { next += 1 }
            if taker.weight != 0 { merged.append(taker) }
        }
        merged += old[next...]
        return merged
    }

    /// As they stood when the item was last settled.
    package func takers(of item: Int) -> [Taker] { settled[item] }

    package func count(of item: Int) -> Int { settled[item].count }

    package var bytes: Int {
        let entries = settled.reduce(0) { $0 + $1.capacity } + changes.reduce(0) { $0 + $1.capacity }
        return entries * MemoryLayout<Taker>.stride + 2 * settled.capacity * MemoryLayout<[Taker]>.stride
    }
}
