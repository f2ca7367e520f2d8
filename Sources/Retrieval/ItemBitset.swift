internal import CKernels

/// A set of item rows, a bit each. A value: whoever holds a copy sees it as it was.
public struct ItemBitset: Sendable, Equatable {
    private(set) var words: [UInt64] = []

    public init() {}

    public init(_ rows: some Sequence<Int32>) {
        insert(contentsOf: Array(rows))
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

    /// Grows once for all: a user's history at every look-up.
    public mutating func insert(contentsOf rows: [Int32]) {
        guard let highest = rows.max() else { return }
        insert(Int(highest))
        for row in rows { words[Int(row) >> 6] |= 1 << UInt64(row & 63) }
    }

    public mutating func remove(_ row: Int) {
        guard contains(row) else { return }
        words[row >> 6] &= ~(1 << UInt64(row & 63))
    }

    /// Takes in all that `other` contains.
    public mutating func formUnion(_ other: ItemBitset) {
        if other.words.count > words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices { words[index] |= other.words[index] }
    }

    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// How many rows below `end` are contained.
    func count(below end: Int) -> Int {
        let whole = min(words.count, end >> 6)
        let rest = word(whole) & (1 << UInt64(end & 63) - 1)
        return words.withUnsafeBufferPointer { words in
            guard let base = words.baseAddress else { return 0 }
            return bit_count(base, whole)
        } + (whole < end >> 6 ? 0 : rest.nonzeroBitCount)
    }

    /// Calls `body` with the words and their number; there need be none.
    func withWords<Result>(_ body: (UnsafePointer<UInt64>, Int) -> Result) -> Result {
        withUnsafePointer(to: 0 as UInt64) { none in
            words.withUnsafeBufferPointer { body($0.baseAddress ?? none, $0.count) }
        }
    }

    /// Rows `64 * index ..< 64 * index + 64`.
    @inline(__always)
    func word(_ index: Int) -> UInt64 { index < words.count ? words[index] : 0 }
}
