/// The random choices of one input: SplitMix64 (Steele, Lea, Flood 2014), begun by the seed and the input's number, so that any
/// input can be made again without those before it.
package struct FuzzNumbers: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64, input: UInt64) {
        state = seed &* 0xD1B5_4A32_D192_ED03 &+ input &* 0x9E37_79B9_7F4A_7C15
        _ = next()
        state ^= input
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// From 0 on; near enough to even.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }

    mutating func happens(oneIn bound: Int) -> Bool { below(bound) == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Changes bytes as damage and malice do, with pieces that mean something to the parser.
struct ByteMutation {
    /// Past it an input no longer grows.
    static let bytesMax = 8192

    let pieces: [[UInt8]]

    init(_ pieces: [String]) { self.pieces = pieces.map { Array($0.utf8) } }

    func change(_ bytes: inout [UInt8], times: Int, _ numbers: inout FuzzNumbers) {
        for _ in 0..<times { change(&bytes, &numbers) }
    }

    private func change(_ bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        guard !bytes.isEmpty else { return bytes += numbers.pick(pieces) }
        let place = numbers.below(bytes.count)
        switch numbers.below(8) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: numbers.next())
        case 1: bytes[place] ^= 1 << UInt8(numbers.below(8))
        case 2: bytes.remove(at: place)
        case 3: bytes.removeSubrange(place...)
        case 4, 5: bytes.insert(contentsOf: numbers.pick(pieces), at: place)
        case 6:
            let end = min(bytes.count, place + numbers.below(24))
            bytes.replaceSubrange(place..<end, with: numbers.pick(pieces))
        default:
            guard bytes.count < Self.bytesMax else { return }
            let end = place + numbers.below(bytes.count - place + 1)
            bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        }
    }
}
