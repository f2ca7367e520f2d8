/// What the C library's allocator takes for a block: its own word, and the rounding to sixteen bytes.
package enum AllocatedBytes {
    package static func ofBlock(_ bytes: Int) -> Int { bytes == 0 ? 0 : max(32, (bytes + 8 + 15) & ~15) }

    /// Of a text: short ones lie in the value itself.
    package static func ofText(_ text: String) -> Int {
        text.utf8.count <= 15 ? 0 : ofArray(text.utf8.count + 1)
    }

    /// Of an array that so many elements were appended to, one by one.
    package static func ofGrown(_ count: Int, _ stride: Int) -> Int {
        guard count > 0 else { return 0 }
        var (capacity, bytes) = (0, 0)
        while capacity < count {
            bytes = ofArray(max(1, capacity * 2) * stride)
            // What the allocator rounds up to is used too.
            capacity = max(capacity + 1, (bytes - 8 - 32) / stride)
        }
        return bytes
    }

    /// Of an array's elements; nothing for one that was never given room.
    package static func ofArray(_ bytes: Int) -> Int { bytes == 0 ? 0 : ofBlock(32 + bytes) }
}
