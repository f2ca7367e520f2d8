/// What users did with items, by dense row numbers: parallel arrays of one entry per event.
///
/// For a rating learner the value is the rating. For a ranking learner every entry is an item taken and the value its
/// weight, 1 for a liked rating; what was rated and not liked does not belong in it.
public struct Interactions: Sendable, Equatable {
    public let userCount: Int
    public let itemCount: Int
    public let users: [Int32]
    public let items: [Int32]
    public let values: [Float]
    /// Any unit that grows; a learner that weighs by recency goes by their order.
    public let times: [Int64]

    public var count: Int { users.count }

    /// All arrays have one entry per event; `users` are below `userCount` and `items` below `itemCount`.
    public init(
        userCount: Int, itemCount: Int, users: [Int32], items: [Int32], values: [Float], times: [Int64]
    ) {
        precondition(items.count == users.count && values.count == users.count && times.count == users.count)
        precondition(users.allSatisfy { $0 >= 0 && Int($0) < userCount })
        precondition(items.allSatisfy { $0 >= 0 && Int($0) < itemCount })
        (self.userCount, self.itemCount) = (userCount, itemCount)
        (self.users, self.items, self.values, self.times) = (users, items, values, times)
    }

    /// The events for which `isIncluded` holds, of the same users and items.
    public func filter(_ isIncluded: (_ index: Int) -> Bool) -> Interactions {
        let kept = users.indices.filter(isIncluded)
        return Interactions(
            userCount: userCount, itemCount: itemCount, users: kept.map { users[$0] },
            items: kept.map { items[$0] }, values: kept.map { values[$0] }, times: kept.map { times[$0] })
    }

    /// The same events with other values.
    public func mapValues(_ transform: (Float) -> Float) -> Interactions {
        Interactions(
            userCount: userCount, itemCount: itemCount, users: users, items: items,
            values: values.map(transform), times: times)
    }

    public enum Side: Sendable { case user, item }

    /// The events of each user, or of each item, side by side.
    public func grouped(by side: Side, order: GroupedInteractions.Order = .row) -> GroupedInteractions {
        GroupedInteractions(self, by: side, order: order)
    }
}

/// Interactions in compressed rows: the events of one user, or of one item, are a range of the arrays.
public struct GroupedInteractions: Sendable {
    /// Within a group.
    public enum Order: Sendable {
        /// By the row number of the other side, for `contains`.
        case row
        /// By time, the oldest first; events of one time in the order given.
        case time
    }

    /// Where each group starts; one more than there are groups.
    public let starts: [Int]
    /// Row numbers of the other side.
    public let others: [Int32]
    public let values: [Float]
    public let order: Order

    init(_ interactions: Interactions, by side: Interactions.Side, order: Order) {
        let (own, other) =
            side == .user
            ? (interactions.users, interactions.items) : (interactions.items, interactions.users)
        let groups = side == .user ? interactions.userCount : interactions.itemCount
        var counts = [Int](repeating: 0, count: groups + 1)
        for row in own { counts[Int(row) + 1] += 1 }
        for group in 0..<groups { counts[group + 1] += counts[group] }
        var next = counts
        var places = [Int32](repeating: 0, count: own.count)
        for index in own.indices {
            places[next[Int(own[index])]] = Int32(index)
            next[Int(own[index])] += 1
        }
        let times = interactions.times
        for group in 0..<groups {
            switch order {
            case .row:
                places[counts[group]..<counts[group + 1]].sort { other[Int($0)] < other[Int($1)] }
            case .time:
                places[counts[group]..<counts[group + 1]].sort {
                    (times[Int($0)], $0) < (times[Int($1)], $1)
                }
            }
        }
        starts = counts
        others = places.map { other[Int($0)] }
        values = places.map { interactions.values[Int($0)] }
        self.order = order
    }

    public var groups: Int { starts.count - 1 }

    /// Places of the group's events in `others` and `values`.
    @inline(__always)
    public func range(_ group: Int) -> Range<Int> { starts[group]..<starts[group + 1] }

    /// Whether the group has an event with this row of the other side; the order has to be `row`.
    @inline(__always)
    public func contains(_ group: Int, _ other: Int32) -> Bool {
        others.withUnsafeBufferPointer { others in
            var (low, high) = (starts[group], starts[group + 1])
            while low < high {
                let middle = (low + high) / 2
                if others[middle] < other { low = middle + 1 } else { high = middle }
            }
            return low < starts[group + 1] && others[low] == other
        }
    }
}
