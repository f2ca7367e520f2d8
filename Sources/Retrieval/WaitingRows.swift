/// Rows that changed and wait for a publication, each once however often it changed.
///
/// Given out in ascending order, because neighbours share their blocks and pages. What a publication leaves comes first
/// in the next, so that no row waits for others that change again and again.
struct WaitingRows {
    private var words: [UInt64] = []
    private var count = 0
    /// The word at which the next publication goes on.
    private var next = 0

    var isEmpty: Bool { count == 0 }
    var bytes: Int { words.capacity * MemoryLayout<UInt64>.stride }

    mutating func insert(_ rows: [Int32]) {
        guard let highest = rows.max() else { return }
        let needed = Int(highest) >> 6 + 1
        if needed > words.count { words.append(contentsOf: repeatElement(0, count: needed - words.count)) }
        for row in rows {
            let (word, bit) = (Int(row) >> 6, UInt64(1) << UInt64(row & 63))
            if words[word] & bit == 0 { count += 1 }
            words[word] |= bit
        }
    }

    /// At most `limit` rows, ascending from where the last call ended, then on from the start.
    mutating func take(atMost limit: Int) -> [Int32] {
        let wanted = min(count, limit)
        var taken: [Int32] = []
        taken.reserveCapacity(wanted)
        while taken.count < wanted {
            if next == words.count { next = 0 }
            while words[next] != 0, taken.count < wanted {
                taken.append(Int32(next << 6 + words[next].trailingZeroBitCount))
                words[next] &= words[next] - 1
            }
            if words[next] == 0 { next += 1 }
        }
        count -= wanted
        return taken
    }
}
