public import CKernels

/// What followed an item, and how often: the heaviest of a stream of successors in bounded memory, fading.
///
/// Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams",
/// 2005) over weights that fade: all counts fade by the same factor, so that its bounds hold of what is left. The true
/// weight of a successor lies between `count − error` and `count`, no error is above total / capacity, and every
/// successor whose true weight is above total / capacity is among the entries.
public struct SuccessorSketch: Sendable, Equatable {
    public struct Entry: Sendable, Equatable, BitwiseCopyable {
        public var item: Int32
        public var count: Float
        /// How much of `count` may be another's, who stood in this place before.
        public var error: Float
        /// Of `count`, what came at once, with nothing in between. What stood here before is not in it: the true weight is
        /// from `near` to `near + error`.
        public var near: Float

        public init(item: Int32, count: Float, error: Float, near: Float) {
            (self.item, self.count, self.error, self.near) = (item, count, error, near)
        }
    }

    /// Bits of items, then of counts, then of errors and near counts in pairs: a successor is sought in the first column and
    /// the least one in the second, and each is read whole for it.
    @usableFromInline private(set) var columns: [UInt32] = []
    /// Entries that there is room for.
    @usableFromInline private(set) var room = 0
    /// Entries.
    public private(set) var count = 0

    /// All weights, in the same unit.
    public private(set) var sum: Float = 0
    /// Of those that came at once.
    public private(set) var nearSum: Float = 0
    /// The ordinal or the time of the newest weight; or, where counts fade with the item's own, how many there were.
    public private(set) var at: Int64 = 0
    /// What a weight of 1 at `at` counts here. It grows as time goes by, so that what was counted before need not be
    /// worked out anew (forward decay: Cormode et al. 2009).
    public private(set) var unit: Float = 1

    private static let unitMax = Float(1 << 20)

    public init() {}

    public init(entries: [Entry], sum: Float, nearSum: Float, at: Int64, unit: Float) {
        (self.sum, self.nearSum, self.at, self.unit) = (sum, nearSum, at, unit)
        makeRoom(for: entries.count)
        for entry in entries { append(entry) }
    }

    /// Whatever room there is for more.
    public static func == (left: Self, right: Self) -> Bool {
        left.entries == right.entries && left.sum == right.sum && left.nearSum == right.nearSum
            && left.at == right.at && left.unit == right.unit
    }

    /// Asks memory for the first items and counts. Inlined, as else all of the sketch is copied for the call.
    ///
    /// Unsafe: to reach the numbers as one does would count a reference, and so wait for the very line that is asked for. An
    /// array is a pointer to its numbers with a head before them; were it not so, other lines would come, and no harm done.
    @inlinable
    @inline(__always)
    public func prefetch() {
        guard room > 0, let array = UnsafeRawPointer(bitPattern: unsafeBitCast(columns, to: UInt.self)) else {
            return
        }
        let bytes = min(room, Self.prefetchedEntries) * MemoryLayout<UInt32>.stride
        cache_prefetch(array, Self.arrayHeadBytes + bytes)
        cache_prefetch(array + Self.arrayHeadBytes + room * MemoryLayout<UInt32>.stride, bytes)
    }

    @inlinable static var arrayHeadBytes: Int { 32 }

    @inlinable static var prefetchedEntries: Int { 32 }

    /// All weights, faded until `at`.
    public var total: Float { sum / unit }

    /// Of what is in the sketch's unit: faded until `at`.
    public func faded(_ count: Float) -> Float { count / unit }

    /// Counts a successor.
    ///
    /// - Parameters:
    ///   - isNear: whether it came at once, with nothing in between.
    ///   - time: milliseconds since 1970, for a half-life in time. One in events is in successors of this very item: those
    ///     of an item that is followed often are of late, those of one that is followed seldom last.
    public mutating func add(
        _ item: Int32, weight: Float, isNear: Bool, at time: Int64, fading: SuccessorFading, capacity: Int
    ) {
        let scale = advance(to: fading.isTimed ? time : at + 1, fading)
        let weight = weight * scale
        let near = isNear ? weight : 0
        sum += weight
        nearSum += near
        place(item, weight, near: near, capacity: capacity)
    }

    /// Counts what another sketch has counted of the same item, as though it came at once: what is here fades as if it had come
    /// one by one.
    ///
    /// The bounds above hold but for what the other has left out: a count may be too low by as much as the lightest entry that
    /// came of each gain, which is the sum of the gain divided by its entries at most.
    public mutating func add(_ gain: SuccessorGain, fading: SuccessorFading, capacity: Int) {
        guard gain.count > 0, gain.sum > 0 else { return }
        let scale = advance(to: fading.isTimed ? gain.time : at + Int64(gain.count), fading)
        sum += gain.sum * scale
        nearSum += gain.nearSum * scale
        for entry in gain.entries where entry.weight > 0 {
            place(entry.item, entry.weight * scale, near: entry.near * scale, capacity: capacity)
        }
    }

    /// Fades what is counted until then.
    ///
    /// - Returns: what a weight of 1 of that time counts here; less where it comes late.
    @inline(__always)
    private mutating func advance(to now: Int64, _ fading: SuccessorFading) -> Float {
        guard sum != 0 else {
            at = now
            return unit
        }
        let factor = fading.factor(elapsed: now - at)
        guard now >= at else { return factor * unit }
        fade(by: factor)
        at = now
        return unit
    }

    @inline(__always)
    private mutating func place(_ item: Int32, _ weight: Float, near: Float, capacity: Int) {
        let isFull = count >= capacity
        let isPlaced = withColumns { $0.count(item, weight, near: near, isFull: isFull) }
        guard !isPlaced else { return }
        if count == room { makeRoom(for: min(capacity, max(4, 2 * count))) }
        append(Entry(item: item, count: weight, error: 0, near: near))
    }

    private mutating func fade(by factor: Float) {
        guard factor < 1 else { return }
        let grown = unit / factor
        if grown <= Self.unitMax {
            unit = grown
            return
        }
        let scale = factor / unit
        sum *= scale
        nearSum *= scale
        withColumns { columns in
            for place in 0..<columns.count {
                var entry = columns[place]
                entry.count *= scale
                entry.error *= scale
                entry.near *= scale
                columns[place] = entry
            }
        }
        unit = 1
    }

    /// About how likely the entry is to be next: what is its own for sure, among all, and less while there is little to go
    /// by.
    @inline(__always)
    public func share(of entry: Entry, shrinkage: Float) -> Float {
        max(0, entry.count - entry.error) / (sum + shrinkage * unit)
    }

    /// The same of what came at once.
    @inline(__always)
    public func nearShare(of entry: Entry, shrinkage: Float) -> Float {
        entry.near / (nearSum + shrinkage * unit)
    }

    /// Bytes on the heap, an array's own words among them.
    public var bytes: Int { columns.capacity > 0 ? 48 + columns.capacity * MemoryLayout<UInt32>.stride : 0 }
}

// The columns.
extension SuccessorSketch {
    /// In the order of their places: the heaviest about first, because each moves up when it overtakes. Counts and errors are
    /// in the sketch's own unit.
    public var entries: [Entry] { (0..<count).map { entry(at: $0) } }

    @inlinable
    @inline(__always)
    public func entry(at place: Int) -> Entry {
        Entry(
            item: Int32(bitPattern: columns[place]), count: Float(bitPattern: columns[room + place]),
            error: Float(bitPattern: columns[2 * (room + place)]),
            near: Float(bitPattern: columns[2 * (room + place) + 1]))
    }

    /// Where a successor stands; `nil` where it is none.
    public func place(of item: Int32) -> Int? {
        let place = columns.withUnsafeBufferPointer { columns in
            // Unsafe as every call of C is: `count` words of the first column, which is as long at least.
            columns.baseAddress.map { place_of_word($0, count, UInt32(bitPattern: item)) } ?? count
        }
        return place < count ? place : nil
    }

    private mutating func withColumns<Result>(_ body: (Columns) -> Result) -> Result {
        let (room, count) = (room, count)
        return columns.withUnsafeMutableBufferPointer { words in
            body(Columns(words: words, room: room, count: count))
        }
    }

    private mutating func append(_ entry: Entry) {
        count += 1
        withColumns { $0[$0.count - 1] = entry }
    }

    private mutating func makeRoom(for entries: Int) {
        guard entries > room else { return }
        let kept = self.entries
        columns = [UInt32](repeating: 0, count: 4 * entries)
        room = entries
        withColumns { columns in
            for (place, entry) in kept.enumerated() { columns[place] = entry }
        }
    }
}

/// The columns of a sketch for as long as they are written, whose one owner is looked for once then.
///
/// Unsafe: bounds are looked at in debug builds alone. It is made by `withColumns`, and does not outlive it.
private struct Columns {
    typealias Entry = SuccessorSketch.Entry

    let words: UnsafeMutableBufferPointer<UInt32>
    let room: Int
    /// Entries.
    let count: Int

    /// Counts an item that has an entry, or gives it that of the least where all are taken; false of one for which there is
    /// room.
    @inline(__always)
    func count(_ item: Int32, _ weight: Float, near: Float, isFull: Bool) -> Bool {
        guard let start = words.baseAddress, count > 0 else { return false }
        let place = place_of_word(start, count, UInt32(bitPattern: item))
        if place < count {
            raise(place, by: weight, near: near)
            return true
        }
        guard isFull else { return false }
        // Counts are above 0, so that their bits are in their order.
        let least = place_of_least_word(start + room, count)
        let taken = self[least].count
        self[least] = Entry(item: item, count: taken + weight, error: taken, near: near)
        return true
    }

    /// Moves up where it overtakes, so that the heaviest are found first.
    @inline(__always)
    private func raise(_ place: Int, by weight: Float, near: Float) {
        var raised = self[place]
        raised.count += weight
        raised.near += near
        if place > 0, Float(bitPattern: words[room + place - 1]) < raised.count {
            self[place] = self[place - 1]
            self[place - 1] = raised
        } else {
            self[place] = raised
        }
    }

    subscript(place: Int) -> Entry {
        @inline(__always) get {
            Entry(
                item: Int32(bitPattern: words[place]), count: Float(bitPattern: words[room + place]),
                error: Float(bitPattern: words[2 * (room + place)]),
                near: Float(bitPattern: words[2 * (room + place) + 1]))
        }
        @inline(__always) nonmutating set {
            words[place] = UInt32(bitPattern: newValue.item)
            words[room + place] = newValue.count.bitPattern
            words[2 * (room + place)] = newValue.error.bitPattern
            words[2 * (room + place) + 1] = newValue.near.bitPattern
        }
    }
}

/// How fast successors fade.
public struct SuccessorFading: Sendable, Equatable {
    private let halfLife: HalfLife
    /// What one event leaves, as is asked at each.
    private let perEvent: Float
    let isTimed: Bool

    public init(_ halfLife: HalfLife) {
        self.halfLife = halfLife
        isTimed = halfLife.isTimed
        perEvent = Float(halfLife.factor(elapsed: 1))
    }

    func factor(elapsed: Int64) -> Float {
        elapsed == 1 ? perEvent : Float(halfLife.factor(elapsed: elapsed))
    }
}
