/// One value per item, beside the factor tables and guarded as they are: written by the holder of the item's lease
/// during a round, and by the engine's queue between rounds. An array would not do: its elements cannot be written by
/// two queues at once.
final class ItemColumn<Value: BitwiseCopyable & Sendable>: @unchecked Sendable {
    private(set) var count = 0
    private var capacity = 0
    private var values: UnsafeMutablePointer<Value>

    init() { values = .allocate(capacity: 0) }

    deinit { values.deallocate() }

    var bytes: Int { capacity * MemoryLayout<Value>.stride }

    func grow(to newCount: Int, with value: Value) {
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

    subscript(row: Int) -> Value {
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

/// What is counted of an item, over all models.
struct ItemStats: BitwiseCopyable, Sendable {
    /// Users in whose history the item stands.
    var users: Int32 = 0
    /// Ratings that stand, and their sum.
    var ratings: Int32 = 0
    var ratingSum: Double = 0
    /// Time of the last rating or signal, in milliseconds since 1970.
    var lastEvent: Int64?
    /// To be written with the next checkpoint.
    var unsaved = true
    /// Changed since look-ups were last told.
    var unpublished = false
}
