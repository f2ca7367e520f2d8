internal import ContentVectors
internal import Events
internal import Histories
package import Retrieval

/// What is known of items beside what is learned: titles, tags, availability; and the sets that filters ask for.
package struct Catalogue {
    package struct Entry: Equatable {
        package var title: String?
        package var tags: [String] = []
        package var available = true
        /// When each was said, by the producer's clock.
        package var times = Times()

        package init() {}
    }

    /// Milliseconds since 1970; `nil` for what was never said, or without a time.
    package struct Times: Equatable {
        package var title: Int64?
        package var tags: Int64?
        package var available: Int64?

        package init() {}
    }

    /// By item row.
    package private(set) var entries: [Entry] = []
    package private(set) var unavailable = ItemBitset()
    /// Item rows by tag, ascending; tags as they are compared, so that who asks for `comedy` finds `Comedy`. Not a bitset
    /// each: the tag of a single item would take a bit for every item, and a
    /// large catalogue with keywords more memory than its factors.
    private var byTag: [String: [Int32]] = [:]
    /// Bytes of titles and tags on the heap, and of the lists of who carries them.
    private var textBytes = 0
    /// While a checkpoint is written: descriptions as they were when it began, of items described anew since.
    private var frozen: [Int: Entry]?

    package init() {}

    /// Items that carry the tag, in whatever case, ascending; empty for a tag that nobody carries.
    package func items(tagged tag: String) -> [Int32] {
        TextEmbedding.normalised(tag).flatMap { byTag[$0] } ?? []
    }

    /// Distinct tags in use, those that differ in case alone counted once.
    package var tagCount: Int { byTag.count }

    /// Bytes held.
    package var bytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + textBytes
            + byTag.capacity * (MemoryLayout<String>.stride + MemoryLayout<[Int32]>.stride)
            + (frozen?.count ?? 0) * MemoryLayout<Entry>.stride
    }

    package mutating func grow(to count: Int) {
        while entries.count < count { entries.append(Entry()) }
    }

    /// Takes a description in. What it does not name stays as it is, and what was said later, where both have a time.
    ///
    /// - Parameter time: the description's own, in milliseconds since 1970.
    /// - Returns: `isNews` false if all that it names was said later already; how many tags were too many.
    @discardableResult
    package mutating func describe(
        _ row: Int, title: String?, tags: [String]?, addedTags: [String]? = nil, available: Bool?,
        time: Int64? = nil
    ) -> (isNews: Bool, droppedTags: Int) {
        grow(to: row + 1)
        if frozen != nil, frozen?[row] == nil { frozen?[row] = entries[row] }
        var isNews = title == nil && tags == nil && addedTags == nil && available == nil
        if let title, Self.isNews(time, &entries[row].times.title) {
            textBytes += AllocatedBytes.ofText(title) - AllocatedBytes.ofText(entries[row].title ?? "")
            entries[row].title = title
            isNews = true
        }
        if let available, Self.isNews(time, &entries[row].times.available) {
            entries[row].available = available
            if available { unavailable.remove(row) } else { unavailable.insert(row) }
            isNews = true
        }
        var list = TagList(entries[row].tags, time: entries[row].times.tags)
        let outcome = list.describe(tags: tags, added: addedTags, time: time)
        if outcome.isNews {
            set(list.tags, of: row)
            entries[row].times.tags = list.time
        }
        return (isNews || outcome.isNews, outcome.dropped)
    }

    /// From now on descriptions are kept as they are for `frozenEntry`, until `thaw`.
    mutating func freeze() { frozen = [:] }

    mutating func thaw() { frozen = nil }

    /// What was said of the item when `freeze` was called.
    func frozenEntry(_ row: Int) -> Entry { frozen?[row] ?? entries[row] }

    /// Puts back when things were said, as read from a state.
    package mutating func restore(_ times: Times, of row: Int) { entries[row].times = times }

    /// Whether what is said at `time` is newer than what was said before; if so, notes when.
    private static func isNews(_ time: Int64?, _ said: inout Int64?) -> Bool {
        if let time, let before = said, time < before { return false }
        said = time
        return true
    }

    private mutating func set(_ tags: [String], of row: Int) {
        guard tags != entries[row].tags else { return }
        textBytes += Self.bytes(of: tags) - Self.bytes(of: entries[row].tags)
        for tag in entries[row].tags.compactMap(TextEmbedding.normalised) { remove(tag, from: Int32(row)) }
        entries[row].tags = tags
        for tag in tags.compactMap(TextEmbedding.normalised) {
            byTag[tag, default: []].insertAscending(Int32(row))
        }
    }

    /// Of an item's tags, with its place in each one's list.
    private static func bytes(of tags: [String]) -> Int {
        tags.reduce(AllocatedBytes.ofArray(tags.count * MemoryLayout<String>.stride)) {
            $0 + AllocatedBytes.ofText($1) + MemoryLayout<Int32>.stride
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
