/// How a tag is written, of all spellings that are one tag to searches and filters.
struct TagSpellings {
    /// That carry it, however it is written.
    private(set) var items = 0
    /// Without blanks around.
    private var counts: [Substring: Int] = [:]

    /// - Parameter isNew: false where the same item carries the tag in another spelling, too.
    mutating func add(_ written: String, isNew: Bool) {
        if isNew { items += 1 }
        guard let first = written.firstIndex(where: { !$0.isWhitespace }),
            let last = written.lastIndex(where: { !$0.isWhitespace })
        else { return }
        counts[written[first...last], default: 0] += 1
    }

    /// The most frequent; of equally frequent ones the first in the order of characters.
    var commonest: String {
        counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { String($0.key) } ?? ""
    }
}
