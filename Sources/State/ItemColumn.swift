/// One value per item, beside the factor tables and guarded as they are: written by the holder of the item's lease
/// during a round, and by the engine's queue between rounds. An array would not do: its elements cannot be written by
/// two queues at once.
@usableFromInline
package final class ItemColumn<Value: BitwiseCopyable & Sendable>: @unchecked Sendable {
    @usableFromInline package private(set) var count = 0
    private var capacity = 0
    @usableFromInline var values: UnsafeMutablePointer<Value>

    package init() { values = .allocate(capacity: 0) }

    deinit { values.deallocate() }

    package var bytes: Int { capacity * MemoryLayout<Value>.stride }

    package func grow(to newCount: Int, with value: Value) {
        guard newCount > count else { return }
        if newCount > capacity {
            let newCapacity = max(newCount, capacity * 3 / 2, 64)
            let newValues = UnsafeMutablePointer<Value>.allocate(capacity: newCapacity)
            newValues.moveInitialize(from: values, count: count)
            values.deallocate()
            (values, capacity) = (newValues, newCapacity)
        }
        (values + count).initialize(repeating: value, count: newCount - count)
        count = newCount
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
