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

    /// The heaviest about first: each moves up when it overtakes. Counts and errors are in the sketch's own unit.
    public private(set) var entries: [Entry] = []
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
        (self.entries, self.sum, self.nearSum, self.at, self.unit) = (entries, sum, nearSum, at, unit)
    }

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
        _ item: Int32, weight: Float, isNear: Bool, at time: Int64, halfLife: HalfLife, capacity: Int
    ) {
        let now = halfLife.isTimed ? time : at + 1
        let factor = Float(halfLife.factor(elapsed: now - at))
        var weight = weight
        if sum == 0 {
            at = now
        } else if now < at {
            weight *= factor
        } else {
            fade(by: factor)
            at = now
        }
        weight *= unit
        let near = isNear ? weight : 0
        sum += weight
        nearSum += near
        if let place = entries.firstIndex(where: { $0.item == item }) {
            entries[place].count += weight
            entries[place].near += near
            if place > 0, entries[place - 1].count < entries[place].count { entries.swapAt(place - 1, place) }
        } else if entries.count < capacity {
            entries.append(Entry(item: item, count: weight, error: 0, near: near))
        } else if let least = entries.indices.min(by: { entries[$0].count < entries[$1].count }) {
            let taken = entries[least].count
            entries[least] = Entry(item: item, count: taken + weight, error: taken, near: near)
        }
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
        for place in entries.indices {
            entries[place].count *= scale
            entries[place].error *= scale
            entries[place].near *= scale
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
    public var bytes: Int { entries.capacity > 0 ? 48 + entries.capacity * MemoryLayout<Entry>.stride : 0 }
}
