package import Learners

/// What a counting model keeps of a user: the last items, and how often each was taken.
package struct UserTrail: Equatable, Sendable {
    package struct Own: Equatable, Sendable {
        package var item: Int32
        /// Takings, faded, and all of them.
        package var weight: Float
        package var count: Int32
        /// Milliseconds since 1970 of the first and the last; `noTime` where the events have none.
        package var first: Int64
        package var last: Int64
        /// Number of the user's event that took it first, and last.
        package var firstEvent: Int32
        package var lastEvent: Int32
        /// Ordinal in the stream of the last.
        package var ordinal: Int64

        package static let noTime = Int64.min
    }

    /// Oldest first.
    package var recent: [Int32] = []
    /// Ascending by item.
    package var own: [Own] = []
    /// Events of the user that were counted.
    package var events: Int32 = 0

    package init() {}

    package var isEmpty: Bool { events == 0 }
    /// Bytes on the heap, an array's own words among them.
    package var bytes: Int {
        (recent.capacity > 0 ? Self.arrayBytes + recent.capacity * MemoryLayout<Int32>.stride : 0)
            + (own.capacity > 0 ? Self.arrayBytes + own.capacity * MemoryLayout<Own>.stride : 0)
    }

    private static let arrayBytes = 48

    package func own(_ item: Int32) -> Own? {
        let place = place(of: item)
        return place < own.count && own[place].item == item ? own[place] : nil
    }

    /// Where the item stands with the user now.
    ///
    /// - Parameter time: milliseconds since 1970; `nil` counts in the user's events.
    package func cell(of own: Own, at time: Int64?) -> RetakeTable.Cell {
        if let time, own.last != Own.noTime {
            let pace = own.count > 1 ? Double(own.last - own.first) / Double(own.count - 1) / 60_000 : nil
            return RetakeTable.cell(
                weight: own.weight, gap: Double(time - own.last) / 60_000, pace: pace)
        }
        let pace =
            own.count > 1 ? Double(own.lastEvent - own.firstEvent) / Double(own.count - 1) : nil
        return RetakeTable.cell(weight: own.weight, gap: Double(events - own.lastEvent - 1), pace: pace)
    }

    /// Counts a taking. Past the bound the item goes that was taken least, the longest ago of those.
    package mutating func take(_ item: Int32, at time: Int64?, ordinal: Int64, halfLife: HalfLife) {
        let (at, place) = (time ?? Own.noTime, place(of: item))
        if place < own.count, own[place].item == item {
            let before = own[place]
            let elapsed =
                halfLife.isTimed
                ? (at == Own.noTime || before.last == Own.noTime ? 0 : at - before.last)
                : ordinal - before.ordinal
            own[place].weight = before.weight * Float(halfLife.factor(elapsed: elapsed)) + 1
            own[place].count += 1
            if before.first == Own.noTime { own[place].first = at }
            own[place].last = max(before.last, at)
            own[place].lastEvent = events
            own[place].ordinal = ordinal
        } else {
            own.insert(
                Own(
                    item: item, weight: 1, count: 1, first: at, last: at, firstEvent: events,
                    lastEvent: events, ordinal: ordinal), at: place)
            guard own.count > CounterOptions.ownItemsMax,
                let least = own.indices.filter({ own[$0].item != item }).min(by: {
                    (own[$0].weight, own[$0].ordinal) < (own[$1].weight, own[$1].ordinal)
                })
            else { return }
            own.remove(at: least)
        }
    }

    package mutating func follow(_ item: Int32, limit: Int) {
        recent.append(item)
        if recent.count > limit { recent.removeFirst(recent.count - limit) }
    }

    /// The user took it back.
    package mutating func forget(_ item: Int32) {
        recent.removeAll { $0 == item }
        let place = place(of: item)
        if place < own.count, own[place].item == item { own.remove(at: place) }
    }

    private func place(of item: Int32) -> Int {
        var (low, high) = (0, own.count)
        while low < high {
            let middle = (low + high) / 2
            if own[middle].item < item { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
