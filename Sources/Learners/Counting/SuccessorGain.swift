/// What followed an item over some time, added up, for whoever has not seen it come: how one sketch tells another what it has
/// counted.
///
/// The heaviest successors and the sums of all, as summaries are merged that are made of counters (Agarwal et al., "Mergeable
/// Summaries", 2012). What is left out is counted in the sums alone: of no successor more than the lightest one that is told.
public struct SuccessorGain: Equatable, Sendable {
    public struct Entry: Equatable, Sendable, BitwiseCopyable {
        public var item: Int32
        /// Faded until the newest that came.
        public var weight: Float
        /// Of `weight`, what came at once.
        public var near: Float

        public init(item: Int32, weight: Float, near: Float) {
            (self.item, self.weight, self.near) = (item, weight, near)
        }
    }

    /// One successor, as it came.
    public struct Successor: Sendable, BitwiseCopyable {
        public var item: Int32
        public var weight: Float
        public var isNear: Bool
        /// Milliseconds since 1970.
        public var time: Int64

        public init(item: Int32, weight: Float, isNear: Bool, time: Int64) {
            (self.item, self.weight, self.isNear, self.time) = (item, weight, isNear, time)
        }
    }

    /// Successors that it came of.
    public var count: Int32 = 0
    /// Of all their weights, and of those that came at once; faded as the entries are.
    public var sum: Float = 0
    public var nearSum: Float = 0
    /// Of the newest, in milliseconds since 1970.
    public var time: Int64 = 0
    /// Each item once; where some were left out, the heaviest first.
    public var entries: [Entry] = []

    public init() {}

    public init(count: Int32, sum: Float, nearSum: Float, time: Int64, entries: [Entry]) {
        (self.count, self.sum, self.nearSum, self.time, self.entries) = (count, sum, nearSum, time, entries)
    }

    /// - Parameters:
    ///   - successors: of one item, in the order in which they came.
    ///   - capacity: entries at most.
    ///   - places: by item -1; so again afterwards. To be used for one item after the other.
    public init(
        of successors: ArraySlice<Successor>, fading: SuccessorFading, capacity: Int, places: inout [Int32]
    ) {
        time = successors.first?.time ?? 0
        for successor in successors { time = max(time, successor.time) }
        let perEvent = fading.factor(elapsed: 1)
        entries.reserveCapacity(successors.count)
        var left: Float = 1
        // The newest first, which has not faded at all.
        for successor in successors.reversed() {
            if fading.isTimed { left = fading.factor(elapsed: time - successor.time) }
            let weight = successor.weight * left
            if !fading.isTimed { left *= perEvent }
            count += 1
            add(weight, near: successor.isNear ? weight : 0, of: successor.item, &places)
        }
        for entry in entries { places[Int(entry.item)] = -1 }
        guard entries.count > capacity else { return }
        entries.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.item < $1.item }
        entries.removeLast(entries.count - capacity)
    }

    private mutating func add(_ weight: Float, near: Float, of item: Int32, _ places: inout [Int32]) {
        sum += weight
        nearSum += near
        let place = Int(places[Int(item)])
        if place >= 0 {
            entries[place].weight += weight
            entries[place].near += near
        } else {
            places[Int(item)] = Int32(entries.count)
            entries.append(Entry(item: item, weight: weight, near: near))
        }
    }
}
