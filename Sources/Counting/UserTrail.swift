public import CKernels
package import Learners

/// What a counting model keeps of a user: the last items, and how often each was taken.
///
/// Columns in one block on the heap (`TrailColumns`), 18 bytes an item that was taken and 13 more of who took one again, where
/// a plain structure takes 56. A value: a copy shares the block until one of the two is changed, and nobody changes a block
/// that is shared. That is what `@unchecked Sendable` stands on.
@usableFromInline
package struct UserTrail: Equatable, @unchecked Sendable {
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
        /// After how long it was to be expected again when it was last taken (`UsualWait.byte`).
        package var wait: UInt8 = 0

        package static let noTime = Int64.min
    }

    @usableFromInline private(set) var storage: TrailStorage?

    package init() {}

    /// Oldest first.
    package var recent: RecentItems { RecentItems(storage: storage) }
    /// Ascending by item.
    package var own: OwnItems { OwnItems(storage: storage) }

    /// Events of the user that were counted.
    package var events: Int32 {
        get { storage?.header.events ?? 0 }
        set {
            if newValue == 0, storage == nil { return }
            change { $0.header.pointee.events = newValue }
        }
    }

    package var isEmpty: Bool { events == 0 }

    /// Asks memory for the block's first lines, where the last items are.
    @inlinable
    @inline(__always)
    package func prefetch() {
        guard let storage else { return }
        cache_prefetch(Unmanaged.passUnretained(storage).toOpaque(), Self.prefetchedBytes)
    }

    @inlinable static var prefetchedBytes: Int { 256 }

    /// Bytes on the heap.
    package var bytes: Int { storage.map { TrailLayout($0.header).allocatedBytes } ?? 0 }

    /// The same of a trail that has so many.
    package static func expectedBytes(recent: Int, own: Int) -> Int {
        guard recent + own > 0 else { return 0 }
        var header = TrailHeader()
        header.recentCapacity = UInt16(recent)
        header.ownCapacity = UInt16(TrailLayout.capacity(for: own))
        return TrailLayout(header).allocatedBytes
    }

    @usableFromInline
    package static func == (one: UserTrail, other: UserTrail) -> Bool {
        one.events == other.events && one.recent.elementsEqual(other.recent)
            && one.own.elementsEqual(other.own)
    }

    package func own(_ item: Int32) -> Own? {
        withColumns { columns in
            let place = columns.place(of: item)
            return place < columns.ownCount && columns.item(place) == item ? columns.own(place) : nil
        } ?? nil
    }

    /// Where the item stands with the user now.
    ///
    /// - Parameter time: milliseconds since 1970; `nil` counts in the user's events.
    package func cell(of own: Own, at time: Int64?) -> RetakeTable.Cell {
        RetakeTable.cell(
            weight: own.weight, gap: gap(since: own, at: time), pace: UsualWait.wait(own.wait))
    }

    /// Since the item was last taken, in minutes or in events of the user in between.
    private func gap(since own: Own, at time: Int64?) -> Double {
        guard let time, own.last != Own.noTime else { return Double(events - own.lastEvent - 1) }
        return Double(time - own.last) / 60_000
    }

    /// How long the user has waited for the item, as a logarithm; `nil` where it was not taken before.
    package func wait(for item: Int32, at time: Int64?) -> Float? {
        own(item).flatMap { UsualWait.logarithm(gap(since: $0, at: time)) }
    }

    /// The mean of the user's own waits.
    private static func meanWait(_ own: Own) -> Float? {
        guard own.count > 1 else { return nil }
        let waits = Double(own.count - 1)
        // Of events those in between, as gaps are.
        return own.last == Own.noTime
            ? UsualWait.logarithm(Double(own.lastEvent - own.firstEvent) / waits - 1)
            : UsualWait.logarithm(Double(own.last - own.first) / waits / 60_000)
    }

    /// Counts a taking. Past the bound the item goes that was taken least, the longest ago of those.
    ///
    /// - Parameter itemWait: after how long everybody takes it again, a logarithm; `nil` where that is not known.
    package mutating func take(
        _ item: Int32, at time: Int64?, ordinal: Int64, halfLife: HalfLife, itemWait: Float? = nil
    ) {
        let at = time ?? Own.noTime
        guard var own = own(item) else {
            insert(
                Own(
                    item: item, weight: 1, count: 1, first: at, last: at, firstEvent: events,
                    lastEvent: events, ordinal: ordinal, wait: UsualWait.byte(itemWait)))
            if self.own.count > CounterOptions.ownItemsMax { dropLeast(but: item) }
            return
        }
        let elapsed =
            halfLife.isTimed
            ? (at == Own.noTime || own.last == Own.noTime ? 0 : at - own.last) : ordinal - own.ordinal
        own.weight = own.weight * Float(halfLife.factor(elapsed: elapsed)) + 1
        own.count += 1
        if own.first == Own.noTime { own.first = at }
        own.last = max(own.last, at)
        (own.lastEvent, own.ordinal) = (events, ordinal)
        own.wait = UsualWait.byte(
            UsualWait.expected(own: Self.meanWait(own), ofWaits: Int(own.count) - 1, item: itemWait))
        reserve(own: self.own.count, recent: recent.count, TrailForm(of: own))
        change { columns in columns.write(own, at: columns.place(of: item)) }
    }

    private mutating func dropLeast(but item: Int32) {
        let own = own
        let least = own.indices.filter { own[$0].item != item }.min {
            let (one, other) = (own[$0], own[$1])
            return (one.weight, one.ordinal) < (other.weight, other.ordinal)
        }
        if let least { change { $0.removeOwn(least) } }
    }

    /// Makes room for so many at once, as far as a narrow form does.
    mutating func expect(recent: Int, own: Int) { reserve(own: own, recent: recent, []) }

    /// - Precondition: the trail has nothing of the item.
    mutating func insert(_ own: Own) {
        reserve(own: self.own.count + 1, recent: recent.count, TrailForm(of: own))
        change { $0.insert(own) }
    }

    package mutating func follow(_ item: Int32, limit: Int) {
        guard limit > 0 else { return }
        if recent.count >= limit { change { $0.removeRecent(first: $0.recentCount - limit + 1) } }
        reserve(own: own.count, recent: recent.count + 1, [])
        change { $0.appendRecent(item) }
    }

    /// The user took it back.
    package mutating func forget(_ item: Int32) {
        guard storage != nil else { return }
        change { columns in
            columns.removeRecent(equal: item)
            let place = columns.place(of: item)
            if place < columns.ownCount, columns.item(place) == item { columns.removeOwn(place) }
        }
    }
}

extension UserTrail {
    /// The last items, oldest first.
    package struct RecentItems: RandomAccessCollection, @unchecked Sendable {
        // It holds the block, which nobody changes meanwhile.
        fileprivate let storage: TrailStorage?
        package var startIndex: Int { 0 }
        package var endIndex: Int { Int(storage?.header.recentCount ?? 0) }
        package subscript(place: Int) -> Int32 {
            precondition(indices.contains(place))
            return storage.map { $0.withUnsafeMutablePointers { TrailColumns($0, $1).recent[place] } } ?? 0
        }
    }

    /// What was taken, ascending by item.
    package struct OwnItems: RandomAccessCollection, @unchecked Sendable {
        fileprivate let storage: TrailStorage?
        package var startIndex: Int { 0 }
        package var endIndex: Int { Int(storage?.header.ownCount ?? 0) }
        package subscript(place: Int) -> Own {
            guard let storage else { preconditionFailure("an empty trail has no items") }
            precondition(indices.contains(place))
            return storage.withUnsafeMutablePointers { TrailColumns($0, $1).own(place) }
        }
    }

    private func withColumns<Result>(_ body: (TrailColumns) -> Result) -> Result? {
        storage?.withUnsafeMutablePointers { body(TrailColumns($0, $1)) }
    }

    /// Calls `body` with columns that nobody else has.
    private mutating func change(_ body: (TrailColumns) -> Void) {
        if storage == nil || !isKnownUniquelyReferenced(&storage) {
            reshape(storage?.header ?? TrailHeader())
        }
        storage?.withUnsafeMutablePointers { body(TrailColumns($0, $1)) }
    }

    /// Makes room, in a form that holds `form` too.
    private mutating func reserve(own: Int, recent: Int, _ form: TrailForm) {
        var wanted = storage?.header ?? TrailHeader()
        let isEnough =
            wanted.form.isSuperset(of: form) && own <= wanted.ownCapacity && recent <= wanted.recentCapacity
        guard !isEnough else { return }
        wanted.form.formUnion(form)
        if own > wanted.ownCapacity {
            wanted.ownCapacity = UInt16(min(Int(UInt16.max), TrailLayout.capacity(for: own)))
        }
        wanted.recentCapacity = max(wanted.recentCapacity, UInt16(recent))
        reshape(wanted)
    }

    /// The same in a block of its own, of another shape.
    private mutating func reshape(_ header: TrailHeader) {
        let block = TrailStorage.create(minimumCapacity: TrailLayout(header).words) { _ in header }
        block.withUnsafeMutablePointerToElements {
            $0.initialize(repeating: 0, count: TrailLayout(header).words)
        }
        storage?.withUnsafeMutablePointers { oldHeader, oldElements in
            let old = TrailColumns(oldHeader, oldElements)
            block.withUnsafeMutablePointers { newHeader, newElements in
                TrailColumns(newHeader, newElements).copy(old)
            }
        }
        storage = block
    }
}
