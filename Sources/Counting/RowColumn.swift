public import CKernels
internal import Factors

/// One value a row, at an address that changes with `grow` alone, for values that own memory. Guarded as whatever stands
/// beside it: users' by their shard and its locks, items' by leases. An array would not do: its elements cannot be
/// written by two queues at once, and a reader of one would have the writer copy all.
@usableFromInline
package final class RowColumn<Value: Sendable>: @unchecked Sendable {
    @exclusivity(unchecked) @usableFromInline package private(set) var count = 0
    private var block = GrowingBlock()
    @exclusivity(unchecked) @usableFromInline var values: UnsafeMutablePointer<Value>

    package init() { values = block.start.assumingMemoryBound(to: Value.self) }

    deinit {
        values.deinitialize(count: count)
        block.free()
    }

    package func grow(to newCount: Int, with value: Value) {
        guard newCount > count else { return }
        // Values move with the bytes that they are made of.
        block.reserve(newCount * MemoryLayout<Value>.stride)
        values = block.start.assumingMemoryBound(to: Value.self)
        (values + count).initialize(repeating: value, count: newCount - count)
        count = newCount
    }

    /// Asks memory for the value itself, not for what it owns.
    @inlinable
    package func prefetch(_ row: Int) {
        assert(row >= 0 && row < count)
        cache_prefetch(values + row, MemoryLayout<Value>.stride)
    }

    /// In place: what a value owns must not be copied to be written.
    @inlinable
    package subscript(row: Int) -> Value {
        @inline(__always) unsafeAddress {
            assert(row >= 0 && row < count)
            return UnsafePointer(values + row)
        }
        @inline(__always) unsafeMutableAddress {
            assert(row >= 0 && row < count)
            return values + row
        }
    }
}
