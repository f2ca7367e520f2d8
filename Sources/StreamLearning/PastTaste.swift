internal import Factors
internal import State

/// What a user took, as one row (`PastItems`), by the rows as they are now.
struct PastTaste {
    private let lanes: [SIMD8<Float>]

    /// Rows of other leases are not read; those that are stand for them.
    ///
    /// - Returns: `nil` where nothing can be read.
    init?(_ items: [Int32], rows: FactorTable, lease: borrowing RowLease) {
        var lanes = [SIMD8<Float>](repeating: .zero, count: rows.factors / 8)
        var read = 0
        for item in items where lease.holds(Int(item)) {
            let row = rows.row(Int(item))
            for lane in row.indices { lanes[lane] = lanes[lane] + row[lane] }
            read += 1
        }
        guard read > 0 else { return nil }
        let scale = PastItems.scale(items.count) * Float(items.count) / Float(read)
        for lane in lanes.indices { lanes[lane] = lanes[lane] * scale }
        self.lanes = lanes
    }

    /// Adds the products with these rows, `ratio` times each. The lanes are taken out once for all of them.
    func add(_ ratio: Float, of rows: [Int32], in items: FactorTable, to scores: inout [Float]) {
        lanes.withUnsafeBufferPointer { lanes in
            for place in rows.indices {
                scores[place] += ratio * Self.dot(lanes, items.row(Int(rows[place])))
            }
        }
    }

    @inline(__always)
    func dot(_ row: Row) -> Float {
        lanes.withUnsafeBufferPointer { Self.dot($0, row) }
    }

    @inline(__always)
    private static func dot(_ lanes: UnsafeBufferPointer<SIMD8<Float>>, _ row: Row) -> Float {
        var sum = SIMD8<Float>.zero
        for lane in row.indices { sum = sum + lanes[lane] * row[lane] }
        return sum.sum()
    }
}
