internal import Dispatch
internal import Factors

/// A model of ratings that has something to say of items and users of whom only features are known: means, factors by
/// alternating least squares on what means leave over, and of each the regression on features, which is the prior of rows
/// with few ratings and the row of those with none (Agarwal, Chen, "Regression-based Latent Factor Models", 2009).
///
/// r̂ = μ + o_u + b_i + p_u·q_i with o_u = ū − μ. An item without ratings leaves the user this offset, drawn a little towards
/// what the user's features say of it, and has xβ and xB for b_i and q_i; a user without any leaves the item its own offset
/// ī − μ, drawn likewise, and has zγ and zC.
package struct DescribedRatings: Sendable {
    package struct Options: Sendable, Equatable {
        /// K.
        package var factors = 16
        /// Ratings that what features say of a mean counts as, where the other side is unknown.
        package var userShrinkage: Float = 2
        package var itemShrinkage: Float = 10
        /// Sweeps over both sides.
        package var sweeps = 6
        /// λ of users' and items' factors, towards their priors; in ratings.
        package var userPenalty: Float = 10
        package var itemPenalty: Float = 20
        /// Ratings that an item's prior bias counts as.
        package var biasPenalty: Float = 3
        /// κ: a row of n ratings weighs n / (n + κ) in the regression on features.
        package var evidence: Float = 50
        /// λ of the regression.
        package var featurePenalty = 10.0
        /// Keys the first factors of items.
        package var seed: UInt64 = 1

        package init() {}
    }

    /// What is learned from, three parallel columns.
    package struct Ratings: Sendable {
        package var users: [Int32]
        package var items: [Int32]
        package var values: [Float]

        package init(users: [Int32], items: [Int32], values: [Float]) {
            precondition(users.count == items.count && users.count == values.count)
            (self.users, self.items, self.values) = (users, items, values)
        }
    }

    /// Users or items.
    private struct Side: Sendable {
        let features: FeatureMatrix
        /// D.
        let weights: [Float]
        /// Whether there is any rating.
        let isKnown: [Bool]
        /// Mean of r − μ.
        let plain: [Float]
        /// Of the regression of mean residuals on features: what a row without ratings is worth to a known row of the other
        /// side.
        var described: [Float] = []
        /// Of the regression of plain means: what it is worth to an unknown one; and the plain mean drawn towards it.
        var describedPlain: [Float] = []
        var steady: [Float] = []
        /// rows × K.
        var factors: [Float]
        var priors: [Float]

        var count: Int { plain.count }
    }

    private let mean: Float
    private let factorCount: Int
    private var users: Side
    private var items: Side
    /// b_i of items with ratings, about users' plain offsets.
    private let itemOffsets: [Float]
    /// Users' rows solved against items' priors: for items of whom nothing but their prior is known.
    private var usersOfPriors: [Float]

    /// - Parameters:
    ///   - userFeatures: a row a user, those without ratings too.
    ///   - itemFeatures: likewise.
    ///   - workers: threads; what is learned does not depend on it.
    ///   - onSweep: called after each sweep with its number, from 1; an error ends the training.
    package init(
        _ ratings: Ratings, userFeatures: FeatureMatrix, itemFeatures: FeatureMatrix, options: Options,
        workers: Int = 1, onSweep: (Int) throws -> Void = { _ in }
    ) rethrows {
        let k = options.factors
        factorCount = k
        let sum = ratings.values.reduce(0.0) { $0 + Double($1) }
        let mean = Float(sum / Double(max(1, ratings.values.count)))
        self.mean = mean
        let centred = ratings.values.map { $0 - mean }
        users = Self.side(userFeatures, ratings.users, centred, options)
        items = Self.side(itemFeatures, ratings.items, centred, options)
        var regression = FeatureRegression.Options()
        regression.penalty = options.featurePenalty
        let ridge = FeatureRegression(regression)

        users.describedPlain = Self.described(users, users.plain, ridge)
        items.describedPlain = Self.described(items, items.plain, ridge)
        users.steady = Self.shrunk(
            centred, ratings.users, towards: users.describedPlain, options.userShrinkage)
        items.steady = Self.shrunk(
            centred, ratings.items, towards: items.describedPlain, options.itemShrinkage)

        // Of each side what the other's offsets leave over.
        let (plainUsers, steadyItems) = (users.plain, items.steady)
        let leftToItems = centred.indices.map { centred[$0] - plainUsers[Int(ratings.users[$0])] }
        let leftToUsers = centred.indices.map { centred[$0] - steadyItems[Int(ratings.items[$0])] }
        items.described = Self.described(
            items, RowCells.means(leftToItems, ratings.items, items.count), ridge)
        users.described = Self.described(
            users, RowCells.means(leftToUsers, ratings.users, users.count), ridge)
        let described = items.described
        let offsets = Self.shrunk(leftToItems, ratings.items, towards: described, options.biasPenalty)
        itemOffsets = offsets
        usersOfPriors = users.factors

        let residuals = leftToItems.indices.map { leftToItems[$0] - offsets[Int(ratings.items[$0])] }
        let byUser = RowCells(by: ratings.users, other: ratings.items, values: residuals, count: users.count)
        let byItem = RowCells(by: ratings.items, other: ratings.users, values: residuals, count: items.count)
        for row in 0..<items.count {
            var random = KeyedRandom(seed: options.seed, stream: 0xFEA7, index: UInt64(row))
            for factor in 0..<k { items.factors[row * k + factor] = Float(random.nextUnit() - 0.5) }
        }
        for sweep in 0..<max(0, options.sweeps) {
            users.factors = byUser.solved(
                against: items.factors, priors: users.priors, factors: k, penalty: options.userPenalty,
                workers: workers)
            Self.learnPriors(&users, k, ridge)
            items.factors = byItem.solved(
                against: users.factors, priors: items.priors, factors: k, penalty: options.itemPenalty,
                workers: workers)
            Self.learnPriors(&items, k, ridge)
            try onSweep(sweep + 1)
        }
        usersOfPriors = byUser.solved(
            against: items.priors, priors: users.priors, factors: k, penalty: options.userPenalty,
            workers: workers)
    }

    /// r̂, in the ratings' unit; not clipped to their range.
    package func predict(user: Int, item: Int) -> Float {
        let start = mean + product(user, item)
        switch (users.isKnown[user], items.isKnown[item]) {
        case (true, true): return start + users.plain[user] + itemOffsets[item]
        case (true, false): return start + users.steady[user] + items.described[item]
        case (false, true): return start + users.described[user] + items.steady[item]
        case (false, false): return start + users.described[user] + items.described[item]
        }
    }

    /// What to rank a user's items by.
    package func score(user: Int, item: Int) -> Float {
        product(user, item) + (items.isKnown[item] ? itemOffsets[item] : items.described[item])
    }

    private func product(_ user: Int, _ item: Int) -> Float {
        var sum: Float = 0
        let rows = items.isKnown[item] ? users.factors : usersOfPriors
        for factor in 0..<factorCount {
            sum += rows[user * factorCount + factor] * items.factors[item * factorCount + factor]
        }
        return sum
    }

    // MARK: - Parts

    private static func side(
        _ features: FeatureMatrix, _ rows: [Int32], _ centred: [Float], _ options: Options
    ) -> Side {
        var counts = [Float](repeating: 0, count: features.rows)
        for row in rows { counts[Int(row)] += 1 }
        let zeros = [Float](repeating: 0, count: features.rows * options.factors)
        return Side(
            features: features, weights: counts.map { $0 / ($0 + options.evidence) },
            isKnown: counts.map { $0 > 0 }, plain: RowCells.means(centred, rows, features.rows),
            factors: zeros,
            priors: zeros)
    }

    private static func described(_ side: Side, _ targets: [Float], _ ridge: FeatureRegression) -> [Float] {
        let map = ridge.solve(side.features, targets: targets, width: 1, weights: side.weights)
        return (0..<side.count).map { map.row(of: side.features[$0])[0] }
    }

    private static func shrunk(
        _ values: [Float], _ rows: [Int32], towards priors: [Float], _ penalty: Float
    ) -> [Float] {
        var (sums, counts) = (priors.map { $0 * penalty }, priors.map { _ in penalty })
        for (value, row) in zip(values, rows) {
            sums[Int(row)] += value
            counts[Int(row)] += 1
        }
        return zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
    }

    /// The regression of the side's factors on its features; rows without ratings follow it.
    private static func learnPriors(_ side: inout Side, _ k: Int, _ ridge: FeatureRegression) {
        let map = ridge.solve(side.features, targets: side.factors, width: k, weights: side.weights)
        for row in 0..<side.count {
            let prior = map.row(of: side.features[row])
            side.priors.replaceSubrange(row * k..<(row + 1) * k, with: prior)
            if !side.isKnown[row] { side.factors.replaceSubrange(row * k..<(row + 1) * k, with: prior) }
        }
    }
}

extension RowCells {
    /// argmin Σ (v − p·q)² + λ‖p − prior‖² for each row p, q the other side's; the prior where there are no values.
    func solved(
        against other: [Float], priors: [Float], factors k: Int, penalty: Float, workers: Int
    ) -> [Float] {
        let perPart = 256
        let parts = (count + perPart - 1) / perPart
        return Array(unsafeUninitializedCapacity: count * k) { room, filled in
            // Each part writes rows of its own, and nobody looks at the room before all have ended.
            nonisolated(unsafe) let room = room
            let work: @Sendable (Int) -> Void = { part in
                var solver = RowSolver(factors: k)
                for row in part * perPart..<min(count, (part + 1) * perPart) {
                    let range = starts[row]..<starts[row + 1]
                    let solution = solver.solve(
                        others[range], values[range], other, prior: priors[row * k..<(row + 1) * k],
                        penalty: penalty)
                    for (factor, value) in solution.enumerated() { room[row * k + factor] = value }
                }
            }
            if workers > 1 {
                DispatchQueue.concurrentPerform(iterations: parts, execute: work)
            } else {
                for part in 0..<parts { work(part) }
            }
            filled = count * k
        }
    }
}

/// Room for one row's system at a time.
private struct RowSolver {
    private let k: Int
    private var gathered: [Float] = []
    private var matrix: [Float]
    private let algebra = LinearAlgebra()

    init(factors: Int) {
        k = factors
        matrix = Array(repeating: 0, count: factors * factors)
    }

    mutating func solve(
        _ others: ArraySlice<Int32>, _ values: ArraySlice<Float>, _ table: [Float],
        prior: ArraySlice<Float>, penalty: Float
    ) -> [Float] {
        let prior = Array(prior)
        guard !others.isEmpty else { return prior }
        gathered.removeAll(keepingCapacity: true)
        var right = prior.map { $0 * penalty }
        for (other, value) in zip(others, values) {
            let start = Int(other) * k
            gathered.append(contentsOf: table[start..<start + k])
            for factor in 0..<k { right[factor] += value * table[start + factor] }
        }
        for index in matrix.indices { matrix[index] = 0 }
        algebra.addOuterProducts(of: gathered, count: others.count, factors: k, to: &matrix)
        for factor in 0..<k { matrix[factor * (k + 1)] += penalty }
        // Positive definite by the penalty; where float32 does not see that, the prior is all that is known.
        let isSolved = algebra.solvePositiveDefinite(matrix: &matrix, vector: &right, factors: k)
        return isSolved && right.allSatisfy(\.isFinite) ? right : prior
    }
}
