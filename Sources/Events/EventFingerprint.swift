extension Event {
    /// Tells the event from every other, as far as 64 bits can: two deliveries of one event have the same. `nil` for an
    /// event of which nothing does, because it has neither an id nor a time of its own.
    ///
    /// By its `id` and whose event it is, where it has one; else by all that it says, its time included.
    public var fingerprint: UInt64? {
        var hash = ByteHash()
        hash.combine(key.string)
        if let id {
            hash.combine(id)
            return hash.value
        }
        guard let time else { return nil }
        hash.combine(UInt64(bitPattern: time))
        switch kind {
        case .rating(_, let item, let value):
            hash.combine(1)
            hash.combine(item.string)
            hash.combine(UInt64(value.bitPattern))
        case .signal(_, let item, let name):
            hash.combine(2)
            hash.combine(item.string)
            hash.combine(name)
        case .retract(_, let item):
            hash.combine(3)
            hash.combine(item.string)
        case .hide(_, let item):
            hash.combine(4)
            hash.combine(item.string)
        case .unhide(_, let item):
            hash.combine(5)
            hash.combine(item.string)
        case .forget: hash.combine(6)
        case .item(let description):
            hash.combine(7)
            hash.combine(description.title.map { $0 + "\u{1}" } ?? "")
            for tag in description.tags ?? [] { hash.combine(tag) }
            hash.combine(description.tags == nil ? 0 : 1)
            hash.combine(description.available.map { $0 ? 1 : 2 } ?? 0)
        }
        return hash.value
    }
}

/// A hash of 64 bits that is the same in every process, by folded multiplication (as in wyhash). It tells apart; it
/// withstands nobody who looks for collisions.
struct ByteHash {
    private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func combine(_ word: UInt64) {
        let product = (value ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        value = product.high ^ product.low ^ 0xA076_1D64_78BD_642F
    }

    /// The length is hashed too, so that "ab" and "c" are not "a" and "bc".
    mutating func combine(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            combine(UInt64(bytes.count))
            var index = 0
            while index + 8 <= bytes.count {
                let word = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
                combine(UInt64(littleEndian: word))
                index += 8
            }
            var (rest, shift) = (UInt64(0), UInt64(0))
            while index < bytes.count {
                rest |= UInt64(bytes[index]) << shift
                index += 1
                shift += 8
            }
            combine(rest)
        }
    }
}
