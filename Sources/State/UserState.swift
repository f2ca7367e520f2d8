package import Events
package import Histories

/// A user as the shard keeps it: 96 bytes for each there is, and so without what few have (`UserExtras`).
@usableFromInline
package struct UserState {
    /// Kept here too, so that a look-up that comes while the user is forgotten and the row given to another does not
    /// answer with the other's taste.
    package var id: EntityID?
    package var history = History()
    /// Stands here because the history leaves half a word.
    @usableFromInline var ratingCount: Int32 = 0
    /// Of hidden items, marks and tags; `nil` of nearly everybody.
    @usableFromInline var box: UserExtrasBox?
    /// Σ(r − μ − b_i) of the means baseline, over `ratings`.
    package var residualSum = 0.0
    package var nextOrder: UInt32 = 0
    /// `nextOrder` as it was when the segment began whose first event has the ordinal `segment`.
    package var segmentOrder: UInt32 = 0
    package var segment: Int64 = 0
    /// The ordinal, over the whole life of the state, of the user's last event.
    package var lastEvent: Int64 = 0

    package init() {}

    /// Bytes on the heap.
    package var heapBytes: Int {
        history.bytes + (box?.bytes ?? 0) + (id.map { AllocatedBytes.ofText($0.string) } ?? 0)
    }

    /// How many of the history's entries are ratings.
    @inlinable package var ratings: Int {
        get { Int(ratingCount) }
        set { ratingCount = Int32(clamping: newValue) }
    }

    /// Whether anything is hidden, marked or tagged: one look, which says no of nearly everybody.
    @inlinable package var hasExtras: Bool { box != nil }

    /// Whether the row belongs to anybody.
    @usableFromInline package var isSomebody: Bool { id != nil }

    /// A user who came just now.
    package init(id: EntityID) {
        self.id = id
    }
}

extension UserState {
    /// The place of a user's event among those of one segment, where several shards learn and they may come out of
    /// order: the segment is known by the ordinal of its first event.
    package typealias Place = (segment: Int64, index: UInt32)

    /// The order of the event that is being learned among all of this user's, in the log's sense.
    ///
    /// - Parameter place: `nil` where events come in the log's order anyway.
    package mutating func takeOrder(at place: Place?) -> UInt32 {
        guard let place else {
            nextOrder &+= 1
            return nextOrder &- 1
        }
        if segment != place.segment { (segment, segmentOrder) = (place.segment, nextOrder) }
        let order = segmentOrder &+ place.index
        nextOrder = max(nextOrder, order &+ 1)
        return order
    }
}
