/// The directions in which rows differ most, and where the rows lie along them: eigenvectors of the centred K × K
/// covariance (Hotelling 1933).
public struct PrincipalComponents: Sendable {
    private static let blockRows = 1_024

    /// Of all that the rows differ, the part along each axis; the greatest first.
    public let explained: [Float]
    /// Of the centred rows, along each axis: the root of the sum of the places' squares.
    public let singularValues: [Float]
    /// A column an axis, an entry a row.
    public let places: [[Float]]

    /// - Parameters:
    ///   - rows: count × factors numbers, row after row.
    ///   - axes: at most `factors`.
    /// - Returns: `nil` where there are fewer than two rows, all are alike, or a number is not finite.
    public init?(of rows: [Float], factors: Int, _ axes: Int) {
        let count = rows.count / factors
        precondition(rows.count == count * factors && axes <= factors)
        guard count > 1 else { return nil }
        let mean = Self.mean(of: rows, count: count, factors: factors)
        let covariance = Self.covariance(of: rows, mean: mean, count: count, factors: factors)
        guard let (values, vectors) = LinearAlgebra().eigenvectors(ofSymmetric: covariance, order: factors)
        else { return nil }
        let total = values.reduce(0) { $0 + max(0, $1) }
        guard total > 1e-12, total.isFinite else { return nil }
        var (explained, singularValues, places): ([Float], [Float], [[Float]]) = ([], [], [])
        // In ascending order as LAPACK has them.
        for number in 0..<axes {
            let column = factors - 1 - number
            explained.append(Float(max(0, values[column]) / total))
            singularValues.append(Float((max(0, values[column]) * Double(count)).squareRoot()))
            let axis = Self.oriented(vectors[column * factors..<(column + 1) * factors].map { Float($0) })
            places.append(Self.places(of: rows, along: axis, mean: mean, count: count))
        }
        self.explained = explained
        self.singularValues = singularValues
        self.places = places
    }

    private static func mean(of rows: [Float], count: Int, factors: Int) -> [Double] {
        var mean = [Double](repeating: 0, count: factors)
        rows.withUnsafeBufferPointer { rows in
            for row in 0..<count {
                for factor in 0..<factors { mean[factor] += Double(rows[row * factors + factor]) }
            }
        }
        return mean.map { $0 / Double(count) }
    }

    /// The lower triangle, as column-major reads it.
    private static func covariance(
        of rows: [Float], mean: [Double], count: Int, factors: Int
    ) -> [Double] {
        let algebra = LinearAlgebra()
        var sum = [Double](repeating: 0, count: factors * factors)
        var centred = [Float](repeating: 0, count: blockRows * factors)
        for start in stride(from: 0, to: count, by: blockRows) {
            let size = min(blockRows, count - start)
            for index in 0..<size * factors {
                centred[index] = rows[start * factors + index] - Float(mean[index % factors])
            }
            var block = [Float](repeating: 0, count: factors * factors)
            algebra.addOuterProducts(of: centred, count: size, factors: factors, to: &block)
            for index in block.indices { sum[index] += Double(block[index]) }
        }
        return sum.map { $0 / Double(count) }
    }

    /// An eigenvector's sign is nobody's choice; with the largest part positive a map drawn again looks the same.
    private static func oriented(_ axis: [Float]) -> [Float] {
        let largest = axis.max { abs($0) < abs($1) } ?? 0
        return largest < 0 ? axis.map { -$0 } : axis
    }

    private static func places(
        of rows: [Float], along axis: [Float], mean: [Double], count: Int
    ) -> [Float] {
        var places = [Float](repeating: 0, count: count)
        LinearAlgebra().multiply(
            matrix: rows, rows: count, factors: axis.count, vector: axis, scores: &places)
        let shift = zip(mean, axis).reduce(0) { $0 + $1.0 * Double($1.1) }
        return places.map { $0 - Float(shift) }
    }
}
