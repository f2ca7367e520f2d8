internal import Factors

/// Ridge regression of rows of numbers on sparse features: min Σ_i D_i ‖y_i − b − x_i W‖² + λ‖W‖², the base b without
/// a penalty. Rows of little evidence count little: D_i is theirs to say. Collinear features share what they are worth,
/// by λ. Hoerl, Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", 1970; of factors on features:
/// Agarwal, Chen, "Regression-based Latent Factor Models", 2009.
///
/// Centred by the weighted means x̄ and ȳ, W solves (XᵀDX − S x̄x̄ᵀ + λI) W = XᵀDY − S x̄ȳᵀ with S = Σ D, and b = ȳ − x̄W:
/// by Cholesky where there are few features, else by conjugate gradients that start from the last solution.
package struct FeatureRegression: Sendable {
    package struct Options: Sendable, Equatable {
        /// λ, above 0.
        package var penalty = 20.0
        /// Features up to which the matrix is factorised.
        package var choleskyMax = 2_048
        /// Whether it is factorised in single precision, in half the time, where λ is no tiny part of the matrix's diagonal
        /// (`singleMin`): the map is then the same to four digits.
        package var isSingle = false
        /// Of conjugate gradients.
        package var iterationsMax = 100
        /// Residual, as a part of the right side, at which they end.
        package var tolerance = 1e-5

        package init() {}
    }

    package let options: Options
    private let algebra = LinearAlgebra()

    package init(_ options: Options = Options()) {
        precondition(options.penalty > 0 && options.penalty.isFinite)
        self.options = options
    }

    /// - Parameters:
    ///   - features: X.
    ///   - targets: Y, rows × width, row-major.
    ///   - weights: D, not below 0. A row of weight 0 is not looked at; one that is not finite neither.
    ///   - start: an earlier solution of the same shape, to go on from where the system is solved step by step.
    /// - Returns: a finite map; `start`, or one that says nothing, where there is no solution in float32.
    package func solve(
        _ features: FeatureMatrix, targets: [Float], width: Int, weights: [Float], start: FeatureMap? = nil
    ) -> FeatureMap {
        precondition(targets.count == features.rows * width)
        return solve(features, width: width, weights: weights, start: start) { row, target in
            for place in target.indices { target[place] = targets[row * width + place] }
        }
    }

    /// The same of targets that are asked for row by row, once each: all of a catalogue's side by side are many.
    ///
    /// - Parameter target: fills in the row's y.
    func solve(
        _ features: FeatureMatrix, width: Int, weights: [Float], start: FeatureMap? = nil,
        target: (_ row: Int, _ target: UnsafeMutableBufferPointer<Float>) -> Void
    ) -> FeatureMap {
        precondition(weights.count == features.rows)
        let system = CentredSystem(
            features, width: width, weights: weights, penalty: options.penalty, target: target)
        return solve(system, start: start)
    }

    /// The same of equations that are there already.
    func solve(_ system: CentredSystem, start: FeatureMap? = nil) -> FeatureMap {
        let (order, width) = (system.features.columns, system.width)
        let start = start.flatMap { $0.features == order && $0.width == width ? $0 : nil }
        let unsolved = start ?? FeatureMap(features: order, width: width)
        guard system.weightSum > 0 else { return unsolved }
        var solution: [Double]?
        if order == 0 {
            solution = []
        } else if order <= options.choleskyMax {
            solution = (options.isSingle ? factorisedSingly(system) : nil) ?? factorised(system)
        }
        let found =
            solution
            ?? ConjugateGradients(system, options).solve(
                from: (start?.weights ?? []).map(Double.init))
        let map = system.map(found)
        return map.isFinite ? map : unsolved
    }

    private func factorised(_ system: CentredSystem) -> [Double]? {
        var (matrix, right) = (system.matrix(), system.rightByColumn())
        guard
            algebra.solvePositiveDefinite(
                matrix: &matrix, right: &right, order: system.features.columns, columns: system.width)
        else { return nil }
        return system.byRow(right)
    }

    /// λ as a part of the greatest number of the diagonal. What float32 rounds off is a 256th of that.
    private static let singleMin = 0x1p-16

    private func factorisedSingly(_ system: CentredSystem) -> [Double]? {
        // Sums in double precision, as they take the difference of great numbers.
        let sums = system.matrix()
        let order = system.features.columns
        let greatest = (0..<order).reduce(0) { max($0, sums[$1 * (order + 1)]) }
        // Not so for NaN either.
        guard options.penalty >= Self.singleMin * greatest else { return nil }
        var matrix = sums.map { Float($0) }
        var right = system.rightByColumn().map { Float($0) }
        guard
            algebra.solvePositiveDefinite(
                matrix: &matrix, right: &right, order: system.features.columns, columns: system.width),
            right.allSatisfy(\.isFinite)
        else { return nil }
        return system.byRow(right.map { Double($0) })
    }
}

/// The normal equations about the weighted means.
struct CentredSystem {
    let features: FeatureMatrix
    let width: Int
    /// D, 0 of rows that are not looked at.
    let weights: [Double]
    let penalty: Double
    /// S.
    private(set) var weightSum = 0.0
    /// x̄ and ȳ.
    private(set) var featureMeans: [Double]
    private(set) var targetMeans: [Double]
    /// XᵀDY − S x̄ȳᵀ: features × width, row-major.
    private(set) var right: [Double]

    init(
        _ features: FeatureMatrix, width: Int, weights given: [Float], penalty: Double,
        target fill: (_ row: Int, _ target: UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        self.features = features
        self.width = width
        self.penalty = penalty
        var weights = given.map { Double($0) }
        var (sum, means) = (0.0, [Double](repeating: 0, count: width))
        var counts = [Double](repeating: 0, count: features.columns)
        var right = [Double](repeating: 0, count: features.columns * width)
        var (target, weighted) = ([Float](repeating: 0, count: width), [Double](repeating: 0, count: width))
        // Pointers, as sums over a catalogue's rows are made between two events.
        target.withUnsafeMutableBufferPointer { target in
            weighted.withUnsafeMutableBufferPointer { weighted in
                right.withUnsafeMutableBufferPointer { right in
                    for row in 0..<features.rows {
                        let weight = weights[row]
                        fill(row, target)
                        guard weight > 0, weight.isFinite, target.allSatisfy(\.isFinite) else {
                            weights[row] = 0
                            continue
                        }
                        sum += weight
                        for place in 0..<width {
                            weighted[place] = weight * Double(target[place])
                            means[place] += weighted[place]
                        }
                        for index in features.starts[row]..<features.starts[row + 1] {
                            let feature = Int(features.features[index])
                            counts[feature] += weight
                            let to = feature * width
                            for place in 0..<width { right[to + place] += weighted[place] }
                        }
                    }
                }
            }
        }
        (self.weights, self.right, weightSum) = (weights, right, sum)
        (featureMeans, targetMeans) = (counts, means)
        centre()
    }

    /// Of rows that are summed up already, all of weights above 0.
    ///
    /// - Parameters:
    ///   - targets: Σ D y.
    ///   - right: XᵀDY: features × width, row-major.
    init(_ features: FeatureMatrix, weights: [Float], penalty: Double, targets: [Double], right: [Double]) {
        precondition(weights.count == features.rows && right.count == features.columns * targets.count)
        (self.features, self.penalty, width) = (features, penalty, targets.count)
        self.weights = weights.map { Double($0) }
        var counts = [Double](repeating: 0, count: features.columns)
        for row in 0..<features.rows {
            for feature in features[row] { counts[Int(feature)] += self.weights[row] }
        }
        (self.right, weightSum) = (right, self.weights.reduce(0, +))
        (featureMeans, targetMeans) = (counts, targets)
        centre()
    }

    /// Sums become means, and the right side is taken about them.
    private mutating func centre() {
        guard weightSum > 0 else { return }
        for place in targetMeans.indices { targetMeans[place] /= weightSum }
        for feature in featureMeans.indices {
            for place in 0..<width {
                right[feature * width + place] -= featureMeans[feature] * targetMeans[place]
            }
            featureMeans[feature] /= weightSum
        }
    }

    /// XᵀDX − S x̄x̄ᵀ + λI, of which the lower triangle is filled as column-major reads it.
    func matrix() -> [Double] {
        let order = features.columns
        var matrix = [Double](repeating: 0, count: order * order)
        matrix.withUnsafeMutableBufferPointer { matrix in
            features.features.withUnsafeBufferPointer { list in
                for row in 0..<features.rows where weights[row] > 0 {
                    let (start, end) = (features.starts[row], features.starts[row + 1])
                    for left in start..<end {
                        let column = Int(list[left]) * order
                        for right in left..<end { matrix[column + Int(list[right])] += weights[row] }
                    }
                }
            }
            for column in 0..<order {
                let scaled = weightSum * featureMeans[column]
                for row in column..<order { matrix[column * order + row] -= scaled * featureMeans[row] }
                matrix[column * order + column] += penalty
            }
        }
        return matrix
    }

    /// The right side as LAPACK wants it: a column after the other.
    func rightByColumn() -> [Double] {
        let order = features.columns
        var columns = [Double](repeating: 0, count: order * width)
        for feature in 0..<order {
            for place in 0..<width { columns[place * order + feature] = right[feature * width + place] }
        }
        return columns
    }

    /// W, row-major, of the columns of a solution one after the other.
    func byRow(_ columns: [Double]) -> [Double] {
        let order = features.columns
        var rows = [Double](repeating: 0, count: order * width)
        for feature in 0..<order {
            for place in 0..<width { rows[feature * width + place] = columns[place * order + feature] }
        }
        return rows
    }

    /// W with its base.
    func map(_ solution: [Double]) -> FeatureMap {
        var base = targetMeans
        for feature in 0..<features.columns {
            for place in 0..<width {
                base[place] -= featureMeans[feature] * solution[feature * width + place]
            }
        }
        return FeatureMap(
            width: width, weights: solution.map { Float($0) }, base: base.map { Float($0) })
    }

    /// The matrix times W, without ever making it.
    func multiply(_ weights: [Double], into product: inout [Double]) {
        let (width, order) = (width, features.columns)
        var means = [Double](repeating: 0, count: width)
        for feature in 0..<order {
            for place in 0..<width {
                means[place] += featureMeans[feature] * weights[feature * width + place]
            }
        }
        for index in product.indices { product[index] = penalty * weights[index] }
        var row = [Double](repeating: 0, count: width)
        product.withUnsafeMutableBufferPointer { product in
            weights.withUnsafeBufferPointer { from in
                row.withUnsafeMutableBufferPointer { row in
                    for number in 0..<features.rows where self.weights[number] > 0 {
                        for place in 0..<width { row[place] = -means[place] }
                        let list = features[number]
                        for feature in list {
                            let start = Int(feature) * width
                            for place in 0..<width { row[place] += from[start + place] }
                        }
                        let weight = self.weights[number]
                        for feature in list {
                            let start = Int(feature) * width
                            for place in 0..<width { product[start + place] += weight * row[place] }
                        }
                    }
                }
            }
        }
    }
}

/// Conjugate gradients (Hestenes, Stiefel 1952) for all columns of the right side side by side, each with steps of its own,
/// preconditioned by the diagonal.
private struct ConjugateGradients {
    let system: CentredSystem
    let options: FeatureRegression.Options

    init(_ system: CentredSystem, _ options: FeatureRegression.Options) {
        (self.system, self.options) = (system, options)
    }

    func solve(from start: [Double]) -> [Double] {
        let (width, order) = (system.width, system.features.columns)
        var solution = start.isEmpty ? [Double](repeating: 0, count: order * width) : start
        var product = [Double](repeating: 0, count: order * width)
        system.multiply(solution, into: &product)
        var residual = zip(system.right, product).map { $0 - $1 }
        let inverse = (0..<order).map { feature -> Double in
            let mean = system.featureMeans[feature]
            return 1 / (system.weightSum * mean * (1 - mean) + system.penalty)
        }
        func preconditioned(_ residual: [Double]) -> [Double] {
            residual.indices.map { residual[$0] * inverse[$0 / width] }
        }
        var conditioned = preconditioned(residual)
        var direction = conditioned
        var energy = dots(residual, conditioned)
        let wanted = dots(system.right, preconditioned(system.right)).map {
            $0 * options.tolerance * options.tolerance
        }
        for _ in 0..<options.iterationsMax {
            if zip(energy, wanted).allSatisfy({ $0 <= $1 }) { break }
            system.multiply(direction, into: &product)
            let curvature = dots(direction, product)
            let step = zip(energy, curvature).map { $1 > 0 ? $0 / $1 : 0 }
            for index in solution.indices {
                solution[index] += step[index % width] * direction[index]
                residual[index] -= step[index % width] * product[index]
            }
            conditioned = preconditioned(residual)
            let next = dots(residual, conditioned)
            let turn = zip(next, energy).map { $1 > 0 ? $0 / $1 : 0 }
            for index in direction.indices {
                direction[index] = conditioned[index] + turn[index % width] * direction[index]
            }
            energy = next
        }
        return solution
    }

    /// Of each column.
    private func dots(_ left: [Double], _ right: [Double]) -> [Double] {
        var sums = [Double](repeating: 0, count: system.width)
        for index in left.indices { sums[index % system.width] += left[index] * right[index] }
        return sums
    }
}
