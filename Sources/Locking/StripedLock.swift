#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A fixed number of mutexes for any number of rows: row i is guarded by mutex i mod n. Who holds one row's keeps
/// off one in n of the others; who holds all of them keeps everybody off.
///
/// On pthread mutexes for the reason that `Lock` gives. Not reentrant.
public final class StripedLock: @unchecked Sendable {
    // Sendable because the pointer never changes, and mutexes are made to be shared.
    private let mutexes: UnsafeMutablePointer<pthread_mutex_t>
    public let stripes: Int

    /// - Parameter stripes: at most 48, because the thread sanitizer follows at most 64 locks that one thread holds.
    public init(stripes: Int) {
        precondition((1...48).contains(stripes))
        self.stripes = stripes
        mutexes = .allocate(capacity: stripes)
        mutexes.initialize(repeating: pthread_mutex_t(), count: stripes)
        for stripe in 0..<stripes { pthread_mutex_init(mutexes + stripe, nil) }
    }

    deinit {
        for stripe in 0..<stripes { pthread_mutex_destroy(mutexes + stripe) }
        mutexes.deinitialize(count: stripes)
        mutexes.deallocate()
    }

    /// Calls `body` while nobody else holds this row's mutex.
    public func withLock<Result>(of row: Int, _ body: () throws -> Result) rethrows -> Result {
        let mutex = mutexes + row % stripes
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Calls `body` while nobody else holds any of them.
    public func withLockOfAll<Result>(_ body: () throws -> Result) rethrows -> Result {
        for stripe in 0..<stripes { pthread_mutex_lock(mutexes + stripe) }
        defer { for stripe in 0..<stripes { pthread_mutex_unlock(mutexes + stripe) } }
        return try body()
    }
}
