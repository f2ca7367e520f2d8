// Retrieval: the items that score best, exactly.
//
// Here live the published index with its two sides, codes of 8 bits and their bounds, the scan, filters, similarity,
// the lists of popular and trending items, and where one item stands. Item rows come in by number, a vector with a rule
// for scores asks, row numbers with scores go out. What never comes in: ids, users, events, and which model it is.

public import Factors
internal import Synchronization

/// The item rows that look-ups read: two sides, one of them read, the other brought up to date and then swapped in
/// (left-right: Ramalhete and Correia 2015).
///
/// Readers never wait and never block the writer: a reader counts itself into the side that is active, checks that it
/// still is, and counts itself out at the end; the writer touches a side only when nobody is counted in, and otherwise
/// tries again later. A reader that sees the older side sees the items as they were one publication ago, whole.
/// Only changed rows are copied.
///
/// Memory: each side has its own codes of 8 bits, and 42 bytes a row beside them; the float32 rows are in one pool of
/// slots, and a row that both sides have alike is there once. With 64 factors a row takes 468 bytes, 1.77 times what it
/// takes in the item table; one that the last publication changed takes 256 more. A publication is therefore of at most
/// a fifth of the rows, and the rest follows in the next: so the whole stays below twice the item table. Up to 4,096 rows
/// are published together, whatever the catalogue's size, which may pass that bound below some 17,000 items.
public final class PublishedIndex: Sendable {
    public let factors: Int
    /// What scans the codes.
    public let kernel: CodeKernel
    private static let portionMin = 4_096
    private let sides: [IndexSide]
    private let active = Atomic<Int>(0)
    private let writer: Writer

    /// What only the one writer touches.
    private final class Writer: @unchecked Sendable {
        // Sendable because `publish` and `bytes` are called on one queue.
        let pool: RowPool
        /// Rows that changed since they were last published.
        var waiting = WaitingRows()

        init(pool: RowPool) { self.pool = pool }
    }

    /// - Parameter kernel: one that this machine supports; all give the same answers.
    public init(factors: Int, kernel: CodeKernel = .best) {
        precondition(factors > 0 && factors % 8 == 0 && factors <= 65_536 && kernel.isSupported)
        self.factors = factors
        self.kernel = kernel
        let pool = RowPool(factors: factors)
        writer = Writer(pool: pool)
        sides = (0..<2).map { _ in IndexSide(factors: factors, pool: pool, kernel: kernel) }
    }

    /// Bytes held, spare capacity included. On the writer's queue.
    public var bytes: Int {
        writer.pool.bytes + sides.reduce(writer.waiting.bytes) { $0 + $1.columns.bytes + $1.behind.bytes }
    }

    /// Of a row that both sides have alike: its codes and what stands beside them twice, its numbers once.
    public static func bytesPerRow(factors: Int) -> Int { 2 * (factors + 42) + factors * 4 }

    /// Calls `body` with a view that stays as it is until `body` returns. Keep nothing of the view.
    public func read<Result>(_ body: (borrowing IndexView) throws -> Result) rethrows -> Result {
        while true {
            let side = sides[active.load(ordering: .sequentiallyConsistent)]
            side.readers.add(1, ordering: .sequentiallyConsistent)
            defer { side.readers.subtract(1, ordering: .sequentiallyConsistent) }
            // The check comes after counting in: a writer that saw no reader has not yet swapped, or the swap is
            // seen here and this side is left alone.
            if sides[active.load(ordering: .sequentiallyConsistent)] === side {
                return try body(IndexView(columns: side.columns))
            }
        }
    }

    /// Brings the changed rows to the readers. Called by one writer, while nobody writes `table`.
    ///
    /// - Parameter popularity: of a row that is published now; `nil` where it is as it was when the row was last
    ///   published, or where nobody has taken the item.
    /// - Returns: false if rows are still to be published, because a reader holds the side to be written or because
    ///   there are more than are published at a time; they are remembered for the next call.
    public func publish(
        rows: [Int32], from table: FactorTable, popularity: (Int) -> PublishedPopularity?
    ) -> Bool {
        writer.waiting.insert(rows)
        let number = active.load(ordering: .sequentiallyConsistent)
        let (current, target) = (sides[number], sides[1 - number])
        let count = current.columns.count
        guard !writer.waiting.isEmpty || count < table.count else { return true }
        guard target.readers.load(ordering: .sequentiallyConsistent) == 0 else { return false }
        target.catchUp(with: current)
        let changed = writer.waiting.take(atMost: max(Self.portionMin, table.count / 5))
        current.behind = target.refresh(changed, from: table, popularity: popularity)
        active.store(1 - number, ordering: .sequentiallyConsistent)
        return writer.waiting.isEmpty
    }
}

/// What a reader sees: `norms` are Euclidean.
public struct IndexView: ~Copyable {
    let columns: IndexColumns

    public var count: Int { columns.count }
    public var factors: Int { columns.factors }
    public var biases: RowValues<Float> { RowValues(base: columns.biases.base, count: count) }
    public var norms: RowValues<Float> { RowValues(base: columns.norms.base, count: count) }
    public var popularity: RowValues<PublishedPopularity> {
        RowValues(base: columns.popularity.base, count: count)
    }

    /// Inner product with the row, to the last bit as `top` has it.
    public func product(_ row: Int, _ query: [Float]) -> Float {
        precondition(row >= 0 && row < count)
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) { ScoreRule(.dot, prepared).score(row, in: columns) }
    }

    /// Inner products and biases: the scores that `top` answers, to the last bit; NaN for a row that is not published.
    public func scores(_ rows: [Int], _ query: [Float]) -> [Float] {
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) {
            let rule = ScoreRule(.inner, prepared)
            return rows.map { $0 >= 0 && $0 < count ? rule.score($0, in: columns) : .nan }
        }
    }

    /// Inner products alone; NaN for a row that is not published.
    public func products(_ rows: [Int], _ query: [Float]) -> [Float] {
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) {
            let rule = ScoreRule(.dot, prepared)
            return rows.map { $0 >= 0 && $0 < count ? rule.score($0, in: columns) : .nan }
        }
    }

    /// Adds the row's vector to a sum, in lanes of eight.
    public func add(_ row: Int, to sum: inout [SIMD8<Float>]) {
        precondition(row >= 0 && row < count && sum.count == factors / 8)
        let lanes = columns.lanes(row)
        for lane in sum.indices { sum[lane] = sum[lane] + lanes[lane] }
    }

    /// Asks for what `vector` reads.
    public func prefetch(_ row: Int) {
        precondition(row >= 0 && row < count)
        columns.prefetchLanes(row)
    }

    /// Calls `body` with the row's vector where it lies.
    public func withVector<Result>(_ row: Int, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        precondition(row >= 0 && row < count)
        // Lanes are eight numbers each, and nothing but numbers.
        let start = UnsafeRawPointer(columns.lanes(row)).assumingMemoryBound(to: Float.self)
        return body(UnsafeBufferPointer(start: start, count: factors))
    }

    public func vector(_ row: Int) -> [Float] {
        precondition(row >= 0 && row < count)
        return [Float](unsafeUninitializedCapacity: factors) { buffer, count in
            // As large as the lanes are.
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(start: columns.lanes(row), count: factors * 4))
            count = factors
        }
    }
}
