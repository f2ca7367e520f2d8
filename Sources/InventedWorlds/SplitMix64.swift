/// SplitMix64 (Steele, Lea, Flood 2014): the same draws from the same seed on every machine.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    // The standard library's `random(in:using:)` may draw differently from one release to the next.

    /// From 0 to below 1.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// From 0 to below `count`.
    mutating func index(below count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }

    /// Mean 0, deviation 1: the sum of twelve uniforms (Irwin and Hall), which needs no logarithm and so no
    /// libm.
    mutating func normal() -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += uniform() }
        return sum
    }

    /// A row in proportion to its weight.
    ///
    /// - Parameter sum: of all weights, above 0.
    mutating func index(byWeights weights: [Double], sum: Double) -> Int {
        var left = uniform() * sum
        var last = 0
        for (index, weight) in weights.enumerated() where weight > 0 {
            last = index
            left -= weight
            if left < 0 { return index }
        }
        return last  // what rounding left over
    }

    /// A row in proportion to what it adds to the running sums.
    mutating func index(bySums sums: [Double]) -> Int {
        let place = uniform() * (sums.last ?? 0)
        var range = 0..<sums.count
        while range.count > 1 {  // the first running sum above `place`
            let middle = (range.lowerBound + range.upperBound) / 2
            range = sums[middle - 1] > place ? range.lowerBound..<middle : middle..<range.upperBound
        }
        return range.lowerBound
    }
}
