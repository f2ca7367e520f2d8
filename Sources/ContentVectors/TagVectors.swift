internal import Factors

/// What tags mean beside what their letters say: a vector of its own for each of those that were learned from, learned by
/// AdaGrad with one rate a vector (Duchi, Hazan, Singer 2011). Items as the sums of what is said of them: Wu et al.,
/// "StarSpace", 2018.
struct TagVectors: Sendable, Equatable {
    typealias Lane = TripletModel.Lane

    /// First come, first served; further tags are what their letters say.
    static let tagsMax = 16_384
    private static let rate: Float = 0.1
    private static let lanes = TripletModel.lanes

    /// By the tag's key.
    private var slots: [UInt64: Int32] = [:]
    /// By slot.
    private var vectors: [Lane] = []
    /// By slot: the sum of squared gradients, a number's mean.
    private var squares: [Float] = []

    init() {}

    /// As saved.
    ///
    /// - Parameter numbers: by key the sum of squares and the vector.
    /// - Returns: `nil` of what was never saved so.
    init?(keys: [UInt64], numbers: [[Float]]) {
        guard keys.count <= Self.tagsMax, keys.count == numbers.count,
            zip(keys, keys.dropFirst()).allSatisfy(<)
        else { return nil }
        for (key, numbers) in zip(keys, numbers) {
            guard numbers.count == Self.numbers, numbers[0] >= 0 else { return nil }
            slots[key] = Int32(squares.count)
            squares.append(numbers[0])
            for lane in 0..<Self.lanes {
                vectors.append(Lane(numbers[1 + lane * 8..<9 + lane * 8]))
            }
        }
    }

    /// Saved of a tag.
    static let numbers = 1 + lanes * 8

    /// Keys, ascending, 8 bytes each; and of each tag `numbers` float32.
    var saved: (keys: [UInt8], numbers: [UInt8]) {
        let order = slots.sorted { $0.key < $1.key }
        var (keys, numbers) = ([UInt8](), [UInt8]())
        keys.reserveCapacity(order.count * 8)
        numbers.reserveCapacity(order.count * Self.numbers * 4)
        // Bytes as they lie, since learning waits for a checkpoint's beginning.
        vectors.withUnsafeBytes { vectors in
            for (key, slot) in order {
                withUnsafeBytes(of: key.littleEndian) { keys.append(contentsOf: $0) }
                withUnsafeBytes(of: squares[Int(slot)]) { numbers.append(contentsOf: $0) }
                let size = Self.lanes * MemoryLayout<Lane>.stride
                numbers.append(contentsOf: vectors[Int(slot) * size..<(Int(slot) + 1) * size])
            }
        }
        return (keys, numbers)
    }

    var isFull: Bool { slots.count == Self.tagsMax }

    var bytes: Int {
        slots.capacity * 16 + vectors.capacity * MemoryLayout<Lane>.stride + squares.capacity * 4
    }

    /// sum ← sum + weight × the tag's vector.
    @inline(__always)
    func add(_ key: UInt64, weight: Float, to sum: inout [Lane]) {
        guard let slot = slots[key] else { return }
        let start = Int(slot) * Self.lanes
        for lane in 0..<Self.lanes { sum[lane] = sum[lane] + vectors[start + lane] * weight }
    }

    /// sum ← sum + the mean of the tags' vectors.
    func addMean(of keys: [UInt64], to sum: inout [Lane]) {
        let weight = 1 / Float(max(1, keys.count))
        for key in keys { add(key, weight: weight, to: &sum) }
    }

    /// One step against the tag's gradient, summed over what it was met in. All of it has to be finite.
    mutating func step(_ key: UInt64, _ gradient: ArraySlice<Lane>) {
        var sum = Lane.zero
        for lane in gradient { sum = sum + lane * lane }
        let square = sum.sum() / Float(TripletModel.outputs)
        guard square > 0, square.isFinite, let slot = slot(of: key) else { return }
        squares[slot] += square
        let rate = Self.rate / squares[slot].squareRoot()
        for (lane, value) in gradient.enumerated() {
            vectors[slot * Self.lanes + lane] = vectors[slot * Self.lanes + lane] - value * rate
        }
    }

    /// `nil` where there is no room for one more.
    private mutating func slot(of key: UInt64) -> Int? {
        if let slot = slots[key] { return Int(slot) }
        guard !isFull else { return nil }
        slots[key] = Int32(squares.count)
        squares.append(0)
        vectors.append(contentsOf: repeatElement(.zero, count: Self.lanes))
        return squares.count - 1
    }

    /// Lets go of the tags that are not used any more.
    mutating func keep(_ isUsed: (UInt64) -> Bool) {
        var kept = Self()
        for (key, slot) in slots where isUsed(key) {
            kept.slots[key] = Int32(kept.squares.count)
            kept.squares.append(squares[Int(slot)])
            kept.vectors += vectors[Int(slot) * Self.lanes..<(Int(slot) + 1) * Self.lanes]
        }
        self = kept
    }
}
