/// The known cells of a sparse matrix, row after row.
struct RowCells: Sendable {
    /// Where each row begins; one more than there are rows.
    let starts: [Int]
    /// Of each cell, its column.
    let others: [Int32]
    let values: [Float]

    /// - Parameters:
    ///   - rows: of each cell its row, in any order; within a row the order is kept.
    ///   - count: rows there are.
    init(by rows: [Int32], other: [Int32], values: [Float], count: Int) {
        var starts = [Int](repeating: 0, count: count + 1)
        for row in rows { starts[Int(row) + 1] += 1 }
        for row in 0..<count { starts[row + 1] += starts[row] }
        var (places, others) = (starts, [Int32](repeating: 0, count: rows.count))
        var sorted = [Float](repeating: 0, count: rows.count)
        for index in rows.indices {
            let place = places[Int(rows[index])]
            places[Int(rows[index])] += 1
            (others[place], sorted[place]) = (other[index], values[index])
        }
        (self.starts, self.others, self.values) = (starts, others, sorted)
    }

    var count: Int { starts.count - 1 }

    subscript(row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

    /// Of each row; 0 of one without values.
    static func means(_ values: [Float], _ rows: [Int32], _ count: Int) -> [Float] {
        var (sums, counts) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for (value, row) in zip(values, rows) {
            sums[Int(row)] += Double(value)
            counts[Int(row)] += 1
        }
        return zip(sums, counts).map { $1 > 0 ? Float($0 / $1) : 0 }
    }
}
