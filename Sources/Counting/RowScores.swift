/// What is said of some items, by row, in the order in which they were first named. A table of its own rather than a
/// dictionary, because one is made for every look-up and every event that is scored: open addressing over dense columns.
@usableFromInline
package struct RowScores: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
    @usableFromInline package private(set) var rows: [Int32] = []
    @usableFromInline private(set) var values: [Float] = []
    /// What is said of each, in the order of `rows`.
    package var numbers: [Float] { values }
    /// One more than the place of a row; 0 where there is none. A power of two, at least twice as many as rows.
    @usableFromInline private(set) var slots: [UInt32] = []

    package init() {}

    /// With room for so many.
    package init(capacity: Int) {
        guard capacity > 0 else { return }
        rows.reserveCapacity(capacity)
        values.reserveCapacity(capacity)
        slots = Array(repeating: 0, count: Self.slots(for: capacity))
    }

    @usableFromInline
    package init(dictionaryLiteral elements: (Int32, Float)...) {
        self.init(capacity: elements.count)
        for (row, value) in elements { add(value, to: row) }
    }

    @usableFromInline
    package static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    private static func slots(for count: Int) -> Int {
        var slots = 16
        while slots < 2 * count { slots *= 2 }
        return slots
    }

    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }
    package var keys: [Int32] { rows }

    /// `nil` of an item of which nothing is said.
    @inlinable
    package subscript(row: Int32) -> Float? {
        guard !slots.isEmpty else { return nil }
        let place = slots[slot(of: row)]
        return place == 0 ? nil : values[Int(place) - 1]
    }

    package mutating func add(_ value: Float, to row: Int32) {
        if 2 * (rows.count + 1) > slots.count { grow() }
        let slot = slot(of: row)
        if slots[slot] != 0 {
            values[Int(slots[slot]) - 1] += value
        } else {
            rows.append(row)
            values.append(value)
            slots[slot] = UInt32(rows.count)
        }
    }

    /// Makes parts of strengths: of all of them and of what is not among them.
    package mutating func shareOut(besides others: Float) {
        let all = values.reduce(others, +)
        guard all > 0, all.isFinite else { return }
        for place in values.indices { values[place] /= all }
    }

    /// Where the row stands, or would.
    @usableFromInline
    func slot(of row: Int32) -> Int {
        let mask = slots.count - 1
        var slot = Int((UInt32(bitPattern: row) &* 0x9E37_79B1) >> 8) & mask
        while slots[slot] != 0, rows[Int(slots[slot]) - 1] != row { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: Self.slots(for: 2 * (rows.count + 1)))
        for (place, row) in rows.enumerated() { slots[slot(of: row)] = UInt32(place + 1) }
    }

    @usableFromInline
    package func makeIterator() -> AnyIterator<(key: Int32, value: Float)> {
        var place = 0
        return AnyIterator { [rows, values] in
            defer { place += 1 }
            return place < rows.count ? (rows[place], values[place]) : nil
        }
    }
}
