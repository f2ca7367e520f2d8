/// Which items may be answered.
public struct ItemFilter: Sendable {
    /// Seen, excluded or unavailable.
    public var excluded: ItemBitset
    /// The item must be in each of these.
    public var required: [ItemBitset]
    /// The item must be in each of these too: rows, ascending, none twice. For sets that may be small, as the items of
    /// a tag: a list of 30 rows costs as 30 rows do, where a bitset costs as the catalogue.
    public var requiredRows: [[Int32]]

    public init(
        excluded: ItemBitset = ItemBitset(), required: [ItemBitset] = [], requiredRows: [[Int32]] = []
    ) {
        self.excluded = excluded
        self.required = required
        self.requiredRows = requiredRows
    }

    @inline(__always)
    public func allows(_ row: Int) -> Bool {
        guard !excluded.contains(row) else { return false }
        for set in required where !set.contains(row) { return false }
        for rows in requiredRows where !rows.containsAscending(Int32(truncatingIfNeeded: row)) {
            return false
        }
        return true
    }

    /// Whether all that it asks is what it excludes.
    var isExclusion: Bool { required.isEmpty && requiredRows.isEmpty }

    /// What the filter leaves of rows `0 ..< count`; as rows only if at most `fewMax` are left.
    func resolve(count: Int, fewMax: Int) -> AllowedItems {
        if let shortest = requiredRows.min(by: { $0.count < $1.count }) {
            // A long list may still meet a small set: what is left is counted row by row.
            let allowed = shortest.filter { $0 >= 0 && Int($0) < count && allows(Int($0)) }
            return allowed.count <= fewMax ? .few(allowed) : .many(allowed.count)
        }
        let left = allowedByBitsets(count: count)
        guard left <= fewMax else { return .many(left) }
        var rows: [Int32] = []
        rows.reserveCapacity(left)
        for index in 0..<(count + 63) / 64 {
            var word = word(index, count: count)
            while word != 0 {
                rows.append(Int32(index * 64 + word.trailingZeroBitCount))
                word &= word - 1
            }
        }
        return .few(rows)
    }

    private func allowedByBitsets(count: Int) -> Int {
        // A look-up by a user's history alone: the most frequent one.
        guard !required.isEmpty else { return count - excluded.count(below: count) }
        var left = 0
        for index in 0..<(count + 63) / 64 { left += word(index, count: count).nonzeroBitCount }
        return left
    }

    /// The allowed rows of `64 * index ..< 64 * index + 64` below `count`, by the bitsets alone.
    @inline(__always)
    private func word(_ index: Int, count: Int) -> UInt64 {
        var word = ~excluded.word(index)
        for set in required { word &= set.word(index) }
        let end = count - index * 64
        return end < 64 ? word & (1 << UInt64(end) - 1) : word
    }
}

enum AllowedItems {
    /// The rows, ascending.
    case few([Int32])
    /// Their number.
    case many(Int)

    var count: Int {
        switch self {
        case .few(let rows): rows.count
        case .many(let count): count
        }
    }
}

extension [Int32] {
    /// Binary search.
    func containsAscending(_ row: Int32) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == row
    }
}
