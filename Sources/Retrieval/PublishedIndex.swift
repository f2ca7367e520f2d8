public import Factors
internal import Synchronization

/// The item rows that look-ups read: two copies, one of them read, the other brought up to date and then swapped in
/// (left-right: Ramalhete and Correia 2015).
///
/// Readers never wait and never block the writer: a reader counts itself into the side that is active, checks that it
/// still is, and counts itself out at the end; the writer touches a side only when nobody is counted in, and otherwise
/// tries again later. A reader that sees the older side sees the items as they were one publication ago, whole.
/// Only changed rows are copied. Memory: twice the item table.
public final class PublishedIndex: Sendable {
    private let sides: [Side]
    private let active = Atomic<Int>(0)
    public let factors: Int

    public init(factors: Int) {
        self.factors = factors
        sides = [Side(factors: factors), Side(factors: factors)]
    }

    public var bytes: Int { sides[0].bytes + sides[1].bytes }

    /// Calls `body` with a view that stays as it is until `body` returns. Keep nothing of the view.
    public func read<Result>(_ body: (borrowing IndexView) throws -> Result) rethrows -> Result {
        while true {
            let side = sides[active.load(ordering: .sequentiallyConsistent)]
            side.readers.add(1, ordering: .sequentiallyConsistent)
            defer { side.readers.subtract(1, ordering: .sequentiallyConsistent) }
            // The check comes after counting in: a writer that saw no reader has not yet swapped, or the swap is
            // seen here and this side is left alone.
            if sides[active.load(ordering: .sequentiallyConsistent)] === side {
                return try body(side.view)
            }
        }
    }

    /// Brings the changed rows to the readers. Called by one writer, while nobody writes `table`.
    ///
    /// - Returns: false if a reader still holds the side to be written; the rows are remembered for the next call.
    public func publish(
        rows: [Int32], from table: FactorTable, popularity: (Int) -> PublishedPopularity
    ) -> Bool {
        for side in sides { side.pending.append(contentsOf: rows) }
        let target = sides[1 - active.load(ordering: .sequentiallyConsistent)]
        guard target.readers.load(ordering: .sequentiallyConsistent) == 0 else { return false }
        guard !target.pending.isEmpty || target.count < table.count else { return true }
        target.update(from: table, popularity: popularity)
        active.store(1 - active.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
        return true
    }
}

/// One copy. Written by the publishing queue alone, and only while `readers` is zero and the side is not active;
/// read by those counted in. That guards every field here.
private final class Side: @unchecked Sendable {
    let readers = Atomic<Int>(0)
    let factors: Int
    /// Rows changed since this side was last written. Writer only.
    var pending: [Int32] = []
    private(set) var count = 0
    private var capacity = 0
    private var vectors: UnsafeMutablePointer<Float>
    private var biases: [Float] = []
    private var norms: [Float] = []
    private var popularity: [PublishedPopularity] = []

    init(factors: Int) {
        self.factors = factors
        vectors = .allocate(capacity: 0)
    }

    deinit { vectors.deallocate() }

    var bytes: Int { capacity * ((factors + 2) * 4 + MemoryLayout<PublishedPopularity>.stride) }

    var view: IndexView {
        IndexView(
            count: count, factors: factors, vectors: UnsafePointer(vectors), biases: biases, norms: norms,
            popularity: popularity)
    }

    func update(from table: FactorTable, popularity popularityOf: (Int) -> PublishedPopularity) {
        let old = count
        grow(to: table.count)
        for row in old..<count { copy(row, from: table, popularity: popularityOf(row)) }
        for row in pending where row < old { copy(Int(row), from: table, popularity: popularityOf(Int(row))) }
        pending.removeAll(keepingCapacity: true)
    }

    private func copy(_ row: Int, from table: FactorTable, popularity value: PublishedPopularity) {
        let source = table.row(row)
        table.copyVector(row, to: vectors + row * factors)
        biases[row] = source.bias
        norms[row] = source.dot(source).squareRoot()
        popularity[row] = value
    }

    private func grow(to newCount: Int) {
        guard newCount > count else { return }
        if newCount > capacity {
            let newCapacity = max(newCount, capacity * 3 / 2, 64)
            let newVectors = UnsafeMutablePointer<Float>.allocate(capacity: newCapacity * factors)
            newVectors.moveInitialize(from: vectors, count: count * factors)
            (newVectors + count * factors).initialize(repeating: 0, count: (newCapacity - count) * factors)
            vectors.deallocate()
            (vectors, capacity) = (newVectors, newCapacity)
        }
        let added = newCount - biases.count
        biases.append(contentsOf: repeatElement(0, count: added))
        norms.append(contentsOf: repeatElement(0, count: added))
        popularity.append(contentsOf: repeatElement(.none, count: added))
        count = newCount
    }
}

/// What a reader sees: `vectors` is count × factors, row-major; `norms` are Euclidean.
public struct IndexView: ~Copyable {
    public let count: Int
    public let factors: Int
    let vectors: UnsafePointer<Float>
    public let biases: [Float]
    public let norms: [Float]
    public let popularity: [PublishedPopularity]

    /// Inner product with the row.
    public func product(_ row: Int, _ query: [Float]) -> Float {
        precondition(row >= 0 && row < count && query.count == factors)
        return (0..<factors).reduce(0) { $0 + vectors[row * factors + $1] * query[$1] }
    }

    public func vector(_ row: Int) -> [Float] {
        precondition(row >= 0 && row < count)
        return Array(UnsafeBufferPointer(start: vectors + row * factors, count: factors))
    }
}
