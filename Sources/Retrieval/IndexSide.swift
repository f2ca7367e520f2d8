internal import Factors
internal import Synchronization

/// One side of the index. Written by the publishing queue alone, and only while `readers` is zero and the side is not
/// active; read by those counted in. That guards every field here.
final class IndexSide: @unchecked Sendable {
    let readers = Atomic<Int>(0)
    /// Rows in which this side is behind the other, beside those that it has not got. Writer only.
    var behind: [Int32] = []
    private(set) var columns: IndexColumns
    private let pool: RowPool

    init(factors: Int, pool: RowPool, kernel: CodeKernel) {
        columns = IndexColumns(factors: factors, kernel: kernel)
        self.pool = pool
    }

    deinit { columns.free() }

    /// Takes over from the other side, which is published, the rows in which this one is behind: their floats are
    /// shared from then on.
    func catchUp(with other: IndexSide) {
        var columns = columns
        let (old, theirs) = (columns.count, other.columns)
        columns.grow(to: theirs.count)
        columns.take(pool.chunks)
        for row in behind where row < old {
            let slot = columns.slots[Int(row)]
            if slot != theirs.slots[Int(row)] { pool.give(back: slot) }
            columns.copy(Int(row), from: theirs)
            columns.boundBlock(of: Int(row))
        }
        for row in old..<columns.count { columns.copy(row, from: theirs) }
        columns.boundBlocks(of: old..<columns.count)
        behind.removeAll(keepingCapacity: true)
        self.columns = columns
    }

    /// Takes from the table the rows named and those from `count` on. Needs to have caught up with the other side: a
    /// slot that the other side reads is left to it.
    func refresh(_ rows: [Int32], from table: FactorTable, popularity: (Int) -> PublishedPopularity) {
        var columns = columns
        let old = columns.count
        columns.grow(to: table.count)
        for row in old..<table.count { columns.slots[row] = pool.take() }
        for row in rows where row < old { columns.slots[Int(row)] = pool.take() }
        columns.take(pool.chunks)
        for row in rows where row < old {
            columns.refresh(Int(row), from: table.row(Int(row)), popularity: popularity(Int(row)))
            columns.boundBlock(of: Int(row))
        }
        for row in old..<table.count {
            columns.refresh(row, from: table.row(row), popularity: popularity(row))
        }
        columns.boundBlocks(of: old..<table.count)
        self.columns = columns
    }
}
