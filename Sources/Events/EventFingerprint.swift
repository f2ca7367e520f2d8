extension Event {
    /// Tells the event from every other, as far as 64 bits can: two deliveries of one event have the same. `nil` for an
    /// event of which nothing does, because it has neither an id nor a time of its own.
    ///
    /// By its `id` together with its kind, user and item, where it has one: a producer that sends it again may give it
    /// another time, and ids that are numbers of lines must not make strangers of two files alike. Else by all that it
    /// says, its time included.
    public var fingerprint: UInt64? {
        var hash = ByteHash()
        hash.combine(UInt64(kindCode.rawValue))
        hash.combine(key.string)
        hash.combine(item?.string ?? "")
        if case .promote(let model) = kind { hash.combine(model) }
        if let id {
            hash.combine(id)
            return hash.value
        }
        guard let time else { return nil }
        hash.combine(UInt64(bitPattern: time))
        switch kind {
        case .rating(_, _, let value): hash.combine(UInt64(value.bitPattern))
        case .signal(_, _, let name): hash.combine(name)
        case .retract, .hide, .unhide, .forget, .promote: break
        case .item(let description): hash.combine(description)
        case .user(let description):
            hash.combine(tags: description.tags)
            hash.combine(tags: description.addedTags)
        }
        return hash.value
    }
}

extension ByteHash {
    fileprivate mutating func combine(_ description: ItemDescription) {
        // What is not said is not what is said to be empty.
        combine(description.title.map { "=" + $0 } ?? "")
        combine(tags: description.tags)
        combine(description.available.map { $0 ? 1 : 2 } ?? 0)
        // Only where there are any: what was known before they could be added is known still.
        if description.addedTags != nil { combine(tags: description.addedTags) }
    }

    fileprivate mutating func combine(tags: [String]?) {
        combine(tags.map { UInt64($0.count) + 1 } ?? 0)
        for tag in tags ?? [] { combine(tag) }
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
        text.withUTF8 { combine(UnsafeRawBufferPointer($0)) }
    }

    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        combine(UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
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
