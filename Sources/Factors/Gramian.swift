public import Foundation

/// QᵀQ of a table's rows, kept up to date a row at a time: what ALS has to know of all the items that a user did not
/// take (Hu, Koren, Volinsky 2008, section 4).
///
/// Sums in float64, so that a row added and taken off again leaves next to nothing behind; sum anew now and then all
/// the same.
public struct Gramian: Sendable, Equatable {
    /// K.
    public let factors: Int
    /// Rows summed.
    public private(set) var rows = 0
    /// K × K, of which the lower triangle is kept as column-major reads it.
    private var sums: [Double]

    private var algebra: LinearAlgebra { LinearAlgebra() }

    public init(factors: Int) {
        self.factors = factors
        sums = Array(repeating: 0, count: factors * factors)
    }

    /// The sum over all rows of a table.
    public init(of table: FactorTable) {
        self.init(factors: table.factors)
        add(all: table)
    }

    /// Adds all rows of a table. A row of zeros adds nothing, and is not counted.
    public mutating func add(all table: FactorTable) {
        let blockRows = 1024
        var block = [Float](repeating: 0, count: factors * factors)
        for start in stride(from: 0, to: table.count, by: blockRows) {
            let count = min(blockRows, table.count - start)
            for index in block.indices { block[index] = 0 }
            table.withVectors(from: start, count: count) { vectors in
                algebra.addOuterProducts(of: vectors, count: count, factors: factors, to: &block)
            }
            for index in block.indices { sums[index] += Double(block[index]) }
        }
        for index in 0..<table.count where !table.row(index).isZero { rows += 1 }
    }

    /// Whether all sums are numbers. What was added and was none does not leave by being taken off: sum anew.
    public var isFinite: Bool { sums.allSatisfy(\.isFinite) }

    /// Adds a row that was not in the sum.
    public mutating func add(_ row: Row) {
        accumulate(row.vector, scale: 1)
        rows += 1
    }

    /// Takes a row off that is in the sum with exactly this vector.
    public mutating func remove(_ row: Row) {
        accumulate(row.vector, scale: -1)
        rows -= 1
    }

    /// Takes over that a row of the sum, which had this vector, is now `row`.
    public mutating func replace(_ vector: [Float], with row: Row) {
        accumulate(vector, scale: -1)
        accumulate(row.vector, scale: 1)
    }

    /// Takes over that a row, which had this vector, is now `row`; vectors of zeros are not in the sum.
    public mutating func update(from vector: [Float], to row: Row) {
        switch (vector.allSatisfy { $0 == 0 }, row.isZero) {
        case (true, true): break
        case (true, false): add(row)
        case (false, false): replace(vector, with: row)
        case (false, true):
            accumulate(vector, scale: -1)
            rows -= 1
        }
    }

    private mutating func accumulate(_ vector: [Float], scale: Double) {
        precondition(vector.count == factors, "a row of \(vector.count) factors in a sum of \(factors)")
        algebra.addOuterProduct(of: vector.map(Double.init), scale: scale, factors: factors, to: &sums)
    }

    /// Element of the symmetric matrix.
    public subscript(row: Int, column: Int) -> Double { sums[min(row, column) * factors + max(row, column)] }

    /// Largest absolute difference of an element, by which drift is told.
    public func distance(to other: Gramian) -> Double {
        zip(sums, other.sums).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// Writes the lower triangle, as column-major reads it, over the factors × factors numbers at `destination`.
    public func copy(to destination: UnsafeMutablePointer<Float>) {
        sums.withUnsafeBufferPointer { sums in
            for index in sums.indices { destination[index] = Float(sums[index]) }
        }
    }

    /// Adds the lower triangle, as column-major reads it, to the factors × factors numbers at `destination`.
    public func add(to destination: UnsafeMutablePointer<Float>) {
        sums.withUnsafeBufferPointer { sums in
            for index in sums.indices { destination[index] += Float(sums[index]) }
        }
    }
}

// Little-endian: K and the number of rows, 8 bytes each, then the lower triangle column by column as float64.
extension Gramian {
    public var blob: Data {
        var data = Data(capacity: 16 + 8 * factors * (factors + 1) / 2)
        func append(_ bits: UInt64) { withUnsafeBytes(of: bits.littleEndian) { data.append(contentsOf: $0) } }
        append(UInt64(factors))
        append(UInt64(rows))
        for column in 0..<factors {
            for row in column..<factors { append(sums[column * factors + row].bitPattern) }
        }
        return data
    }

    /// `nil` where the blob is none of a sum of `factors` × `factors`.
    public init?(blob: Data, factors: Int) {
        let words = blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 7, by: 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
        guard blob.count == 16 + 8 * factors * (factors + 1) / 2, words[0] == UInt64(factors),
            let rows = Int(exactly: words[1])
        else { return nil }
        self.init(factors: factors)
        self.rows = rows
        var next = 2
        for column in 0..<factors {
            for row in column..<factors {
                sums[column * factors + row] = Double(bitPattern: words[next])
                next += 1
            }
        }
    }
}
