internal import Synchronization

/// Lends the shards of an item table, each to one queue at a time.
///
/// A round hands shard t to queue s; the lease cannot be copied and gives the shard back when it ends. A second lease
/// of a shard that is still out is a bug in the schedule and stops the process, rather than letting two queues write
/// one row.
public final class LeaseBook: Sendable {
    private let lent: [Slot]

    private final class Slot: Sendable {
        let taken = Atomic<Bool>(false)
    }

    public init(shards: Int) {
        lent = (0..<shards).map { _ in Slot() }
    }

    public var shards: Int { lent.count }

    /// Lends the rows that `assignment` gives to `shard`.
    public func lend(_ shard: Int, of assignment: ShardAssignment) -> RowLease {
        let (exchanged, _) = lent[shard].taken.compareExchange(
            expected: false, desired: true, ordering: .acquiring)
        precondition(exchanged, "item shard \(shard) is lent twice")
        return RowLease(book: self, shard: shard, assignment: assignment)
    }

    fileprivate func giveBack(_ shard: Int) {
        lent[shard].taken.store(false, ordering: .releasing)
    }
}

/// The right to read and write the rows of one item shard for the length of one round.
public struct RowLease: ~Copyable {
    private let book: LeaseBook
    public let shard: Int
    public let assignment: ShardAssignment

    fileprivate init(book: LeaseBook, shard: Int, assignment: ShardAssignment) {
        self.book = book
        self.shard = shard
        self.assignment = assignment
    }

    deinit { book.giveBack(shard) }

    /// Whether the row is among those lent.
    @inlinable
    @inline(__always)
    public func holds(_ row: Int) -> Bool { assignment.shard(of: row) == shard }

    /// The row of `table`, which the lease must hold.
    @inlinable
    @inline(__always)
    public func row(_ row: Int, of table: FactorTable) -> Row {
        assert(holds(row), "row \(row) is not of shard \(shard)")
        return table.row(row)
    }
}
