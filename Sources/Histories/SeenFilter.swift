/// Says at once of most items that a user has not seen them, where a search of the history takes some ten steps that no
/// processor foresees: negatives are drawn by the dozen for each event, and nearly all of them are such items.
///
/// A Bloom filter (Bloom 1970) of one or two bytes an item, which asks two bits of one word, so that no more than one cache
/// line is fetched (Putze, Sanders and Singler 2009). What it holds may be in the history or not: the history has the last
/// word, so that answers, draws and digests are the same with and without. It is made from the history and never stored.
///
/// A small history's filter is `word`; a larger one's stands at the beginning of its block, which the history owns. The
/// address is kept beside it, because to ask the block for it each time would count references a hundred times an event.
@usableFromInline
struct SeenFilter {
    /// Fewer bits an item than this, and the filter is made anew. Of items never seen one in as many passes.
    private static let bitsPerItemMin = 8

    /// The filter where `words` is 0; else how many items were put into the words since they were made, those that have
    /// left the history since included.
    @usableFromInline var word: UInt64 = 0
    /// Length of the filter in the block.
    @usableFromInline var words: UInt32 = 0
    /// Of the words: valid as long as the history holds the block that they stand in, and nothing else reads them.
    @usableFromInline var start: UnsafePointer<UInt64>?

    /// False for what the user has not seen for sure.
    @inlinable
    @inline(__always)
    func mayHold(_ item: Int32) -> Bool {
        let place = Place(of: item, among: words)
        // Within the words, for `place` is below their number.
        return place.isMarked(in: start.map { $0[place.word] } ?? word)
    }

    /// A word of the filter and the two bits in it that are an item's.
    @usableFromInline
    struct Place {
        @usableFromInline let word: Int
        @usableFromInline let bits: UInt64

        /// Fibonacci hashing (Knuth 1973), spread over `words`, which need not be a power of two.
        @inlinable
        @inline(__always)
        init(of item: Int32, among words: UInt32) {
            let hash = UInt64(UInt32(bitPattern: item)) &* 0x9E37_79B9_7F4A_7C15
            word = Int(truncatingIfNeeded: ((hash &>> 32) &* UInt64(words)) &>> 32)
            bits = (1 &<< (hash &>> 26)) | (1 &<< (hash &>> 20))
        }

        @inlinable
        @inline(__always)
        func isMarked(in word: UInt64) -> Bool { word & bits == bits }
    }

    /// Takes in a new item, which stands in the columns already.
    mutating func insert(_ item: Int32, into columns: HistoryColumns) {
        guard words == 0 || (Int(word) + 1) * Self.bitsPerItemMin <= Int(words) * 64 else {
            return rebuild(from: columns)
        }
        mark(item, in: columns.filter)
    }

    /// Takes note that an item has left. A word is soon full of what has left; more words are made anew once that many
    /// have come.
    mutating func remove(from columns: HistoryColumns) {
        if words == 0 { rebuild(from: columns) }
    }

    /// Of all slots: what was removed and stands there still has to be found, so that it is not put in twice.
    mutating func rebuild(from columns: HistoryColumns) {
        (word, words) = (0, UInt32(columns.layout.filterWords))
        stand(in: columns)
        columns.filter.update(repeating: 0, count: columns.layout.filterWords)
        for slot in 0..<columns.slots { mark(columns.items[slot], in: columns.filter) }
    }

    /// The block has moved, and the words with it.
    mutating func stand(in columns: HistoryColumns) {
        start = words == 0 ? nil : UnsafePointer(columns.filter)
    }

    private mutating func mark(_ item: Int32, in filter: UnsafeMutablePointer<UInt64>) {
        let place = Place(of: item, among: words)
        guard words != 0 else { return word |= place.bits }
        filter[place.word] |= place.bits
        word += 1
    }
}
