public import Dispatch

/// A value that belongs to one serial queue: every access checks that it is made there, in release builds too, and stops
/// the process where it is not.
///
///     let confined = QueueConfined(Fields(), to: queue)
///     queue.async { confined.count += 1 }
@dynamicMemberLookup
public final class QueueConfined<Value>: @unchecked Sendable {
    // Sendable because `value` is reached through the subscript alone, on `queue`, which is serial.
    private let queue: DispatchQueue
    private var value: Value

    /// - Parameter queue: a serial one.
    public init(_ value: sending Value, to queue: DispatchQueue) {
        self.value = value
        self.queue = queue
    }

    public subscript<Field>(dynamicMember path: WritableKeyPath<Value, Field>) -> Field {
        get {
            dispatchPrecondition(condition: .onQueue(queue))
            return value[keyPath: path]
        }
        _modify {
            dispatchPrecondition(condition: .onQueue(queue))
            yield &value[keyPath: path]
        }
    }
}
