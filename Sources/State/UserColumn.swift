public import CKernels
internal import Factors

/// A shard's users by local row, at an address that changes with `grow` alone.
///
/// Guarded by its shard (`UserShard`). An array would not do: a look-up that reads an element holds the whole array for
/// a moment, and learning would then copy it all for its next write.
@usableFromInline
package final class UserColumn: RandomAccessCollection, @unchecked Sendable {
    @exclusivity(unchecked) @usableFromInline package private(set) var count = 0
    private var userBlock = GrowingBlock()
    private var markBlock = GrowingBlock()
    @exclusivity(unchecked) @usableFromInline var users: UnsafeMutablePointer<UserState>
    /// Beside the users rather than in them: a checkpoint begins with a pass over all of these.
    @exclusivity(unchecked) @usableFromInline var marks: UnsafeMutablePointer<UInt8>

    /// What a checkpoint has to know of a user.
    @usableFromInline
    package struct Mark: OptionSet, Sendable {
        @usableFromInline package let rawValue: UInt8
        @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Changed since the last checkpoint began.
        package static let unsaved = Mark(rawValue: 2)
        /// Was so when the checkpoint began that is being written.
        package static let frozen = Mark(rawValue: 4)
        /// Has a row in one of the tables that was.
        package static let rowsFrozen = Mark(rawValue: 8)
        /// Either of these, and not yet copied: what changes the user has to copy it first.
        @usableFromInline package static var waiting: Mark { Mark(rawValue: 16) }
    }

    package init() {
        users = userBlock.start.assumingMemoryBound(to: UserState.self)
        marks = markBlock.start.assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        users.deinitialize(count: count)
        userBlock.free()
        markBlock.free()
    }

    @inlinable package var startIndex: Int { 0 }
    @inlinable package var endIndex: Int { count }
    package static var bytesPerUser: Int { MemoryLayout<UserState>.stride + 1 }
    package var bytes: Int { count * Self.bytesPerUser }

    /// Adds rows that belong to nobody.
    package func grow(to newCount: Int) {
        guard newCount > count else { return }
        // Users move with the bytes that they are made of.
        userBlock.reserve(newCount * MemoryLayout<UserState>.stride)
        markBlock.reserve(newCount)
        users = userBlock.start.assumingMemoryBound(to: UserState.self)
        marks = markBlock.start.assumingMemoryBound(to: UInt8.self)
        (users + count).initialize(repeating: UserState(), count: newCount - count)
        count = newCount
    }

    /// Where the user lies: valid while the user's lock is held.
    func address(of local: Int) -> UnsafePointer<UserState> {
        assert(indices.contains(local))
        return UnsafePointer(users + local)
    }

    /// Asks memory for the user, who is looked at a little later.
    @inlinable
    package func prefetch(_ local: Int) {
        assert(indices.contains(local))
        cache_prefetch(users + local, MemoryLayout<UserState>.stride)
        cache_prefetch(marks + local, 1)
    }

    /// The user is to be written with the next checkpoint.
    package func markUnsaved(_ local: Int) { marks[local] |= Mark.unsaved.rawValue }

    package func mark(_ local: Int) -> Mark { Mark(rawValue: marks[local]) }

    package func clear(_ mark: Mark, at local: Int) { marks[local] &= ~mark.rawValue }

    @inlinable
    @inline(__always)
    func isWaiting(_ local: Int) -> Bool { marks[local] & Mark.waiting.rawValue != 0 }

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
