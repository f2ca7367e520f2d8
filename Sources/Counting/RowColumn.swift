/// One value a row, at an address that changes with `grow` alone, for values that own memory. Guarded as whatever stands
/// beside it: users' by their shard and its locks, items' by leases. An array would not do: its elements cannot be
/// written by two queues at once, and a reader of one would have the writer copy all.
@usableFromInline
package final class RowColumn<Value: Sendable>: @unchecked Sendable {
    package private(set) var count = 0
    private var capacity = 0
    private var values: UnsafeMutablePointer<Value> = .allocate(capacity: 0)

    package init() {}

    deinit {
        values.deinitialize(count: count)
        values.deallocate()
    }

    package func grow(to newCount: Int, with value: Value) {
        guard newCount > count else { return }
        if newCount > capacity {
            let newCapacity = max(newCount, capacity * 3 / 2, 16)
            let grown = UnsafeMutablePointer<Value>.allocate(capacity: newCapacity)
            grown.moveInitialize(from: values, count: count)
            values.deallocate()
            (values, capacity) = (grown, newCapacity)
        }
        (values + count).initialize(repeating: value, count: newCount - count)
        count = newCount
    }

    /// In place: what a value owns must not be copied to be written.
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
