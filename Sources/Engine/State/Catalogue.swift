internal import Retrieval

/// What is known of items beside what is learned: titles, tags, availability; and the sets that filters ask for.
struct Catalogue {
    struct Entry {
        var title: String?
        var tags: [String] = []
        var available = true
        /// To be written with the next checkpoint.
        var unsaved = true
    }

    private(set) var entries: [Entry] = []
    private(set) var unavailable = ItemBitset()
    private var byTag: [String: ItemBitset] = [:]

    /// Items that carry the tag; empty for a tag that nobody carries.
    func items(tagged tag: String) -> ItemBitset { byTag[tag] ?? ItemBitset() }

    mutating func grow(to count: Int) {
        while entries.count < count { entries.append(Entry()) }
    }

    /// What is `nil` stays as it is.
    mutating func describe(_ row: Int, title: String?, tags: [String]?, available: Bool?) {
        grow(to: row + 1)
        entries[row].unsaved = true
        if let title { entries[row].title = title }
        if let available {
            entries[row].available = available
            if available { unavailable.remove(row) } else { unavailable.insert(row) }
        }
        if let tags {
            for tag in entries[row].tags { byTag[tag]?.remove(row) }
            entries[row].tags = tags
            for tag in tags { byTag[tag, default: ItemBitset()].insert(row) }
        }
    }

    mutating func markSaved(_ row: Int) { entries[row].unsaved = false }
    mutating func markUnsaved(_ row: Int) { entries[row].unsaved = true }
}
