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

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Value> {
        UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Value>.stride, alignment: 64)
            .bindMemory(to: Value.self, capacity: count)
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
