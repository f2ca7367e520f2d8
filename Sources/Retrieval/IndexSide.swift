internal import CKernels
internal import Factors
internal import Synchronization

/// One side of the index. Written by the publishing queue alone, and only while `readers` is zero and the side is not
/// active; read by those counted in. That guards every field here.
///
/// Rows change all over the catalogue, so that nearly all time goes by waiting for memory: loops ask for what they will
/// need a few rows further on.
final class IndexSide: @unchecked Sendable {
    let readers = Atomic<Int>(0)
    /// Where this side is behind the other, beside the rows that it has not got. Writer only.
    var behind = RowChanges()
    private(set) var columns: IndexColumns
    private let pool: RowPool

    /// By how many rows or blocks memory is asked for ahead of its use.
    private static let ahead = 4

    init(factors: Int, pool: RowPool, kernel: CodeKernel) {
        columns = IndexColumns(factors: factors, kernel: kernel)
        self.pool = pool
    }

    deinit { columns.free() }

    /// Takes over from the other side, which is published, the rows in which this one is behind: their floats are
    /// shared from then on.
    func catchUp(with other: IndexSide) {
        var columns = columns
        let (old, theirs, pool) = (columns.count, other.columns, pool)
        columns.grow(to: theirs.count)
        columns.take(pool.chunks)
        var left: [Int32] = []
        for row in behind.rows where row < old {
            let (mine, shared) = (columns.slots[Int(row)], theirs.slots[Int(row)])
            if mine != shared { left.append(mine) }
            columns.slots[Int(row)] = shared
        }
        pool.give(back: left)
        for row in behind.recounted { columns.popularity[Int(row)] = theirs.popularity[Int(row)] }
        let blocks = Self.blocks(of: behind.rows)
        for (place, block) in blocks.enumerated() {
            if place + Self.ahead < blocks.count {
                columns.prefetchBlock(Int(blocks[place + Self.ahead]))
                theirs.prefetchBlock(Int(blocks[place + Self.ahead]))
            }
            columns.copyBlock(Int(block), from: theirs)
        }
        for row in old..<columns.count {
            columns.slots[row] = theirs.slots[row]
            columns.popularity[row] = theirs.popularity[row]
        }
        for block in columns.blocks(of: old..<columns.count) { columns.copyBlock(block, from: theirs) }
        behind = RowChanges()
        self.columns = columns
    }

    /// Takes from the table the rows named, best in ascending order, and those from `count` on. Needs to have caught up
    /// with the other side: a slot that the other side reads is left to it.
    ///
    /// - Parameter popularity: of a row that is published; `nil` where it has not changed since the row was.
    /// - Returns: in what the other side is now behind.
    func refresh(
        _ rows: [Int32], from table: FactorTable, popularity: (Int) -> PublishedPopularity?
    ) -> RowChanges {
        var columns = columns
        let (old, pool) = (columns.count, pool)
        var changes = RowChanges(rows: rows.filter { $0 < old })
        let rows = changes.rows
        columns.grow(to: table.count)
        for (row, slot) in zip(rows, pool.take(rows.count)) { columns.slots[Int(row)] = slot }
        for (row, slot) in zip(old..<table.count, pool.take(table.count - old)) { columns.slots[row] = slot }
        columns.take(pool.chunks)
        for (place, row) in rows.enumerated() {
            if place + Self.ahead < rows.count {
                columns.prefetchRow(Int(rows[place + Self.ahead]), from: table)
            }
            columns.refresh(Int(row), from: table.row(Int(row)))
            // Once a block where its rows come together, while its lines are at hand.
            let isLast = place + 1 == rows.count || Self.block(rows[place + 1]) != Self.block(row)
            if isLast { columns.boundBlock(Int(Self.block(row))) }
        }
        for row in rows {
            guard let value = popularity(Int(row)) else { continue }
            columns.popularity[Int(row)] = value
            changes.recounted.append(row)
        }
        for row in old..<table.count {
            columns.refresh(row, from: table.row(row))
            columns.popularity[row] = popularity(row) ?? .untaken
        }
        for block in columns.blocks(of: old..<table.count) { columns.boundBlock(block) }
        self.columns = columns
        return changes
    }

    private static func block(_ row: Int32) -> Int32 { row / Int32(CodeKernel.rowsPerBlock) }

    /// The blocks of the rows, each once where the rows are ascending.
    private static func blocks(of rows: [Int32]) -> [Int32] {
        var blocks: [Int32] = []
        blocks.reserveCapacity(rows.count)
        var last: Int32 = -1
        for row in rows {
            let block = block(row)
            if block != last { blocks.append(block) }
            last = block
        }
        return blocks
    }
}

/// Rows that one side of the index has as they are, and the other as they were.
struct RowChanges {
    var rows: [Int32] = []
    /// Those whose popularity differs too.
    var recounted: [Int32] = []

    var bytes: Int { (rows.capacity + recounted.capacity) * MemoryLayout<Int32>.stride }
}
