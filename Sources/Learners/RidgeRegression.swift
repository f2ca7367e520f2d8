/// Least squares with a penalty of 1 on every weight: min ‖y − Zw‖² + ‖w‖². Other penalties are in the scale of Z.
///
/// Shape: `features` is rows × columns, row-major.
struct RidgeRegression {
    let features: [Double]
    let columns: Int
    var rows: Int { features.count / columns }

    /// w, by whichever of the two normal equations is smaller: (ZᵀZ + I) w = Zᵀy, or w = Zᵀa with (ZZᵀ + I) a = y.
    func solve(_ targets: [Double]) -> [Double] {
        precondition(targets.count == rows)
        if rows <= columns {
            let a = solved(size: rows, targets) { left, right in
                (0..<columns).reduce(0) {
                    $0 + features[left * columns + $1] * features[right * columns + $1]
                }
            }
            return transposed(times: a)
        }
        return solved(size: columns, transposed(times: targets)) { left, right in
            (0..<rows).reduce(0) { $0 + features[$1 * columns + left] * features[$1 * columns + right] }
        }
    }

    /// Zᵀ v.
    private func transposed(times vector: [Double]) -> [Double] {
        var product = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            for column in 0..<columns { product[column] += features[row * columns + column] * vector[row] }
        }
        return product
    }

    /// x of (G + I) x = `right`, by Cholesky's factorization; G is symmetric.
    private func solved(
        size: Int, _ right: [Double], gram: (Int, Int) -> Double
    ) -> [Double] {
        var lower = [Double](repeating: 0, count: size * size)
        for row in 0..<size {
            for column in 0...row {
                var value = gram(row, column) + (row == column ? 1 : 0)
                for index in 0..<column { value -= lower[row * size + index] * lower[column * size + index] }
                lower[row * size + column] =
                    row == column ? value.squareRoot() : value / lower[column * size + column]
            }
        }
        var solution = right
        for row in 0..<size {
            for index in 0..<row { solution[row] -= lower[row * size + index] * solution[index] }
            solution[row] /= lower[row * size + row]
        }
        for row in (0..<size).reversed() {
            for index in row + 1..<size { solution[row] -= lower[index * size + row] * solution[index] }
            solution[row] /= lower[row * size + row]
        }
        return solution
    }
}
