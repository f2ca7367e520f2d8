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

        public init(item: Int32, count: Float, error: Float) {
            (self.item, self.count, self.error) = (item, count, error)
        }
    }

    public private(set) var entries: [Entry] = []
    /// All weights, faded.
    public private(set) var total: Float = 0
    /// The ordinal or the time that the counts stand at.
    public private(set) var at: Int64 = 0

    public init() {}

    public init(entries: [Entry], total: Float, at: Int64) {
        (self.entries, self.total, self.at) = (entries, total, at)
    }

    /// Counts a successor at `now`, an ordinal or a time, as the half-life goes.
    public mutating func add(
        _ item: Int32, weight: Float, at now: Int64, halfLife: HalfLife, capacity: Int
    ) {
        var weight = weight
        let factor = Float(halfLife.factor(elapsed: now - at))
        if total == 0 {
            at = now
        } else if now < at {
            weight *= factor
        } else {
            fade(by: factor)
            at = now
        }
        total += weight
        if let place = entries.firstIndex(where: { $0.item == item }) {
            entries[place].count += weight
        } else if entries.count < capacity {
            entries.append(Entry(item: item, count: weight, error: 0))
        } else if let least = entries.indices.min(by: { entries[$0].count < entries[$1].count }) {
            let taken = entries[least].count
            entries[least] = Entry(item: item, count: taken + weight, error: taken)
        }
    }

    private mutating func fade(by factor: Float) {
        guard factor < 1 else { return }
        total *= factor
        for place in entries.indices {
            entries[place].count *= factor
            entries[place].error *= factor
        }
    }

    /// About how likely the entry is to be next: what is its own for sure, among all, and less while there is little to go
    /// by.
    @inline(__always)
    public func share(of entry: Entry, shrinkage: Float) -> Float {
        max(0, entry.count - entry.error) / (total + shrinkage)
    }

    /// Bytes on the heap.
    public var bytes: Int { entries.capacity * MemoryLayout<Entry>.stride }
}
