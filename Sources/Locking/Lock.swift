// Locking: who may touch a value, and which thread goes first.
//
// Here live the locks (one for all, readers beside one another, striped by key) that the thread sanitizer understands,
// and the priorities of threads. Any value may come in. What never comes in: what the value means. It imports no other
// room.

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A value behind a mutex.
///
/// What `Synchronization.Mutex` is, on a pthread mutex: the thread sanitizer knows those. The standard library's own
/// waits in a futex inside a library that is not instrumented, and each contended use of it is reported as a race.
public final class Lock<Value>: @unchecked Sendable {
    // Sendable because `value` is reached through `withLock` alone, under `mutex`. The mutex has storage of its own
    // because it must not move.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    public init(_ value: consuming sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    /// Calls `body` with the value, alone. Not reentrant.
    public func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
