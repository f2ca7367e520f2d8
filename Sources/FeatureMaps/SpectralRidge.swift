internal import Factors

/// A comparison: the singular vectors of what the means leave over, unknown cells counted as 0, and the ridge regression of
/// items' rows on their features. What counts the unknown as 0 shrinks what it predicts.
///
/// R ≈ P Vᵀ with P = R V by subspace iteration from a seeded start (Halko, Martinsson, Tropp, "Finding Structure with
/// Randomness", 2011); r̂ = μ + ū + b_i + p_u·v_i, of an item without ratings b_i and v_i by the regression.
package struct SpectralRidge: Sendable {
    package struct Options: Sendable, Equatable {
        /// K.
        package var factors = 100
        /// λ of the regression.
        package var penalty = 250.0
        /// Passes over the matrix and back.
        package var iterations = 6

        package init() {}
    }

    private let mean: Float
    private let userOffsets: [Float]
    private let itemOffsets: [Float]
    private let factors: Int
    private let users: [Float]
    private let items: [Float]

    package init(
        _ ratings: DescribedRatings.Ratings, users userCount: Int, itemFeatures: FeatureMatrix, seed: UInt64,
        options: Options
    ) {
        let itemCount = itemFeatures.rows
        let k = max(1, min(options.factors, min(userCount, itemCount)))
        let mean = Float(
            ratings.values.reduce(0.0) { $0 + Double($1) } / Double(max(1, ratings.values.count)))
        let userOffsets = RowCells.means(ratings.values.map { $0 - mean }, ratings.users, userCount)
        let left = ratings.values.indices.map {
            ratings.values[$0] - mean - userOffsets[Int(ratings.users[$0])]
        }
        let itemMeans = RowCells.means(left, ratings.items, itemCount)
        let cells = SparseCells(
            users: ratings.users, items: ratings.items,
            values: left.indices.map { left[$0] - itemMeans[Int(ratings.items[$0])] })
        var basis = Self.start(rows: itemCount, columns: k, seed: seed)
        for _ in 0..<options.iterations {
            orthonormalise(&basis, rows: itemCount, columns: k)
            let across = cells.timesItems(basis, users: userCount, columns: k)
            basis = cells.timesUsers(across, items: itemCount, columns: k)
        }
        orthonormalise(&basis, rows: itemCount, columns: k)
        var known = [Float](repeating: 0, count: itemCount)
        for item in ratings.items { known[Int(item)] = 1 }
        var regression = FeatureRegression.Options()
        regression.penalty = options.penalty
        let ridge = FeatureRegression(regression)
        let vectors = ridge.solve(itemFeatures, targets: basis, width: k, weights: known)
        let biases = ridge.solve(itemFeatures, targets: itemMeans, width: 1, weights: known)
        users = cells.timesItems(basis, users: userCount, columns: k)
        var (rows, offsets) = (basis, itemMeans)
        for item in 0..<itemCount where known[item] == 0 {
            let features = itemFeatures[item]
            rows.replaceSubrange(item * k..<(item + 1) * k, with: vectors.row(of: features))
            offsets[item] = biases.row(of: features)[0]
        }
        (self.mean, self.userOffsets, itemOffsets, factors, items) = (mean, userOffsets, offsets, k, rows)
    }

    package func predict(user: Int, item: Int) -> Float {
        var sum = mean + userOffsets[user] + itemOffsets[item]
        for factor in 0..<factors { sum += users[user * factors + factor] * items[item * factors + factor] }
        return sum
    }

    private static func start(rows: Int, columns: Int, seed: UInt64) -> [Float] {
        var random = KeyedRandom(seed: seed, stream: 0x57D)
        return (0..<rows * columns).map { _ in Float(random.nextUnit() - 0.5) }
    }
}

/// R, cell by cell.
private struct SparseCells {
    let users: [Int32]
    let items: [Int32]
    let values: [Float]

    /// R · matrix, the matrix a row an item.
    func timesItems(_ matrix: [Float], users count: Int, columns: Int) -> [Float] {
        Self.product(from: items, to: users, values, matrix, rows: count, columns: columns)
    }

    /// Rᵀ · matrix, the matrix a row a user.
    func timesUsers(_ matrix: [Float], items count: Int, columns: Int) -> [Float] {
        Self.product(from: users, to: items, values, matrix, rows: count, columns: columns)
    }

    private static func product(
        from: [Int32], to: [Int32], _ values: [Float], _ matrix: [Float], rows: Int, columns: Int
    ) -> [Float] {
        var product = [Float](repeating: 0, count: rows * columns)
        product.withUnsafeMutableBufferPointer { product in
            matrix.withUnsafeBufferPointer { matrix in
                for cell in values.indices {
                    let (source, target) = (Int(from[cell]) * columns, Int(to[cell]) * columns)
                    let value = values[cell]
                    for column in 0..<columns { product[target + column] += value * matrix[source + column] }
                }
            }
        }
        return product
    }
}

/// Makes the columns of a row-major matrix orthonormal, one after the other (modified Gram–Schmidt, twice over a column that
/// cancels); a column of which nothing is left is zero.
private func orthonormalise(_ matrix: inout [Float], rows: Int, columns: Int) {
    var held: [[Float]] = []
    for column in 0..<columns {
        var vector = (0..<rows).map { matrix[$0 * columns + column] }
        let before = length(vector)
        for _ in 0..<2 {
            for other in held {
                var product = 0.0
                for row in 0..<rows { product += Double(vector[row]) * Double(other[row]) }
                let share = Float(product)
                for row in 0..<rows { vector[row] -= share * other[row] }
            }
        }
        let after = length(vector)
        let scale: Float = after > 1e-6 * before && after > 0 ? Float(1 / after) : 0
        for row in 0..<rows { vector[row] *= scale }
        held.append(vector)
    }
    for column in 0..<columns {
        for row in 0..<rows { matrix[row * columns + column] = held[column][row] }
    }
}

private func length(_ vector: [Float]) -> Double {
    vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}
