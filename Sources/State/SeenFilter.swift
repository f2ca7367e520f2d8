/// Says at once of most items that a user has not seen them, where a search of the history takes some ten steps that no
/// processor foresees: negatives are drawn by the dozen for each event, and nearly all of them are such items.
///
/// A Bloom filter with one hash (Bloom 1970), one or two bytes an item. What it holds may be in the history or not: the
/// history has the last word, so that answers, draws and digests are the same with and without. It is made from the
/// history and never stored.
@usableFromInline
package struct SeenFilter {
    /// Up to so many items one word, which lies in the history itself, is enough.
    static let smallMax = 16
    private static let bitsPerItem = 16
    /// Fewer bits an item than this, and the filter is made anew. Of items never seen one in as many passes.
    private static let bitsPerItemMin = 8

    /// The filter where `words` is empty; else how many items were put into `words` since they were made, those that
    /// have left the history since included.
    @usableFromInline var word: UInt64 = 0
    @usableFromInline var words: [UInt64] = []

    package init() {}

    /// Bytes on the heap.
    var bytes: Int { words.isEmpty ? 0 : 32 + words.capacity * MemoryLayout<UInt64>.stride }

    /// False for what the user has not seen for sure.
    @inlinable
    @inline(__always)
    package func mayHold(_ item: Int32) -> Bool {
        if words.isEmpty { return word >> UInt64(Self.place(of: item, among: 64)) & 1 != 0 }
        let place = Self.place(of: item, among: words.count &* 64)
        return words[place >> 6] >> UInt64(place & 63) & 1 != 0
    }

    /// Fibonacci hashing (Knuth 1973), spread over `bits`, which need not be a power of two.
    @inlinable
    @inline(__always)
    static func place(of item: Int32, among bits: Int) -> Int {
        let hash = UInt32(bitPattern: item) &* 0x9E37_79B9
        return Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(truncatingIfNeeded: bits)) >> 32)
    }

    /// Takes a new item in.
    ///
    /// - Parameter entries: the history with the item.
    mutating func insert(_ item: Int32, into entries: [HistoryEntry]) {
        let isSmall = entries.count <= Self.smallMax
        guard isSmall == words.isEmpty,
            isSmall || (Int(word) + 1) * Self.bitsPerItemMin <= words.count * 64
        else { return rebuild(from: entries) }
        mark(item)
    }

    /// Takes note that an item has left.
    ///
    /// - Parameter entries: the history without the item.
    mutating func remove(from entries: [HistoryEntry]) {
        // A word is soon full of what has left; more words are made anew once that many have come.
        if entries.count <= Self.smallMax { rebuild(from: entries) }
    }

    mutating func rebuild(from entries: [HistoryEntry]) {
        (word, words) = (0, [])
        if entries.count > Self.smallMax {
            words = Array(repeating: 0, count: (entries.count * Self.bitsPerItem + 63) / 64)
        }
        for entry in entries { mark(entry.item) }
    }

    private mutating func mark(_ item: Int32) {
        guard !words.isEmpty else {
            word |= 1 << UInt64(Self.place(of: item, among: 64))
            return
        }
        let place = Self.place(of: item, among: words.count * 64)
        words[place >> 6] |= 1 << UInt64(place & 63)
        word += 1
    }
}
