/// A keyed hash of an id's bytes, by folded multiplication (as in wyhash), drawn anew for each table: who sends ids cannot
/// know which ones would meet in one place of it. Nothing that is kept or told depends on it.
struct IDHash: Sendable {
    private let key: UInt64
    private let multiplier: UInt64

    init() {
        key = .random(in: .min ... .max)
        multiplier = .random(in: .min ... .max) | 1
    }

    /// 32 bits, of which the first ones are as good as the last.
    func value(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash = key ^ UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            fold(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), into: &hash)
            index += 8
        }
        if index < bytes.count {
            fold(rest(of: bytes, from: index), into: &hash)
        }
        fold(key &>> 32, into: &hash)
        return UInt32(truncatingIfNeeded: hash >> 32)
    }

    /// The last bytes, fewer than eight.
    private func rest(of bytes: UnsafeRawBufferPointer, from index: Int) -> UInt64 {
        if bytes.count >= 8 {
            // Some of them for a second time.
            return bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        }
        if bytes.count >= 4 {
            let first = UInt64(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let last = UInt64(bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
            return first << 32 | last
        }
        return UInt64(bytes[0]) << 16 | UInt64(bytes[bytes.count / 2]) << 8 | UInt64(bytes[bytes.count - 1])
    }

    @inline(__always)
    private func fold(_ word: UInt64, into hash: inout UInt64) {
        let product = (hash ^ word).multipliedFullWidth(by: multiplier)
        hash = product.high ^ product.low ^ key
    }
}
