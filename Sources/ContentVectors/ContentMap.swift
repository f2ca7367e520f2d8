/// W and b, with which inputs are projected. A value, so that whoever holds a copy projects as when it was taken.
package struct ContentMap: Sendable, Equatable {
    /// See `TripletModel`.
    var weights: [TripletModel.Lane]
    var own = TagVectors()

    init(weights: [TripletModel.Lane], own: TagVectors = TagVectors()) {
        (self.weights, self.own) = (weights, own)
    }

    var bytes: Int { weights.count * MemoryLayout<TripletModel.Lane>.stride + own.bytes }

    /// W x + b, and the mean of the tags' own.
    func project(_ input: TagMean) -> [TripletModel.Lane] {
        var sum = bias
        add(to: &sum) { body in
            for (place, value) in input.letters.enumerated() where value != 0 { body(place, value) }
        }
        own.addMean(of: input.keys, to: &sum)
        return sum
    }

    /// What one tag adds: W x of its letters, and its own.
    func image(_ letters: SparseVector, of key: UInt64) -> [TripletModel.Lane] {
        var sum = [TripletModel.Lane](repeating: .zero, count: TripletModel.lanes)
        add(to: &sum) { letters.forEach($0) }
        own.add(key, weight: 1, to: &sum)
        return sum
    }

    /// (W x + b) / ‖W x + b‖; `nil` where that has no direction.
    package func unit(_ input: TagMean) -> [Float]? {
        ContentVectors.unit(project(input))?.unit.flatMap { lane in (0..<8).map { lane[$0] } }
    }

    var bias: [TripletModel.Lane] { Array(weights.suffix(TripletModel.lanes)) }

    @inline(__always)
    private func add(to sum: inout [TripletModel.Lane], _ forEach: ((Int, Float) -> Void) -> Void) {
        let lanes = TripletModel.lanes
        weights.withUnsafeBufferPointer { weights in
            sum.withUnsafeMutableBufferPointer { sum in
                forEach { place, value in
                    for lane in 0..<lanes { sum[lane] = sum[lane] + weights[place * lanes + lane] * value }
                }
            }
        }
    }
}
