internal import Foundation

/// What numbers of a state may come to. Whatever is larger was never learned (`engine.norm-max`), and its squares, or their sum
/// over a row, would be none that float32 has.
package enum StoredNumber {
    /// 2^53: squares of it, 2^20 of them added up, are below 2^127.
    private static let most = 0x1p53
    fileprivate static let mostBits = Float(most).bitPattern

    package static func isOne(_ value: Double) -> Bool { abs(value) < most }

    /// An ordinal of an event, or a time in milliseconds: what another is taken from, or added to, stays a number.
    package static func isMoment(_ value: Int64) -> Bool { value.magnitude <= 1 << 56 }
}

extension UnsafeRawBufferPointer {
    /// Every one is a number, and none larger than any that is learned.
    var holdsNumbers: Bool {
        var areNumbers = true
        for start in stride(from: 0, to: count - 3, by: 4) {
            let bits = UInt32(littleEndian: loadUnaligned(fromByteOffset: start, as: UInt32.self))
            // Without a way out of the loop, so that the compiler looks at several at once. What is none has the highest bits.
            areNumbers = areNumbers && bits & 0x7FFF_FFFF < StoredNumber.mostBits
        }
        return areNumbers
    }
}

extension Data {
    var holdsNumbers: Bool { withUnsafeBytes(\.holdsNumbers) }
}
