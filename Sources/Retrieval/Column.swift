internal import Factors

/// A growing column of numbers at an address that is fixed between two `grow`s, on a 64-byte boundary.
///
/// Owned by a side of the index, which guards it; `free` ends it.
struct Column<Value: BitwiseCopyable> {
    private var block = GrowingBlock()
    private(set) var base: UnsafeMutablePointer<Value>
    private(set) var capacity = 0

    init() { base = block.start.assumingMemoryBound(to: Value.self) }

    var bytes: Int { capacity * MemoryLayout<Value>.stride }

    mutating func grow(to newCapacity: Int, filledWith value: Value) {
        guard newCapacity > capacity else { return }
        block.reserve(newCapacity * MemoryLayout<Value>.stride)
        base = block.start.assumingMemoryBound(to: Value.self)
        (base + capacity).initialize(repeating: value, count: newCapacity - capacity)
        capacity = newCapacity
    }

    @inline(__always)
    subscript(index: Int) -> Value {
        get { base[index] }
        nonmutating set { base[index] = newValue }
    }

    func free() { block.free() }
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
