internal import Factors
package import FeatureMaps

/// Whether what is made of features tells which items are rated alike: the cosine of their residuals r − ū − ī, in pairs.
///
/// Items that are held out come last, so that the pairs that were learned are a square of the matrix.
package struct SimilarityTrial: Sendable {
    /// Items more than these would take gigabytes.
    package static let itemsMax = 8_000

    package enum Pairs: Sendable, CaseIterable {
        /// Neither of the two is held out.
        case learned
        /// At least one is.
        case heldOut
    }

    /// Of each item of the trial, its row among all.
    package let items: [Int]
    /// How many of them are learned from: the first ones.
    package let learned: Int
    /// Cosines of residuals, items × items.
    package let similarities: [Float]

    /// - Parameters:
    ///   - itemCount: items there are; those of at least `ratingsMin` ratings are looked at.
    ///   - fraction: part of these that is held out.
    /// - Returns: `nil` where there are fewer than three to learn from or two held out, or more than `itemsMax`.
    package init?(
        _ ratings: DescribedRatings.Ratings, itemCount: Int, ratingsMin: Int, heldOut fraction: Double,
        seed: UInt64
    ) {
        var counts = [Int](repeating: 0, count: itemCount)
        for item in ratings.items { counts[Int(item)] += 1 }
        var items = counts.indices.filter { counts[$0] >= ratingsMin }
        let held = Int((fraction * Double(items.count)).rounded())
        guard items.count <= Self.itemsMax, held >= 2, items.count - held >= 3 else { return nil }
        var random = KeyedRandom(seed: seed, stream: 0x51A0)
        for place in stride(from: items.count - 1, to: 0, by: -1) {
            items.swapAt(place, random.next(below: place + 1))
        }
        self.items = items
        learned = items.count - held
        similarities = Self.cosines(ratings, items, itemCount)
    }

    private static func cosines(
        _ ratings: DescribedRatings.Ratings, _ items: [Int], _ itemCount: Int
    ) -> [Float] {
        let userCount = 1 + Int(ratings.users.max() ?? -1)
        let users = RatingMeans(ratings.values, ratings.users, userCount)
        let left = ratings.values.indices.map { ratings.values[$0] - users[ratings.users[$0]] }
        let means = RatingMeans(left, ratings.items, itemCount)
        var places = [Int32](repeating: -1, count: itemCount)
        for (place, item) in items.enumerated() { places[item] = Int32(place) }
        var byUser = [[(place: Int32, value: Float)]](repeating: [], count: userCount)
        for (index, item) in ratings.items.enumerated() where places[Int(item)] >= 0 {
            byUser[Int(ratings.users[index])].append((places[Int(item)], left[index] - means[item]))
        }
        let count = items.count
        var sums = [Float](repeating: 0, count: count * count)
        sums.withUnsafeMutableBufferPointer { sums in
            for cells in byUser {
                for one in cells {
                    let row = Int(one.place) * count
                    for other in cells { sums[row + Int(other.place)] += one.value * other.value }
                }
            }
        }
        return unit(sums, count)
    }

    /// Products of vectors with one another as cosines; 0 where a vector is none.
    private static func unit(_ products: [Float], _ count: Int) -> [Float] {
        let scales = (0..<count).map { row -> Float in
            let square = products[row * count + row]
            return square > 0 ? 1 / square.squareRoot() : 0
        }
        var cosines = products
        for row in 0..<count {
            for column in 0..<count { cosines[row * count + column] *= scales[row] * scales[column] }
        }
        return cosines
    }

    /// Cosines of the items' features, as ones and zeros: what nobody has to learn.
    ///
    /// - Parameter features: a row an item of the trial.
    package func cosines(of features: FeatureMatrix) -> [Float] {
        precondition(features.rows == items.count)
        let count = items.count
        var rowsOf = [[Int32]](repeating: [], count: features.columns)
        for row in 0..<count { for feature in features[row] { rowsOf[Int(feature)].append(Int32(row)) } }
        var shared = [Float](repeating: 0, count: count * count)
        for row in 0..<count {
            for feature in features[row] {
                for other in rowsOf[Int(feature)] { shared[row * count + Int(other)] += 1 }
            }
        }
        return Self.unit(shared, count)
    }

    /// y_i · y_j.
    ///
    /// - Parameter vectors: a row an item of the trial, each of `width` numbers.
    package func products(_ vectors: [Float], width: Int) -> [Float] {
        let count = items.count
        precondition(vectors.count == count * width)
        var products = [Float](repeating: 0, count: count * count)
        vectors.withUnsafeBufferPointer { vectors in
            products.withUnsafeMutableBufferPointer { products in
                let matrix = MatrixView(vectors, rows: count, columns: width)
                LinearAlgebra().multiply(matrix, matrix, rightTurned: true, into: products)
            }
        }
        return products
    }

    /// How many pairs there are.
    package func count(_ pairs: Pairs) -> Int {
        let held = items.count - learned
        return switch pairs {
        case .learned: learned * (learned - 1) / 2
        case .heldOut: held * learned + held * (held - 1) / 2
        }
    }

    /// Pearson's correlation of given values with the similarities.
    ///
    /// - Parameters:
    ///   - values: items × items, symmetric.
    ///   - weights: how often each item is drawn; a pair counts as often as both together.
    /// - Returns: `nil` where either does not vary.
    package func correlation(_ values: [Float], _ pairs: Pairs, weights: [Float]? = nil) -> Double? {
        let count = items.count
        var sums = PairSums()
        for row in pairs == .learned ? 0..<learned : learned..<count {
            let weight = weights?[row] ?? 1
            guard weight > 0 else { continue }
            let columns = pairs == .learned ? row + 1..<learned : 0..<row
            sums.add(
                row: values[row * count + columns.lowerBound..<row * count + columns.upperBound],
                similarities[row * count + columns.lowerBound..<row * count + columns.upperBound],
                weights: weights.map { $0[columns] }, scale: Double(weight))
        }
        return sums.correlation
    }

    /// Correlations of each of `all` with the items drawn anew, again and again: of all on the same draws.
    package func resampled(_ all: [[Float]], _ pairs: Pairs, resamples: Int, seed: UInt64) -> [[Double]] {
        var found = all.map { _ in [Double]() }
        for resample in 0..<resamples {
            var random = KeyedRandom(seed: seed, stream: 0xB007, index: UInt64(resample))
            var weights = [Float](repeating: 0, count: items.count)
            // Each side by itself, so that as many are held out as ever.
            for _ in 0..<learned { weights[random.next(below: learned)] += 1 }
            for _ in learned..<items.count {
                weights[learned + random.next(below: items.count - learned)] += 1
            }
            for (index, values) in all.enumerated() {
                found[index].append(correlation(values, pairs, weights: weights) ?? .nan)
            }
        }
        return found
    }
}

/// Σ over weighted pairs, row by row.
private struct PairSums {
    private var (weight, x, y, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    mutating func add(
        row values: ArraySlice<Float>, _ others: ArraySlice<Float>, weights: ArraySlice<Float>?, scale: Double
    ) {
        values.withUnsafeBufferPointer { values in
            others.withUnsafeBufferPointer { others in
                var sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
                func add(_ place: Int, _ weight: Double) {
                    let (x, y) = (Double(values[place]), Double(others[place]))
                    sums.0 += weight
                    sums.1 += weight * x
                    sums.2 += weight * y
                    sums.3 += weight * x * x
                    sums.4 += weight * y * y
                    sums.5 += weight * x * y
                }
                if let weights {
                    weights.withUnsafeBufferPointer { weights in
                        for place in values.indices where weights[place] > 0 {
                            add(place, Double(weights[place]))
                        }
                    }
                } else {
                    for place in values.indices { add(place, 1) }
                }
                weight += scale * sums.0
                x += scale * sums.1
                y += scale * sums.2
                xx += scale * sums.3
                yy += scale * sums.4
                xy += scale * sums.5
            }
        }
    }

    var correlation: Double? {
        guard weight > 1 else { return nil }
        let (varianceX, varianceY) = (xx - x * x / weight, yy - y * y / weight)
        guard varianceX > 0, varianceY > 0 else { return nil }
        let value = (xy - x * y / weight) / (varianceX * varianceY).squareRoot()
        return value.isFinite ? value : nil
    }
}

private struct RatingMeans {
    private let means: [Float]

    init(_ values: [Float], _ rows: [Int32], _ count: Int) {
        var (sums, counts) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for (value, row) in zip(values, rows) {
            sums[Int(row)] += Double(value)
            counts[Int(row)] += 1
        }
        means = zip(sums, counts).map { $1 > 0 ? Float($0 / $1) : 0 }
    }

    subscript(row: Int32) -> Float { means[Int(row)] }
}
