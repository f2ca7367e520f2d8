/// Random numbers of a simulation: SplitMix64, the same on every machine. A generator of its own, so that no change of the
/// engine's changes what a seed stands for.
package struct Dice: Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xD1B5_4A32_D192_ED03 }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// 0 where `bound` is 0 or less.
    package mutating func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(next() % UInt64(bound)) }

    package mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    package mutating func pick<Element>(_ all: [Element]) -> Element { all[below(all.count)] }

    /// Small numbers as often as large ones of as many digits.
    package mutating func scaled(_ bound: Int) -> Int {
        let bits = below(max(1, bound.bitWidth - bound.leadingZeroBitCount) + 1)
        return min(bound, below(1 << bits))
    }
}
