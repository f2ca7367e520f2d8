import Foundation

/// Random numbers as a function of a key and a draw number: the same event replayed draws the same negatives,
/// whatever else has been drawn before. The mixing function is SplitMix64's finaliser (Steele, Lea, Flood 2014).
@frozen
public struct KeyedRandom: Sendable {
    @usableFromInline let key: UInt64
    @usableFromInline var draw: UInt64 = 0

    public init(seed: UInt64, stream: UInt64 = 0, index: UInt64 = 0) {
        key = Self.mix(
            Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15) ^ Self.mix(stream &+ 0xD1B5_4A32_D192_ED03) &+ index)
    }

    /// Keyed by the bytes of an id (FNV-1a, then mixed).
    @inlinable
    public init(seed: UInt64, bytes: some Sequence<UInt8>) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        self.init(seed: seed, stream: hash)
    }

    @inlinable
    @inline(__always)
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    @inlinable
    @inline(__always)
    public mutating func next() -> UInt64 {
        draw &+= 1
        return Self.mix(key &+ draw &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Uniform in `0..<bound`; the bias is below bound / 2⁶⁴.
    @inlinable
    @inline(__always)
    public mutating func next(below bound: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Uniform in [0, 1).
    @inlinable
    public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal (Box and Muller 1958).
    public mutating func nextNormal() -> Double {
        let radius = (-2 * log(1 - nextUnit())).squareRoot()
        return radius * cos(2 * .pi * nextUnit())
    }

    /// Fills a new row: mean 0, deviation 0.1 / √K, nearly normal; bias and step 0.
    ///
    /// Each number is the sum of four uniform ones out of one draw (Irwin 1927, Hall 1927): a stream of new users has
    /// hundreds drawn for each, and logarithms and cosines would be most of what such a user costs.
    public mutating func initialise(_ row: Row) {
        let scale = 0.1 / Float(row.indices.count * 8).squareRoot() * Self.perUnit
        for lane in row.indices {
            var sums = SIMD8<Int32>.zero
            for index in 0..<8 { sums[index] = nextSumOfFour() }
            row[lane] = SIMD8<Float>(sums) * scale
        }
        row.bias = 0
        row.step = 0
    }

    /// One over the deviation of `nextSumOfFour`.
    private static let perUnit = 1 / (Float(1 << 16) / Float(3).squareRoot())

    /// Of four numbers uniform in `0..<65536`, about their mean.
    @inline(__always)
    private mutating func nextSumOfFour() -> Int32 {
        let bits = next()
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
        return Int32(truncatingIfNeeded: sum) - 2 * 0xFFFF
    }
}
