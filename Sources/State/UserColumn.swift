/// A shard's users by local row, at an address that changes with `grow` alone.
///
/// Guarded by its shard (`UserShard`). An array would not do: a look-up that reads an element holds the whole array for
/// a moment, and learning would then copy it all for its next write.
@usableFromInline
package final class UserColumn: RandomAccessCollection, @unchecked Sendable {
    @usableFromInline package private(set) var count = 0
    @usableFromInline var users: UnsafeMutablePointer<UserState> = .allocate(capacity: 0)

    deinit {
        users.deinitialize(count: count)
        users.deallocate()
    }

    @inlinable package var startIndex: Int { 0 }
    @inlinable package var endIndex: Int { count }
    package var bytes: Int { count * MemoryLayout<UserState>.stride }

    /// Adds rows that belong to nobody.
    package func grow(to newCount: Int) {
        guard newCount > count else { return }
        let grown = UnsafeMutablePointer<UserState>.allocate(capacity: newCount)
        grown.moveInitialize(from: users, count: count)
        (grown + count).initialize(repeating: UserState(), count: newCount - count)
        users.deallocate()
        (users, count) = (grown, newCount)
    }

    /// In place, as the standard library's own pointers give it: a history must not be copied to be written.
    @inlinable
    package subscript(local: Int) -> UserState {
        @inline(__always) unsafeAddress {
            assert(indices.contains(local))
            return UnsafePointer(users + local)
        }
        @inline(__always) unsafeMutableAddress {
            assert(indices.contains(local))
            return users + local
        }
    }
}
