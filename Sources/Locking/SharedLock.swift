#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A value that many threads read at once, and that changes seldom: who reads waits for changes alone, never for others
/// who read.
///
/// So a look-up does not wait for a thread of lower priority that reads too and has been put aside meanwhile. On a pthread
/// lock for the reason that `Lock` gives; it lets readers in before a writer that waits.
public final class SharedLock<Value: Sendable>: @unchecked Sendable {
    // Sendable because `value` is reached through `read` and `withLock` alone, under `lock`. Both have storage of their
    // own: the lock must not move, and readers on several threads must not open one access to this object's field.
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    public init(_ value: Value) {
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_rwlock_t())
        pthread_rwlock_init(lock, nil)
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deinitialize(count: 1)
        lock.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    /// Calls `body` with the value while nobody changes it. In the caller, so that the value is not copied for it.
    @inlinable
    public func read<Result, Failure: Error>(
        _ body: (borrowing Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lockForReading()
        defer { unlock() }
        return try body(value.pointee)
    }

    @usableFromInline func lockForReading() { pthread_rwlock_rdlock(lock) }
    @usableFromInline func unlock() { pthread_rwlock_unlock(lock) }

    /// Calls `body` with the value, alone. Not reentrant, nor within `read`.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body(&value.pointee)
    }
}
