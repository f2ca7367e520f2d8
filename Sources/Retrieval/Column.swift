internal import CKernels

/// A growing column of numbers at an address that is fixed between two `grow`s, on a 64-byte boundary.
///
/// Owned by a side of the index, which guards it; `free` ends it.
struct Column<Value: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Value>
    private(set) var capacity = 0

    init() { base = Self.allocate(0) }

    var bytes: Int { capacity * MemoryLayout<Value>.stride }

    mutating func grow(to newCapacity: Int, filledWith value: Value) {
        guard newCapacity > capacity else { return }
        let newBase = Self.allocate(newCapacity)
        newBase.initialize(from: base, count: capacity)
        (newBase + capacity).initialize(repeating: value, count: newCapacity - capacity)
        base.deallocate()
        (base, capacity) = (newBase, newCapacity)
    }

    @inline(__always)
    subscript(index: Int) -> Value {
        get { base[index] }
        nonmutating set { base[index] = newValue }
    }

    func free() { base.deallocate() }

    /// From so many bytes on a column has large pages: rows change and are looked at all over it.
    private static var largeMin: Int { 2 << 20 }
    private static var largePage: Int { 2 << 20 }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Value> {
        let bytes = count * MemoryLayout<Value>.stride
        let isLarge = bytes >= largeMin
        let base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? largePage : 64)
        // Whole pages alone, so that none is taken for what lies behind it.
        if isLarge { memory_prefer_large_pages(base, bytes / largePage * largePage) }
        return base.bindMemory(to: Value.self, capacity: count)
    }
}

/// A value for each row, as one publication had it.
public struct RowValues<Value: BitwiseCopyable> {
    let base: UnsafePointer<Value>
    public let count: Int

    @inline(__always)
    public subscript(row: Int) -> Value {
        precondition(row >= 0 && row < count)
        return base[row]
    }
}
