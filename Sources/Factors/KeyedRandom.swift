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

    /// Fills a new row: normal(0, 0.1 / √K), bias and step 0.
    public mutating func initialise(_ row: Row) {
        let deviation = 0.1 / Double(row.indices.count * 8).squareRoot()
        for lane in row.indices {
            var values = SIMD8<Float>.zero
            for index in 0..<8 { values[index] = Float(deviation * nextNormal()) }
            row[lane] = values
        }
        row.bias = 0
        row.step = 0
    }
}
