internal import Factors

/// A comparison: similarity encoders for ratings. ê_ui = (x_i W + b) V_u: a linear map from an item's input to an embedding,
/// and a last layer with a row a user, both learned by Adam from what means leave over, by the squared error on observed cells
/// alone: what counted the unknown as 0 would shrink what it predicts. (Horn, Müller, "Predicting Pairwise Relations with
/// Neural Similarity Encoders", 2018.)
///
/// With features as input an item that nobody has rated has an embedding like all others. With the identity as input each
/// rated item has a row of W of its own, as in matrix factorization, and an unrated one b alone. A second encoder maps users'
/// features to rows of the last layer, the first one's embeddings held fixed: it speaks for users without ratings.
///
/// r̂ = μ + o_u + o_i + ê, the offsets plain means; of a row without ratings by ridge regression on features.
package struct SimilarityEncoder: Sendable {
    /// What an item is encoded from.
    package enum Input: String, Sendable, CaseIterable {
        case features, identity
    }

    package struct Options: Sendable, Equatable {
        package var input = Input.features
        /// K, numbers of an embedding.
        package var factors = 100
        package var epochs = 20
        /// α of Adam.
        package var learningRate: Float = 0.003
        /// What weights lose at each step, as a part of α.
        package var decay: Float = 2
        /// λ of the regression of offsets on features.
        package var featurePenalty = 10.0
        /// Items whose ratings make one step.
        package var batchItems = 64

        package init() {}
    }

    private let mean: Float
    private let userOffsets: [Float]
    private let itemOffsets: [Float]
    private let lanes: Int
    /// Embeddings of all items, and rows of the last layer, in lanes.
    private let items: [AdamTable.Lane]
    private let users: [AdamTable.Lane]

    /// - Parameters:
    ///   - userFeatures: a row a user, those without ratings too.
    ///   - itemFeatures: likewise.
    ///   - onEpoch: called after each epoch with its number, from 1, over both encoders; an error ends the training.
    package init(
        _ ratings: DescribedRatings.Ratings, userFeatures: FeatureMatrix, itemFeatures: FeatureMatrix,
        seed: UInt64, options: Options, onEpoch: (Int) throws -> Void = { _ in }
    ) rethrows {
        let offsets = PlainOffsets(
            ratings, userFeatures: userFeatures, itemFeatures: itemFeatures, penalty: options.featurePenalty)
        let inputs = options.input == .features ? itemFeatures : FeatureMatrix(identity: itemFeatures.rows)
        var first = EncoderTraining(
            inputs: inputs,
            cells: RowCells(
                by: ratings.items, other: ratings.users, values: offsets.left, count: itemFeatures.rows),
            others: userFeatures.rows, options: options, seed: seed)
        for epoch in 1...max(1, options.epochs) {
            first.learn(epoch, options, learnsLast: true)
            try onEpoch(epoch)
        }
        let items = first.embeddings
        var second = EncoderTraining(
            inputs: userFeatures,
            cells: RowCells(
                by: ratings.users, other: ratings.items, values: offsets.left, count: userFeatures.rows),
            last: items, others: itemFeatures.rows, options: options, seed: seed &+ 1)
        for epoch in 1...max(1, options.epochs / 4) {
            second.learn(epoch, options, learnsLast: false)
            try onEpoch(options.epochs + epoch)
        }
        let lanes = first.lanes
        var users = first.last.values
        let described = second.embeddings
        for user in 0..<userFeatures.rows where !offsets.hasUser[user] {
            users.replaceSubrange(
                user * lanes..<(user + 1) * lanes, with: described[user * lanes..<(user + 1) * lanes])
        }
        (mean, userOffsets, itemOffsets) = (offsets.mean, offsets.users, offsets.items)
        (self.lanes, self.items, self.users) = (lanes, items, users)
    }

    /// Epochs that training takes, over both encoders.
    package static func epochs(_ options: Options) -> Int {
        max(1, options.epochs) + max(1, options.epochs / 4)
    }

    /// r̂, in the ratings' unit; not clipped to their range.
    package func predict(user: Int, item: Int) -> Float {
        var sum = AdamTable.Lane.zero
        for lane in 0..<lanes { sum += users[user * lanes + lane] * items[item * lanes + lane] }
        return mean + userOffsets[user] + itemOffsets[item] + sum.sum()
    }

    package var isFinite: Bool { (items + users).allSatisfy { $0.sum().isFinite } }
}

/// μ, ū − μ and what that leaves of items' means; of rows without ratings by ridge regression on features.
private struct PlainOffsets {
    let mean: Float
    let users: [Float]
    let items: [Float]
    let hasUser: [Bool]
    /// r − μ − o_u − o_i of each rating.
    let left: [Float]

    init(
        _ ratings: DescribedRatings.Ratings, userFeatures: FeatureMatrix, itemFeatures: FeatureMatrix,
        penalty: Double
    ) {
        let sum = ratings.values.reduce(0.0) { $0 + Double($1) }
        let mean = Float(sum / Double(max(1, ratings.values.count)))
        let centred = ratings.values.map { $0 - mean }
        var regression = FeatureRegression.Options()
        regression.penalty = penalty
        let ridge = FeatureRegression(regression)
        var hasUser = [Bool](repeating: false, count: userFeatures.rows)
        for user in ratings.users { hasUser[Int(user)] = true }
        let users = Self.filled(
            RowCells.means(centred, ratings.users, userFeatures.rows), ratings.users, userFeatures, ridge)
        let leftToItems = centred.indices.map { centred[$0] - users[Int(ratings.users[$0])] }
        let items = Self.filled(
            RowCells.means(leftToItems, ratings.items, itemFeatures.rows), ratings.items, itemFeatures, ridge)
        left = leftToItems.indices.map { leftToItems[$0] - items[Int(ratings.items[$0])] }
        (self.mean, self.users, self.items, self.hasUser) = (mean, users, items, hasUser)
    }

    /// Rows of `known` as they are, the others by what the known ones' features say; few ratings say little.
    private static func filled(
        _ means: [Float], _ known: [Int32], _ features: FeatureMatrix, _ ridge: FeatureRegression
    ) -> [Float] {
        var weights = [Float](repeating: 0, count: features.rows)
        for row in known { weights[Int(row)] += 1 }
        let isKnown = weights.map { $0 > 0 }
        let map = ridge.solve(
            features, targets: means, width: 1, weights: weights.map { $0 / ($0 + 50) })
        return means.indices.map { isKnown[$0] ? means[$0] : map.row(of: features[$0])[0] }
    }
}

/// One encoder: a row's inputs to its embedding, and a last layer.
private struct EncoderTraining {
    private typealias Lane = AdamTable.Lane

    let inputs: FeatureMatrix
    let cells: RowCells
    /// W, and b in the row behind the last input.
    private var weights: AdamTable
    private(set) var last: AdamTable
    private let order: [Int32]
    private let seed: UInt64

    var lanes: Int { weights.lanes }

    /// - Parameters:
    ///   - last: the last layer, where it is given; else it begins at random.
    ///   - others: its rows.
    init(
        inputs: FeatureMatrix, cells: RowCells, last: [AdamTable.Lane]? = nil, others: Int,
        options: SimilarityEncoder.Options, seed: UInt64
    ) {
        (self.inputs, self.cells, self.seed) = (inputs, cells, seed)
        let k = options.factors
        let lanes = AdamTable.lanes(k)
        var random = KeyedRandom(seed: seed, stream: 0x51EC)
        let perRow = max(1, Double(inputs.features.count) / Double(max(1, inputs.rows)))
        let deviation = (0.1 / Double(k).squareRoot() / perRow).squareRoot()
        weights = AdamTable(rows: inputs.columns + 1, width: k) { row, _ in
            row == inputs.columns ? 0 : Float(deviation * random.nextNormal())
        }
        let lastDeviation = (0.1 / Double(k).squareRoot()).squareRoot()
        self.last = AdamTable(rows: others, width: k) { row, place in
            last.map { $0[row * lanes + place >> 3][place & 7] } ?? Float(lastDeviation * random.nextNormal())
        }
        order = (0..<Int32(inputs.rows)).filter { !cells[Int($0)].isEmpty }
    }

    /// Goes once through all cells, rows in an order of the epoch's own; rates fall to nothing at the last one.
    mutating func learn(_ epoch: Int, _ options: SimilarityEncoder.Options, learnsLast: Bool) {
        var random = KeyedRandom(seed: seed, stream: 0x0EDE, index: UInt64(epoch))
        var rows = order
        for place in stride(from: rows.count - 1, to: 0, by: -1) {
            rows.swapAt(place, random.next(below: place + 1))
        }
        let epochs = learnsLast ? options.epochs : max(1, options.epochs / 4)
        let rate = options.learningRate * (1 - Float(epoch - 1) / Float(max(1, epochs)))
        for start in stride(from: 0, to: rows.count, by: max(1, options.batchItems)) {
            var count = 0
            for row in rows[start..<min(rows.count, start + max(1, options.batchItems))] {
                add(Int(row), learnsLast: learnsLast)
                count += cells[Int(row)].count
            }
            let share = 1 / Float(max(1, count))
            weights.step(rate: rate, decay: options.decay, share: share)
            if learnsLast { last.step(rate: rate, decay: options.decay, share: share) }
        }
    }

    /// Adds what a row's cells ask for to the gradients.
    private mutating func add(_ row: Int, learnsLast: Bool) {
        let lanes = lanes
        let own = embedding(row)
        var slope = [Lane](repeating: .zero, count: lanes)
        let lastValues = last.values
        for cell in cells[row] {
            let start = Int(cells.others[cell]) * lanes
            var sum = Lane.zero
            for lane in 0..<lanes { sum += own[lane] * lastValues[start + lane] }
            let error = sum.sum() - cells.values[cell]
            for lane in 0..<lanes { slope[lane] += error * lastValues[start + lane] }
            if learnsLast {
                for lane in 0..<lanes { last.gradient[start + lane] += error * own[lane] }
            }
        }
        for input in inputs[row] {
            for lane in 0..<lanes { weights.gradient[Int(input) * lanes + lane] += slope[lane] }
        }
        for lane in 0..<lanes { weights.gradient[inputs.columns * lanes + lane] += slope[lane] }
    }

    /// x W + b.
    private func embedding(_ row: Int) -> [AdamTable.Lane] {
        let (lanes, values) = (lanes, weights.values)
        var sum = Array(values[inputs.columns * lanes..<(inputs.columns + 1) * lanes])
        for input in inputs[row] {
            for lane in 0..<lanes { sum[lane] += values[Int(input) * lanes + lane] }
        }
        return sum
    }

    /// Of all rows.
    var embeddings: [AdamTable.Lane] { (0..<inputs.rows).flatMap(embedding) }
}

extension FeatureMatrix {
    /// Each row has a feature of its own.
    init(identity rows: Int) {
        self.init(columns: rows)
        reserve(rows: rows, features: rows)
        for row in 0..<rows { append(CollectionOfOne(Int32(row))) }
    }
}
