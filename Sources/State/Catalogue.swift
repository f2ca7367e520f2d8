package import Retrieval

/// What is known of items beside what is learned: titles, tags, availability; and the sets that filters ask for.
package struct Catalogue {
    package struct Entry {
        package var title: String?
        package var tags: [String] = []
        package var available = true

        package init() {}
    }

    /// By item row.
    package private(set) var entries: [Entry] = []
    package private(set) var unavailable = ItemBitset()
    /// Item rows by tag, ascending. Not a bitset each: the tag of a single item would take a bit for every item, and a
    /// large catalogue with keywords more memory than its factors.
    private var byTag: [String: [Int32]] = [:]

    package init() {}

    /// Items that carry the tag, ascending; empty for a tag that nobody carries.
    package func items(tagged tag: String) -> [Int32] { byTag[tag] ?? [] }

    /// Distinct tags in use.
    package var tagCount: Int { byTag.count }

    package mutating func grow(to count: Int) {
        while entries.count < count { entries.append(Entry()) }
    }

    /// What is `nil` stays as it is.
    package mutating func describe(_ row: Int, title: String?, tags: [String]?, available: Bool?) {
        grow(to: row + 1)
        if let title { entries[row].title = title }
        if let available {
            entries[row].available = available
            if available { unavailable.remove(row) } else { unavailable.insert(row) }
        }
        if let tags, tags != entries[row].tags {
            for tag in entries[row].tags { remove(tag, from: Int32(row)) }
            entries[row].tags = tags
            for tag in tags { byTag[tag, default: []].insertAscending(Int32(row)) }
        }
    }

    private mutating func remove(_ tag: String, from row: Int32) {
        guard var rows = byTag.removeValue(forKey: tag) else { return }
        rows.removeAscending(row)
        if !rows.isEmpty { byTag[tag] = rows }
    }
}

extension [Int32] {
    fileprivate mutating func insertAscending(_ row: Int32) {
        let index = firstIndex(notBelow: row)
        if index == count || self[index] != row { insert(row, at: index) }
    }

    fileprivate mutating func removeAscending(_ row: Int32) {
        let index = firstIndex(notBelow: row)
        if index < count, self[index] == row { remove(at: index) }
    }

    private func firstIndex(notBelow row: Int32) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
