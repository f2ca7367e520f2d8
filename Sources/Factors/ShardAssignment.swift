/// Which shard each item row belongs to during one batch.
///
/// Blocks of 16 rows (a cache line of biases) are taken in groups of as many as there are shards; each shard gets one
/// block of each group, turned by a hash of the group that is keyed by the batch. Where groups begin is keyed too, so
/// that over time every pair of items shares a shard: a fixed split would never contrast items of different shards.
///
/// So a shard's rows need no list: the one of a group is known by arithmetic, and drawn at once (`RowPool`).
public struct ShardAssignment: Sendable {
    @inlinable public static var rowsPerBlock: Int { 16 }
    public let shards: Int
    @usableFromInline let key: UInt64
    /// Blocks that are missing in the first group.
    @usableFromInline let offset: UInt32
    /// Where the number of shards is a power of two, so that nothing need be divided; else 0.
    @usableFromInline let mask: UInt32
    @usableFromInline let shift: UInt32

    public init(shards: Int, key: UInt64) {
        precondition(shards > 0 && shards <= 1 << 16)
        self.shards = shards
        self.key = key
        let isPowerOfTwo = shards & (shards - 1) == 0
        mask = isPowerOfTwo ? UInt32(shards - 1) : 0
        shift = isPowerOfTwo ? UInt32(shards.trailingZeroBitCount) : 0
        offset = UInt32(KeyedRandom.mix(~key) % UInt64(shards))
    }

    @inlinable
    @inline(__always)
    public func shard(of row: Int) -> Int {
        if shards == 1 { return 0 }
        let block = UInt32(truncatingIfNeeded: row / Self.rowsPerBlock) &+ offset
        let (group, place) =
            mask != 0
            ? (block >> shift, block & mask) : block.quotientAndRemainder(dividingBy: UInt32(shards))
        let shard = Int(place) &+ turn(of: Int(group))
        return shard < shards ? shard : shard &- shards
    }

    /// How far a group is turned: block p of it belongs to shard (p + turn) mod S.
    @inlinable
    @inline(__always)
    func turn(of group: Int) -> Int {
        let mixed = KeyedRandom.mix(key &+ UInt64(truncatingIfNeeded: group) &* 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: mixed.multipliedFullWidth(by: UInt64(shards)).high)
    }
}

/// The rows below a bound that belong to one shard, to draw from.
@frozen
public struct RowPool {
    @usableFromInline let assignment: ShardAssignment
    @usableFromInline let shard: Int
    @usableFromInline let bound: Int
    /// Places to draw from: a row each, but for some in the first and the last group.
    @usableFromInline let places: Int

    /// - Parameter bound: rows in all.
    @inlinable
    @inline(__always)
    public init(below bound: Int, of shard: Int, _ assignment: ShardAssignment) {
        (self.assignment, self.shard, self.bound) = (assignment, shard, bound)
        guard assignment.shards > 1 else {
            places = bound
            return
        }
        let perBlock = ShardAssignment.rowsPerBlock
        let blocks = (bound + perBlock - 1) / perBlock + Int(assignment.offset)
        places = (blocks + assignment.shards - 1) / assignment.shards * perBlock
    }

    /// All rows below a bound.
    @inlinable
    public init(below bound: Int) {
        self.init(below: bound, of: 0, ShardAssignment(shards: 1, key: 0))
    }

    @inlinable public var isEmpty: Bool { bound <= 0 }

    /// A row, each as likely as any other; `nil` where the place drawn has none.
    @inlinable
    @inline(__always)
    public func draw(_ random: inout KeyedRandom) -> Int? {
        let place = random.next(below: places)
        guard assignment.shards > 1 else { return place }
        let (group, row) = (place / ShardAssignment.rowsPerBlock, place % ShardAssignment.rowsPerBlock)
        var within = shard &- assignment.turn(of: group)
        if within < 0 { within &+= assignment.shards }
        let block = group &* assignment.shards &+ within &- Int(assignment.offset)
        let drawn = block &* ShardAssignment.rowsPerBlock &+ row
        return drawn >= 0 && drawn < bound ? drawn : nil
    }

    /// So many times as many draws as among all rows make up for places without a row, however small the bound.
    @inlinable public var triesFactor: Int { assignment.shards }
}
