public import CKernels
internal import Factors

/// One value per item, beside the factor tables and guarded as they are: written by the holder of the item's lease
/// during a round, and by the engine's queue between rounds. An array would not do: its elements cannot be written by
/// two queues at once.
@usableFromInline
package final class ItemColumn<Value: BitwiseCopyable & Sendable>: @unchecked Sendable {
    @exclusivity(unchecked) @usableFromInline package private(set) var count = 0
    private var block = GrowingBlock()
    @exclusivity(unchecked) @usableFromInline var values: UnsafeMutablePointer<Value>

    package init() { values = block.start.assumingMemoryBound(to: Value.self) }

    deinit { block.free() }

    package var bytes: Int { count * MemoryLayout<Value>.stride }

    package func grow(to newCount: Int, with value: Value) {
        guard newCount > count else { return }
        block.reserve(newCount * MemoryLayout<Value>.stride)
        values = block.start.assumingMemoryBound(to: Value.self)
        (values + count).initialize(repeating: value, count: newCount - count)
        count = newCount
    }

    /// Calls `body` with all of them, while nobody writes.
    package func withValues<Result>(_ body: (UnsafeBufferPointer<Value>) -> Result) -> Result {
        body(UnsafeBufferPointer(start: values, count: count))
    }

    /// Asks memory for the value, which is looked at a little later.
    @inlinable
    package func prefetch(_ row: Int) {
        assert(row >= 0 && row < count)
        cache_prefetch(values + row, MemoryLayout<Value>.stride)
    }

    @inlinable
    package subscript(row: Int) -> Value {
        @inline(__always) get {
            assert(row >= 0 && row < count)
            return values[row]
        }
        @inline(__always) set {
            assert(row >= 0 && row < count)
            values[row] = newValue
        }
    }
}
