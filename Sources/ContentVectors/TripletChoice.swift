package import Factors

/// Which items make a triplet with an anchor: the one that shares most tags, and one at random among those that share none.
package struct TripletChoice: Sendable {
    /// Places in lists of who carries a tag that are looked at for one anchor. While the lists of its tags together are
    /// no longer, the positive is exactly the item that shares most; beyond it, the one that shares most of those that carry
    /// its rarer tags.
    package static let placesMax = 8_192
    /// Of equally good candidates, how many are looked at closely.
    private static let closeMax = 64
    private static let drawsMax = 64

    package struct Triplet: Sendable, Equatable {
        package var anchor: Int32
        package var positive: Int32
        package var negative: Int32

        package init(anchor: Int32, positive: Int32, negative: Int32) {
            (self.anchor, self.positive, self.negative) = (anchor, positive, negative)
        }
    }

    private var counts: [UInt16] = []
    private var touched: [Int32] = []

    package init() {}

    package var bytes: Int { counts.capacity * 2 + touched.capacity * 4 }

    /// - Parameter allowed: the rows that may be chosen.
    /// - Returns: `nil` where nobody shares a tag with the anchor, or everybody as many as the positive does.
    package mutating func triplet(
        _ anchor: Int32, in book: TagBook, random: inout KeyedRandom,
        allowed: Range<Int32> = 0..<Int32.max
    ) -> Triplet? {
        let salt = random.next()
        guard let (positive, shared) = positive(anchor, in: book, salt: salt, allowed: allowed),
            let negative = negative(anchor, below: shared, in: book, random: &random, allowed: allowed)
        else { return nil }
        return Triplet(anchor: anchor, positive: positive, negative: negative)
    }

    private mutating func positive(
        _ anchor: Int32, in book: TagBook, salt: UInt64, allowed: Range<Int32>
    ) -> (row: Int32, shared: Int)? {
        let tags = book.rareFirst(Int(anchor))
        if counts.count < book.rowEnd {
            counts.append(contentsOf: repeatElement(0, count: book.rowEnd - counts.count))
        }
        defer {
            for row in touched { counts[Int(row)] = 0 }
            touched.removeAll(keepingCapacity: true)
        }
        var (left, isExact) = (Self.placesMax, true)
        for tag in tags {
            let rows = book.tags[Int(tag)].rows
            guard rows.count <= left else {
                isExact = false
                break
            }
            left -= rows.count
            count(rows, allowed: allowed)
        }
        // The anchor shares all with itself.
        counts[Int(anchor)] = 0
        let most = touched.reduce(0) { max($0, counts[Int($1)]) }
        guard most > 0 else {
            return isExact ? nil : drawn(anchor, tags, in: book, salt: salt, allowed: allowed)
        }
        // Ties are broken by a draw, so that an anchor that comes again meets others.
        var best: (row: Int32, shared: Int, order: UInt64)?
        var looked = 0
        for row in touched where counts[Int(row)] == most {
            guard isExact || looked < Self.closeMax else { break }
            looked += 1
            let shared = isExact ? Int(most) : book.sharedTags(Int(anchor), Int(row))
            let order = KeyedRandom.mix(salt ^ UInt64(row))
            if best.map({ ($0.shared, order) < (shared, $0.order) }) ?? true { best = (row, shared, order) }
        }
        return best.map { ($0.row, $0.shared) }
    }

    /// Counts once more those who carry a tag.
    private mutating func count(_ rows: [Int32], allowed: Range<Int32>) {
        // Unsafe because most of a triplet's time goes by here; rows that carry a tag are below the book's end, and so
        // below the count of `counts`.
        counts.withUnsafeMutableBufferPointer { counts in
            for row in rows where allowed.contains(row) {
                if counts[Int(row)] == 0 { touched.append(row) }
                counts[Int(row)] &+= 1
            }
        }
    }

    /// Of an anchor whose every tag is on a large part of the catalogue: the best of some that carry the rarest.
    private func drawn(
        _ anchor: Int32, _ tags: [Int32], in book: TagBook, salt: UInt64, allowed: Range<Int32>
    ) -> (row: Int32, shared: Int)? {
        guard let rarest = tags.first else { return nil }
        let rows = book.tags[Int(rarest)].rows
        var random = KeyedRandom(seed: salt)
        var best: (row: Int32, shared: Int)?
        for _ in 0..<Self.drawsMax {
            let row = rows[random.next(below: rows.count)]
            guard row != anchor, allowed.contains(row) else { continue }
            let shared = book.sharedTags(Int(anchor), Int(row))
            if shared > best?.shared ?? 0 { best = (row, shared) }
        }
        return best
    }

    /// One that shares nothing; where none is drawn, the one that shares least of those drawn, if less than `most`.
    private func negative(
        _ anchor: Int32, below most: Int, in book: TagBook, random: inout KeyedRandom, allowed: Range<Int32>
    ) -> Int32? {
        var (least, found) = (most, Int32?.none)
        for _ in 0..<Self.drawsMax {
            let row = book.rows[random.next(below: book.rows.count)]
            guard row != anchor, allowed.contains(row) else { continue }
            let shared = book.sharedTags(Int(anchor), Int(row))
            if shared < least { (least, found) = (shared, row) }
            if shared == 0 { break }
        }
        return found
    }
}
