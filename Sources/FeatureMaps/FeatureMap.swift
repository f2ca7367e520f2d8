internal import CKernels

/// What each feature is worth to a row of numbers: a row with the features f is base + Σ weights_f.
///
/// Shape: `weights` is features × width, row-major; `base` has `width` numbers.
package struct FeatureMap: Sendable, Equatable {
    package let features: Int
    package let width: Int
    package private(set) var weights: [Float]
    package private(set) var base: [Float]

    /// Says nothing: all rows are 0.
    package init(features: Int, width: Int) {
        self.features = features
        self.width = width
        weights = Array(repeating: 0, count: features * width)
        base = Array(repeating: 0, count: width)
    }

    package init(width: Int, weights: [Float], base: [Float]) {
        precondition(base.count == width && width > 0 && weights.count % width == 0)
        features = weights.count / width
        self.width = width
        self.weights = weights
        self.base = base
    }

    package var isFinite: Bool { weights.allSatisfy(\.isFinite) && base.allSatisfy(\.isFinite) }

    /// Bytes held.
    package var bytes: Int { (weights.capacity + base.capacity) * MemoryLayout<Float>.stride }

    /// What one feature adds to a row.
    package func weights(of feature: Int32) -> ArraySlice<Float> {
        weights[Int(feature) * width..<(Int(feature) + 1) * width]
    }

    /// The row of whoever has these features and nothing else.
    package func row(of list: some Sequence<Int32>) -> [Float] {
        var row = base
        add(list, to: &row)
        return row
    }

    /// The same into an array of that length.
    func copyRow(of list: Span<Int32>, to row: inout [Float]) {
        precondition(row.count == width)
        list.withUnsafeBufferPointer { list in
            precondition(list.allSatisfy { 0 <= $0 && $0 < features })
            row.withUnsafeMutableBufferPointer { row in
                weights.withUnsafeBufferPointer { weights in
                    base.withUnsafeBufferPointer { base in
                        guard let weights = weights.baseAddress, let base = base.baseAddress,
                            let row = row.baseAddress
                        else { return }
                        feature_row(weights, base, width, list.baseAddress, list.count, row)
                    }
                }
            }
        }
    }

    /// What the features are worth to some of the places of a row.
    func part(_ places: Range<Int>) -> FeatureMap {
        var part: [Float] = []
        part.reserveCapacity(features * places.count)
        for feature in 0..<features {
            let start = feature * width
            part += weights[start + places.lowerBound..<start + places.upperBound]
        }
        return FeatureMap(width: places.count, weights: part, base: Array(base[places]))
    }

    /// By how much this says more than another of the same features; `nil` where it is of others.
    func less(_ other: FeatureMap) -> FeatureMap? {
        guard width == other.width, features == other.features else { return nil }
        return FeatureMap(
            width: width, weights: zip(weights, other.weights).map { $0 - $1 },
            base: zip(base, other.base).map { $0 - $1 })
    }

    /// Adds what the features are worth, without the base.
    package func add(_ list: some Sequence<Int32>, to row: inout [Float]) {
        precondition(row.count == width)
        row.withUnsafeMutableBufferPointer { row in
            weights.withUnsafeBufferPointer { weights in
                for feature in list {
                    let start = Int(feature) * width
                    for place in 0..<width { row[place] += weights[start + place] }
                }
            }
        }
    }
}
