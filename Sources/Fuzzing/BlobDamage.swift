/// Bytes that are not what was written: of a blob whose form is not known.
enum BlobDamage {
    static func change(_ bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        for _ in 0...numbers.below(3) {
            switch numbers.below(5) {
            case 0: if !bytes.isEmpty { bytes[numbers.below(bytes.count)] ^= 1 << UInt8(numbers.below(8)) }
            case 1:
                if !bytes.isEmpty { bytes[numbers.below(bytes.count)] = numbers.pick([0, 0x7F, 0x80, 0xFF]) }
            case 2: bytes.removeLast(min(bytes.count, 1 + numbers.below(40)))
            case 3: bytes += (0...numbers.below(40)).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
            default:
                // A number or a count, beyond everything.
                let place = numbers.below(max(1, bytes.count / 4)) * 4
                let word = numbers.pick([0xFF, 0x7F, 0x80, 0] as [UInt8])
                for byte in place..<min(bytes.count, place + 4) { bytes[byte] = word }
            }
        }
    }
}
