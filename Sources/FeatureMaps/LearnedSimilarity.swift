internal import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How alike items are, out of their features: y = Gᵀ tanh(H x + h), and y_i · y_j shall be the given similarity of i and j
/// (a similarity encoder; Horn, Müller, "Predicting Pairwise Relations with Neural Similarity Encoders", 2018).
///
/// Learned by Adam from the squared error over the pairs of items that are drawn together: batches of items, of each all pairs of two.
///
/// Shape: H is features × hidden, h has `hidden` numbers, G is hidden × outputs.
package struct LearnedSimilarity: Sendable {
    package struct Options: Sendable, Equatable {
        package var hidden = 500
        /// K, numbers of y.
        package var outputs = 100
        package var epochs = 300
        /// α of Adam; falls to nothing over the last half of the epochs.
        package var learningRate: Float = 0.001
        /// What weights lose at each step, as a part of α.
        package var decay: Float = 0
        /// The chance that an item goes without a feature in a batch.
        package var dropout = 0.5
        /// The same of hidden units, by item.
        package var hiddenDropout = 0.3
        /// Items drawn together; all pairs of them are learned.
        package var batchItems = 256

        package init() {}
    }

    private let options: Options
    /// H, and h in the row behind the last feature.
    private var inner: AdamTable
    private var outer: AdamTable
    private let algebra = LinearAlgebra()

    /// - Parameters:
    ///   - features: a row an item.
    ///   - rows: items that are learned, at least two.
    ///   - similarities: of all items with all, items × items; of `rows` alone they are looked at.
    ///   - onEpoch: called after each epoch with its number, from 1; an error ends the training.
    package init(
        _ features: FeatureMatrix, rows: [Int], similarities: [Float], seed: UInt64, options: Options,
        onEpoch: (Int) throws -> Void = { _ in }
    ) rethrows {
        precondition(similarities.count == features.rows * features.rows)
        self.options = options
        var random = KeyedRandom(seed: seed, stream: 0x51A1)
        let perRow = max(1, Double(features.features.count) / Double(max(1, features.rows)))
        let deviation = 1 / perRow.squareRoot()
        inner = AdamTable(rows: features.columns + 1, width: options.hidden) { row, _ in
            row == features.columns ? 0 : Float(deviation * random.nextNormal())
        }
        let spread = Self.spread(similarities, rows, of: features.rows)
        let outerDeviation = 0.3 * (Double(spread) / Double(options.hidden)).squareRoot()
        outer = AdamTable(rows: options.hidden, width: options.outputs) { _, _ in
            Float(outerDeviation * random.nextNormal())
        }
        for epoch in 1...max(1, options.epochs) {
            learn(epoch, features, rows, similarities, spread: spread, seed: seed)
            try onEpoch(epoch)
        }
    }

    package var isFinite: Bool { inner.isFinite && outer.isFinite }

    /// y of all rows, one after the other, each of `outputs` numbers filled up with zeros to a multiple of eight.
    package func vectors(of features: FeatureMatrix) -> (numbers: [Float], width: Int) {
        var numbers: [Float] = []
        numbers.reserveCapacity(features.rows * outer.lanes * 8)
        for start in stride(from: 0, to: features.rows, by: 256) {
            let rows = Array(start..<min(features.rows, start + 256))
            var pass = SimilarityPass(count: rows.count, inner.lanes * 8, outer.lanes * 8)
            for (place, row) in rows.enumerated() { pass.add(features[row], at: place, inner, scale: 1) }
            pass.rectify(options.hidden, keep: nil)
            pass.project(outer, hidden: options.hidden, algebra)
            numbers += pass.outputs
        }
        return (numbers, outer.lanes * 8)
    }

    /// Standard deviation about 0 over the pairs that are learned: of it errors are measured.
    private static func spread(_ similarities: [Float], _ rows: [Int], of count: Int) -> Float {
        var (sum, pairs) = (0.0, 0.0)
        for left in rows {
            for right in rows where left != right {
                sum += Double(similarities[left * count + right] * similarities[left * count + right])
                pairs += 1
            }
        }
        let spread = Float((sum / max(1, pairs)).squareRoot())
        return spread > 1e-6 ? spread : 1
    }

    private mutating func learn(
        _ epoch: Int, _ features: FeatureMatrix, _ rows: [Int], _ similarities: [Float], spread: Float,
        seed: UInt64
    ) {
        var random = KeyedRandom(seed: seed, stream: 0x0EDE, index: UInt64(epoch))
        var order = rows
        for place in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(place, random.next(below: place + 1))
        }
        let done = Float(epoch - 1) / Float(max(1, options.epochs))
        let rate = options.learningRate * min(1, 2 * (1 - done))
        // What is left over at the end is too little for pairs of its own: it is drawn in another epoch.
        let size = min(order.count, max(2, options.batchItems))
        for start in stride(from: 0, through: order.count - size, by: size) {
            step(
                Array(order[start..<start + size]), features, similarities, spread: spread, rate: rate,
                &random)
        }
    }

    private mutating func step(
        _ batch: [Int], _ features: FeatureMatrix, _ similarities: [Float], spread: Float, rate: Float,
        _ random: inout KeyedRandom
    ) {
        let (count, hidden) = (batch.count, options.hidden)
        let (innerWidth, outerWidth) = (inner.lanes * 8, outer.lanes * 8)
        var pass = SimilarityPass(count: count, innerWidth, outerWidth)
        var kept: [[Int32]] = []
        for (place, row) in batch.enumerated() {
            var list = Array(features[row])
            if options.dropout > 0 { list = list.filter { _ in random.nextUnit() >= options.dropout } }
            pass.add(list[...], at: place, inner, scale: Float(1 / (1 - options.dropout)))
            kept.append(list)
        }
        var mask: [Float]?
        if options.hiddenDropout > 0 {
            let scale = Float(1 / (1 - options.hiddenDropout))
            mask = (0..<count * innerWidth).map { _ in
                random.nextUnit() < options.hiddenDropout ? 0 : scale
            }
        }
        pass.rectify(hidden, keep: mask)
        pass.project(outer, hidden: hidden, algebra)
        var errors = pass.products(algebra)
        let share = 4 / (Float(count) * Float(count) * spread * spread)
        for left in 0..<count {
            let own = batch[left] * features.rows
            for right in 0..<count {
                let place = left * count + right
                errors[place] =
                    left == right ? 0 : share * (errors[place] - similarities[own + batch[right]])
            }
        }
        let slopes = pass.slopes(errors, outer, hidden: hidden, algebra, keep: mask)
        outer.add(slopes.outer)
        for place in 0..<count {
            inner.add(
                slopes.inner, from: place * innerWidth, to: kept[place], scale: pass.scale(of: place),
                biasRow: features.columns)
        }
        inner.step(rate: rate, decay: options.decay, share: 1)
        outer.step(rate: rate, decay: options.decay, share: 1)
    }
}

/// What comes of a batch of items on the way through.
private struct SimilarityPass {
    private let count: Int
    private let (innerWidth, outerWidth): (Int, Int)
    /// tanh(H x + h), and what of it goes on.
    private var units: [Float]
    private var passed: [Float]
    private(set) var outputs: [Float]
    private var scales: [Float]

    init(count: Int, _ innerWidth: Int, _ outerWidth: Int) {
        (self.count, self.innerWidth, self.outerWidth) = (count, innerWidth, outerWidth)
        units = Array(repeating: 0, count: count * innerWidth)
        passed = []
        outputs = Array(repeating: 0, count: count * outerWidth)
        scales = Array(repeating: 1, count: count)
    }

    func scale(of place: Int) -> Float { scales[place] }

    mutating func add(_ features: ArraySlice<Int32>, at place: Int, _ table: AdamTable, scale: Float) {
        scales[place] = scale
        let lanes = table.lanes
        let bias = (table.rows - 1) * lanes
        units.withUnsafeMutableBytes { bytes in
            let room = bytes.bindMemory(to: Float.self)
            for lane in 0..<lanes {
                var sum = AdamTable.Lane.zero
                for feature in features { sum += table.values[Int(feature) * lanes + lane] }
                sum = sum * scale + table.values[bias + lane]
                for number in 0..<8 { room[place * innerWidth + lane * 8 + number] = sum[number] }
            }
        }
    }

    /// - Parameter keep: by what each unit is multiplied; `nil` for 1.
    mutating func rectify(_ hidden: Int, keep: [Float]?) {
        for index in units.indices { units[index] = tanhf(units[index]) }
        passed = keep.map { zip(units, $0).map { $0 * $1 } } ?? units
    }

    mutating func project(_ outer: AdamTable, hidden: Int, _ algebra: LinearAlgebra) {
        outer.withNumbers { weights in
            passed.withUnsafeBufferPointer { units in
                outputs.withUnsafeMutableBufferPointer { outputs in
                    algebra.multiply(
                        MatrixView(units, rows: count, columns: hidden, stride: innerWidth),
                        MatrixView(weights, rows: hidden, columns: outerWidth), into: outputs)
                }
            }
        }
    }

    /// y_i · y_j of all.
    func products(_ algebra: LinearAlgebra) -> [Float] {
        var products = [Float](repeating: 0, count: count * count)
        outputs.withUnsafeBufferPointer { outputs in
            products.withUnsafeMutableBufferPointer { products in
                let matrix = MatrixView(outputs, rows: count, columns: outerWidth)
                algebra.multiply(matrix, matrix, rightTurned: true, into: products)
            }
        }
        return products
    }

    /// Slopes of the squared error in G, as its table is laid out, and in H x + h, as `units` are.
    func slopes(
        _ errors: [Float], _ outer: AdamTable, hidden: Int, _ algebra: LinearAlgebra, keep: [Float]?
    ) -> (outer: [Float], inner: [Float]) {
        var ofOutputs = [Float](repeating: 0, count: count * outerWidth)
        var ofOuter = [Float](repeating: 0, count: hidden * outerWidth)
        var ofInner = [Float](repeating: 0, count: count * innerWidth)
        errors.withUnsafeBufferPointer { errors in
            outputs.withUnsafeBufferPointer { outputs in
                ofOutputs.withUnsafeMutableBufferPointer { slopes in
                    algebra.multiply(
                        MatrixView(errors, rows: count, columns: count),
                        MatrixView(outputs, rows: count, columns: outerWidth), into: slopes)
                }
            }
        }
        ofOutputs.withUnsafeBufferPointer { slopes in
            let view = MatrixView(slopes, rows: count, columns: outerWidth)
            passed.withUnsafeBufferPointer { units in
                ofOuter.withUnsafeMutableBufferPointer { room in
                    algebra.multiply(
                        MatrixView(units, rows: count, columns: hidden, stride: innerWidth), leftTurned: true,
                        view, into: room)
                }
            }
            outer.withNumbers { weights in
                ofInner.withUnsafeMutableBufferPointer { room in
                    algebra.multiply(
                        view, MatrixView(weights, rows: hidden, columns: outerWidth), rightTurned: true,
                        into: room, stride: innerWidth)
                }
            }
        }
        for index in ofInner.indices {
            let slope = keep.map { ofInner[index] * $0[index] } ?? ofInner[index]
            ofInner[index] = slope * (1 - units[index] * units[index])
        }
        return (ofOuter, ofInner)
    }
}

extension AdamTable {
    /// All numbers, row-major, eight times `lanes` a row.
    func withNumbers<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        // A lane is eight floats, one behind the other, with nothing between.
        values.withUnsafeBytes { body($0.bindMemory(to: Float.self)) }
    }

    /// Adds slopes that are laid out as all numbers are.
    mutating func add(_ slopes: [Float]) {
        precondition(slopes.count == gradient.count * 8)
        gradient.withUnsafeMutableBytes { bytes in
            let room = bytes.bindMemory(to: Float.self)
            for index in slopes.indices { room[index] += slopes[index] }
        }
    }

    /// Adds a row's slopes, times `scale`, to those of the rows `targets`, and as they are to `biasRow`.
    mutating func add(
        _ slopes: [Float], from start: Int, to targets: [Int32], scale: Float, biasRow: Int
    ) {
        let width = lanes * 8
        precondition(start + width <= slopes.count)
        gradient.withUnsafeMutableBytes { bytes in
            let room = bytes.bindMemory(to: Float.self)
            for target in targets {
                let row = Int(target) * width
                for place in 0..<width { room[row + place] += scale * slopes[start + place] }
            }
            for place in 0..<width { room[biasRow * width + place] += slopes[start + place] }
        }
    }
}
