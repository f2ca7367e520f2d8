// Factors: rows of numbers, and what is computed of them.
//
// Here live factor tables and their rows, leases by which one queue at a time writes a row, products and Gram matrices,
// linear systems (OpenBLAS), and randomness that depends on its keys alone. Row numbers and floats come in and go out.
// What never comes in: users, items, events, and what a row is learned from. It imports no other room.

public import CKernels

/// Contiguous rows of `factors` float32, a bias and a step per row, and which rows have changed. Grows without a copy.
///
/// Shape: `vectors` is count × factors, row-major, each row on a 32-byte boundary; `biases` and `steps` are count. A
/// step is what a learning-rate schedule remembers of the row (`Row.step`).
///
/// Not synchronised. A table of users is confined to its shard's queue; a table of items is written through leases
/// (`LeaseBook`), a row by one queue at a time, and grown or copied by the engine's queue between rounds, when no
/// lease is out. That is what `@unchecked Sendable` stands on.
public final class FactorTable: @unchecked Sendable {
    /// Numbers per row; a multiple of eight.
    public let factors: Int
    @exclusivity(unchecked) public private(set) var count = 0

    // Of a row each: its numbers, its bias, its step, its marks. A bias is looked at alone by scans and draws.
    private var laneBlock = GrowingBlock()
    private var biasBlock = GrowingBlock()
    private var stepBlock = GrowingBlock()
    private var changeBlock = GrowingBlock()
    // Where these start, typed. Whoever reads them owns the table for that time (above), so the check that nobody writes
    // them meanwhile, a tenth of the time of learning, would find nothing.
    @exclusivity(unchecked) @usableFromInline var lanes: UnsafeMutablePointer<SIMD8<Float>>
    @exclusivity(unchecked) @usableFromInline var biases: UnsafeMutablePointer<Float>
    @exclusivity(unchecked) @usableFromInline var steps: UnsafeMutablePointer<Float>
    @exclusivity(unchecked) @usableFromInline var changes: UnsafeMutablePointer<UInt8>

    /// Who still has to be told that a row has changed.
    // Worked out rather than kept, so that who marks a row in another module calls nobody.
    public struct Change: OptionSet, Sendable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
        @inlinable public static var unpublished: Change { Change(rawValue: 1) }
        @inlinable public static var unsaved: Change { Change(rawValue: 2) }
        @inlinable public static var both: Change { [.unpublished, .unsaved] }
        /// Its counts have changed since look-ups were last told of them. Beside `unpublished`, not instead of it: a
        /// row is recounted now and then, and learned often.
        @inlinable public static var recounted: Change { Change(rawValue: 4) }
        /// Was unsaved when the checkpoint began that is being written.
        @inlinable public static var frozen: Change { Change(rawValue: 8) }
        /// Learned since other machines were last told.
        @inlinable public static var unshared: Change { Change(rawValue: 16) }
        /// Learned as one that was drawn beside an event's own, since look-ups were last told of such.
        @inlinable public static var drawn: Change { Change(rawValue: 32) }
        /// All that learning does to a row.
        @inlinable static var learned: Change { [.both, .unshared] }
    }

    public init(factors: Int) {
        precondition(
            factors > 0 && factors % 8 == 0, "factors is \(factors); a positive multiple of 8 is needed")
        self.factors = factors
        lanes = laneBlock.start.assumingMemoryBound(to: SIMD8<Float>.self)
        biases = biasBlock.start.assumingMemoryBound(to: Float.self)
        steps = stepBlock.start.assumingMemoryBound(to: Float.self)
        changes = changeBlock.start.assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        for block in [laneBlock, biasBlock, stepBlock, changeBlock] { block.free() }
    }

    /// Bytes held.
    public var bytes: Int { count * Self.bytesPerRow(factors: factors) }

    public static func bytesPerRow(factors: Int) -> Int { factors * 4 + 4 + 4 + 1 }

    /// Adds rows up to `newCount`; `initialise` fills each new one, which is zero before.
    ///
    /// New rows are unsaved and recounted, but not marked as unpublished: the index finds them by the count, and
    /// `markChanged` has to report their first change.
    public func grow(to newCount: Int, initialise: (Int, Row) -> Void) {
        guard newCount > count else { return }
        reserve(newCount)
        let old = count
        count = newCount
        for index in old..<newCount {
            changes[index] = Change.unsaved.union(.recounted).rawValue
            initialise(index, row(index))
        }
    }

    private func reserve(_ wanted: Int) {
        laneBlock.reserve(wanted * factors * MemoryLayout<Float>.stride)
        biasBlock.reserve(wanted * MemoryLayout<Float>.stride)
        stepBlock.reserve(wanted * MemoryLayout<Float>.stride)
        changeBlock.reserve(wanted)
        // Each block is of one type for good, and zero bits are zeros of all of them.
        lanes = laneBlock.start.assumingMemoryBound(to: SIMD8<Float>.self)
        biases = biasBlock.start.assumingMemoryBound(to: Float.self)
        steps = stepBlock.start.assumingMemoryBound(to: Float.self)
        changes = changeBlock.start.assumingMemoryBound(to: UInt8.self)
    }

    /// The row, unchecked in release: `index` must be below `count`.
    @inlinable
    @inline(__always)
    public func row(_ index: Int) -> Row {
        assert(index >= 0 && index < count)
        let laneCount = factors / 8
        return Row(
            lanes: lanes + index * laneCount, laneCount: laneCount, bias: biases + index, step: steps + index)
    }

    /// Asks memory for the row, which is looked at a little later.
    @inlinable
    @inline(__always)
    package func prefetch(_ index: Int) {
        assert(index >= 0 && index < count)
        cache_prefetch(lanes + index * (factors / 8), factors * MemoryLayout<Float>.stride)
        cache_prefetch(biases + index, MemoryLayout<Float>.stride)
    }

    /// The same of a row that is to be learned: its step and its marks too.
    @inlinable
    @inline(__always)
    package func prefetchToLearn(_ index: Int) {
        prefetch(index)
        cache_prefetch(steps + index, MemoryLayout<Float>.stride)
        prefetchMarks(index)
    }

    /// Asks memory for the row's marks alone.
    @inlinable
    @inline(__always)
    package func prefetchMarks(_ index: Int) {
        assert(index >= 0 && index < count)
        cache_prefetch(changes + index, 1)
    }

    /// Marks the row as changed; true if it was not yet marked as unpublished.
    @inlinable
    @inline(__always)
    @discardableResult
    public func markChanged(_ index: Int) -> Bool {
        let first = changes[index] & Change.unpublished.rawValue == 0
        changes[index] |= Change.learned.rawValue
        return first
    }

    /// Marks the row as changed beside an event that is not of it: look-ups may be told of it later. True if it was marked
    /// neither so nor as unpublished, which it stays where it is.
    @inlinable
    @inline(__always)
    public func markDrawn(_ index: Int) -> Bool {
        let first = changes[index] & (Change.unpublished.rawValue | Change.drawn.rawValue) == 0
        changes[index] |= Change.unsaved.rawValue | Change.unshared.rawValue
        if first { changes[index] |= Change.drawn.rawValue }
        return first
    }

    /// Marks the row as changed by what another machine has learned; true if it was not yet marked as unpublished.
    public func markMerged(_ index: Int) -> Bool {
        let first = changes[index] & Change.unpublished.rawValue == 0
        changes[index] |= Change.both.rawValue
        return first
    }

    public func clear(_ change: Change, at index: Int) {
        changes[index] &= ~change.rawValue
    }

    @inlinable
    @inline(__always)
    public func isMarked(_ change: Change, at index: Int) -> Bool {
        changes[index] & change.rawValue != 0
    }

    @inlinable
    public func mark(_ change: Change, at index: Int) {
        changes[index] |= change.rawValue
    }

    /// Rows that carry the mark, ascending.
    public func rows(marked change: Change) -> [Int32] {
        (0..<count).compactMap { changes[$0] & change.rawValue != 0 ? Int32($0) : nil }
    }

    /// How many rows carry the mark.
    public func count(marked change: Change) -> Int {
        let (changes, mark) = (changes, change.rawValue)
        return (0..<count).reduce(0) { $0 + (changes[$1] & mark != 0 ? 1 : 0) }
    }

    /// What is unsaved is frozen from now on, and nothing unsaved. A pass over a byte a row.
    public func freeze() {
        let (changes, count) = (changes, count)
        let (unsaved, frozen) = (Change.unsaved.rawValue, Change.frozen.rawValue)
        for index in 0..<count {
            let old = changes[index]
            changes[index] = (old & ~(unsaved | frozen)) | (old & unsaved) << 2
        }
    }

    /// What is frozen is unsaved again.
    public func thawUnsaved() {
        let (changes, count) = (changes, count)
        for index in 0..<count { changes[index] |= (changes[index] & Change.frozen.rawValue) >> 2 }
    }

    /// Sets the bit of `marks` where the row of that index carries the mark.
    public func add(_ change: Change, to marks: UnsafeMutableBufferPointer<UInt8>, bit: UInt8) {
        let (changes, mark) = (changes, change.rawValue)
        guard let marks = marks.baseAddress.map({ (start: $0, count: marks.count) }) else { return }
        for index in 0..<min(count, marks.count) {
            marks.start[index] |= changes[index] & mark == 0 ? 0 : bit
        }
    }

    /// A table of the same rows; none of them counts as changed.
    public func copy() -> FactorTable {
        let copy = FactorTable(factors: factors)
        copy.reserve(count)
        copy.count = count
        copy.lanes.update(from: lanes, count: count * (factors / 8))
        copy.biases.update(from: biases, count: count)
        copy.steps.update(from: steps, count: count)
        return copy
    }

    /// Zeroes the row: nothing of a forgotten user stays behind.
    public func erase(_ index: Int) {
        let row = row(index)
        for lane in row.indices { row[lane] = .zero }
        row.bias = 0
        row.step = 0
    }

    /// Takes over a row of another table of as many factors: its numbers, its bias and its step.
    public func copyRow(_ source: Int, of other: FactorTable, to index: Int) {
        precondition(other.factors == factors)
        let (from, to) = (other.row(source), row(index))
        for lane in to.indices { to[lane] = from[lane] }
        (to.bias, to.step) = (from.bias, from.step)
    }

    /// Copies the row's vector to `destination`, which has room for `factors` numbers.
    public func copyVector(_ index: Int, to destination: UnsafeMutablePointer<Float>) {
        assert(index >= 0 && index < count)
        let source = UnsafeRawPointer(lanes + index * (factors / 8))
        UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: factors * 4)
    }

    /// Appends the row's vector to `array`.
    public func appendVector(_ index: Int, to array: inout [Float]) {
        assert(index >= 0 && index < count)
        let start = UnsafeRawPointer(lanes + index * (factors / 8))
        array.append(
            contentsOf: UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: factors))
    }

    /// Copies the vectors of `rows` to `destination`, one after the other: those that follow one another at once.
    public func copyVectors(_ rows: ArraySlice<Int32>, to destination: UnsafeMutablePointer<Float>) {
        var (place, first) = (destination, rows.startIndex)
        while first < rows.endIndex {
            var end = first + 1
            while end < rows.endIndex, rows[end] == rows[end - 1] + 1 { end += 1 }
            let numbers = (end - first) * factors
            withVectors(from: Int(rows[first]), count: end - first) { vectors in
                place.update(from: vectors, count: numbers)
            }
            (place, first) = (place + numbers, end)
        }
    }

    /// Calls `body` with the vectors of `count` rows from `start` on: count × factors, row-major.
    public func withVectors<Result>(
        from start: Int, count: Int, _ body: (UnsafePointer<Float>) throws -> Result
    ) rethrows -> Result {
        assert(start >= 0 && count >= 0 && start + count <= self.count)
        let vectors = UnsafeRawPointer(lanes + start * (factors / 8))
        return try body(vectors.assumingMemoryBound(to: Float.self))
    }

    /// Where all vectors and biases lie, for kernels in C, until the table grows: row-major as `withVectors` has them.
    public var addresses: (vectors: UnsafeMutablePointer<Float>, biases: UnsafeMutablePointer<Float>) {
        (UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: Float.self), biases)
    }

    @inlinable public func bias(_ index: Int) -> Float { biases[index] }

    public func step(_ index: Int) -> Float { steps[index] }
}
