/// A set of item rows, a bit each. A value: whoever holds a copy sees it as it was.
public struct ItemBitset: Sendable, Equatable {
    private var words: [UInt64] = []

    public init() {}

    public init(_ rows: some Sequence<Int32>) {
        for row in rows { insert(Int(row)) }
    }

    /// Rows beyond the highest one inserted are not contained.
    @inline(__always)
    public func contains(_ row: Int) -> Bool {
        let word = row >> 6
        return word < words.count && words[word] & (1 << UInt64(row & 63)) != 0
    }

    public mutating func insert(_ row: Int) {
        let word = row >> 6
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: word + 1 - words.count))
        }
        words[word] |= 1 << UInt64(row & 63)
    }

    public mutating func remove(_ row: Int) {
        guard contains(row) else { return }
        words[row >> 6] &= ~(1 << UInt64(row & 63))
    }
}

/// Which items may be answered.
public struct ItemFilter: Sendable {
    /// Seen, excluded or unavailable.
    public var excluded: ItemBitset
    /// The item must be in each of these: one per tag asked for.
    public var required: [ItemBitset]

    public init(excluded: ItemBitset = ItemBitset(), required: [ItemBitset] = []) {
        self.excluded = excluded
        self.required = required
    }

    @inline(__always)
    public func allows(_ row: Int) -> Bool {
        guard !excluded.contains(row) else { return false }
        for set in required where !set.contains(row) { return false }
        return true
    }
}
