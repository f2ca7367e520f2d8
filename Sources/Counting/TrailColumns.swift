internal import Histories

/// What stands before a trail's columns.
@usableFromInline
struct TrailHeader: BitwiseCopyable {
    var events: Int32 = 0
    var recentCount: UInt16 = 0
    var recentCapacity: UInt16 = 0
    var ownCount: UInt16 = 0
    var ownCapacity: UInt16 = 0
    var form: TrailForm = []
}

/// How wide a trail's columns are: as narrow as its own entries allow, without loss.
///
/// | column | bytes, narrow and wide |
/// | --- | --- |
/// | item | 4 |
/// | last time | 4 + 2, or 8 |
/// | ordinal | 4 + 1, or 8 |
/// | event that took it last | 2, or 4 |
/// | expected wait | 1 |
/// | and where an item was taken again: weight, count | 4 + 4 |
/// | first time | 4 + 2, or 8 |
/// | event that took it first | 2, or 4 |
struct TrailForm: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    static let wide = TrailForm(rawValue: 1)
    static let takenAgain = TrailForm(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What holds this.
    init(of own: UserTrail.Own) {
        self = []
        let isNarrow =
            Self.isNarrow(own.last) && Self.isNarrow(own.first) && own.ordinal >> 40 == 0
            && UInt16(exactly: own.lastEvent) != nil && UInt16(exactly: own.firstEvent) != nil
        if !isNarrow { insert(.wide) }
        let isOnce =
            own.weight.bitPattern == Float(1).bitPattern && own.count == 1 && own.first == own.last
            && own.firstEvent == own.lastEvent
        if !isOnce { insert(.takenAgain) }
    }

    /// In place of a time's high half, of a time that there is not.
    static let noTime = UInt16.max

    private static func isNarrow(_ time: Int64) -> Bool {
        time == UserTrail.Own.noTime || (time >= 0 && time >> 32 < Int64(noTime))
    }
}

@usableFromInline
typealias TrailStorage = ManagedBuffer<TrailHeader, UInt64>

/// Where a trail's columns lie: widest first, so that each is aligned.
struct TrailLayout {
    let recent: Int
    let own: Int
    let form: TrailForm

    init(_ header: TrailHeader) {
        (recent, own, form) = (Int(header.recentCapacity), Int(header.ownCapacity), header.form)
    }

    private var again: Int { form.contains(.takenAgain) ? own : 0 }
    private var isWide: Bool { form.contains(.wide) }

    // In bytes from the first element on.
    var items: Int { recent * 4 }
    var lastLow: Int { items + own * 4 }
    var ordinalLow: Int { lastLow + own * 4 }
    var weights: Int { ordinalLow + own * 4 }
    var counts: Int { weights + again * 4 }
    var firstLow: Int { counts + again * 4 }
    var lastHigh: Int { firstLow + again * 4 }
    var lastEvents: Int { lastHigh + own * (isWide ? 4 : 2) }
    var firstHigh: Int { lastEvents + own * (isWide ? 4 : 2) }
    var firstEvents: Int { firstHigh + again * (isWide ? 4 : 2) }
    var ordinalHigh: Int { firstEvents + again * (isWide ? 4 : 2) }
    var expectedWaits: Int { ordinalHigh + own * (isWide ? 4 : 1) }
    private var end: Int { expectedWaits + own }

    var words: Int { (end + 7) / 8 }

    /// What the allocator takes for it: object, header, elements.
    var allocatedBytes: Int { AllocatedBytes.ofBlock(16 + MemoryLayout<TrailHeader>.stride + words * 8) }

    /// By a quarter, so that little stands empty.
    static func capacity(for count: Int) -> Int { count + count / 4 }

    /// Calls `body` with where each column of what was taken begins, and its bytes an entry.
    @inline(__always)
    func forEachColumn(_ body: (_ start: Int, _ bytes: Int) -> Void) {
        let half = isWide ? 4 : 2
        body(items, 4)
        body(lastLow, 4)
        body(ordinalLow, 4)
        body(lastHigh, half)
        body(lastEvents, half)
        body(ordinalHigh, isWide ? 4 : 1)
        body(expectedWaits, 1)
        guard again > 0 else { return }
        body(weights, 4)
        body(counts, 4)
        body(firstLow, 4)
        body(firstHigh, half)
        body(firstEvents, half)
    }
}

/// The columns of one trail, for the length of one call: whoever makes them keeps the block alive meanwhile, which is what
/// guards the pointers. Each part of the block is only ever bound to its own type; places are checked in debug builds.
struct TrailColumns {
    let header: UnsafeMutablePointer<TrailHeader>
    private let layout: TrailLayout
    private let start: UnsafeMutableRawPointer

    init(_ header: UnsafeMutablePointer<TrailHeader>, _ elements: UnsafeMutablePointer<UInt64>) {
        self.header = header
        layout = TrailLayout(header.pointee)
        start = UnsafeMutableRawPointer(elements)
    }

    var ownCount: Int { Int(header.pointee.ownCount) }
    var recentCount: Int { Int(header.pointee.recentCount) }
    private var isWide: Bool { layout.form.contains(.wide) }

    @inline(__always)
    private func column<Value: BitwiseCopyable>(
        _ offset: Int, _ type: Value.Type
    ) -> UnsafeMutablePointer<Value> {
        (start + offset).assumingMemoryBound(to: type)
    }

    // MARK: - The last items

    var recent: UnsafeMutablePointer<Int32> { column(0, Int32.self) }

    func appendRecent(_ item: Int32) {
        assert(recentCount < layout.recent)
        recent[recentCount] = item
        header.pointee.recentCount += 1
    }

    func removeRecent(first count: Int) {
        let left = recentCount - count
        for place in 0..<left { recent[place] = recent[place + count] }
        header.pointee.recentCount = UInt16(left)
    }

    func removeRecent(equal item: Int32) {
        var left = 0
        for place in 0..<recentCount where recent[place] != item {
            recent[left] = recent[place]
            left += 1
        }
        header.pointee.recentCount = UInt16(left)
    }

    // MARK: - What was taken

    @inline(__always)
    func item(_ place: Int) -> Int32 {
        assert(place < ownCount)
        return column(layout.items, Int32.self)[place]
    }

    /// Where the item stands, or would.
    func place(of item: Int32) -> Int {
        var (low, high) = (0, ownCount)
        while low < high {
            let middle = (low + high) / 2
            if self.item(middle) < item { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func own(_ place: Int) -> UserTrail.Own {
        let last = time(layout.lastLow, layout.lastHigh, place)
        let lastEvent = event(layout.lastEvents, place)
        let low = Int64(column(layout.ordinalLow, UInt32.self)[place])
        let high =
            isWide
            ? Int64(column(layout.ordinalHigh, Int32.self)[place])
            : Int64(column(layout.ordinalHigh, UInt8.self)[place])
        var own = UserTrail.Own(
            item: item(place), weight: 1, count: 1, first: last, last: last, firstEvent: lastEvent,
            lastEvent: lastEvent, ordinal: high << 32 | low,
            wait: column(layout.expectedWaits, UInt8.self)[place])
        guard layout.form.contains(.takenAgain) else { return own }
        own.weight = column(layout.weights, Float.self)[place]
        own.count = column(layout.counts, Int32.self)[place]
        own.first = time(layout.firstLow, layout.firstHigh, place)
        own.firstEvent = event(layout.firstEvents, place)
        return own
    }

    func write(_ own: UserTrail.Own, at place: Int) {
        assert(place < layout.own && layout.form.isSuperset(of: TrailForm(of: own)))
        column(layout.items, Int32.self)[place] = own.item
        write(own.last, layout.lastLow, layout.lastHigh, place)
        write(own.lastEvent, layout.lastEvents, place)
        column(layout.ordinalLow, UInt32.self)[place] = UInt32(truncatingIfNeeded: own.ordinal)
        if isWide {
            column(layout.ordinalHigh, Int32.self)[place] = Int32(truncatingIfNeeded: own.ordinal >> 32)
        } else {
            column(layout.ordinalHigh, UInt8.self)[place] = UInt8(truncatingIfNeeded: own.ordinal >> 32)
        }
        column(layout.expectedWaits, UInt8.self)[place] = own.wait
        guard layout.form.contains(.takenAgain) else { return }
        column(layout.weights, Float.self)[place] = own.weight
        column(layout.counts, Int32.self)[place] = own.count
        write(own.first, layout.firstLow, layout.firstHigh, place)
        write(own.firstEvent, layout.firstEvents, place)
    }

    func insert(_ own: UserTrail.Own) {
        let place = place(of: own.item)
        let after = ownCount - place
        layout.forEachColumn { offset, bytes in
            (start + offset + (place + 1) * bytes).copyMemory(
                from: start + offset + place * bytes, byteCount: after * bytes)
        }
        header.pointee.ownCount += 1
        write(own, at: place)
    }

    func removeOwn(_ place: Int) {
        let after = ownCount - place - 1
        layout.forEachColumn { offset, bytes in
            (start + offset + place * bytes).copyMemory(
                from: start + offset + (place + 1) * bytes, byteCount: after * bytes)
        }
        header.pointee.ownCount -= 1
    }

    /// Takes over all that another has, whose form this one's holds.
    func copy(_ other: TrailColumns) {
        recent.update(from: other.recent, count: other.recentCount)
        header.pointee.recentCount = other.header.pointee.recentCount
        header.pointee.ownCount = other.header.pointee.ownCount
        for place in 0..<other.ownCount { write(other.own(place), at: place) }
    }

    // MARK: - Parts

    private func time(_ low: Int, _ high: Int, _ place: Int) -> Int64 {
        let bits = Int64(column(low, UInt32.self)[place])
        if isWide { return Int64(column(high, Int32.self)[place]) << 32 | bits }
        let half = column(high, UInt16.self)[place]
        return half == TrailForm.noTime ? UserTrail.Own.noTime : Int64(half) << 32 | bits
    }

    private func write(_ time: Int64, _ low: Int, _ high: Int, _ place: Int) {
        column(low, UInt32.self)[place] = UInt32(truncatingIfNeeded: time)
        if isWide {
            column(high, Int32.self)[place] = Int32(truncatingIfNeeded: time >> 32)
        } else {
            column(high, UInt16.self)[place] =
                time == UserTrail.Own.noTime ? TrailForm.noTime : UInt16(truncatingIfNeeded: time >> 32)
        }
    }

    private func event(_ offset: Int, _ place: Int) -> Int32 {
        isWide ? column(offset, Int32.self)[place] : Int32(column(offset, UInt16.self)[place])
    }

    private func write(_ event: Int32, _ offset: Int, _ place: Int) {
        if isWide {
            column(offset, Int32.self)[place] = event
        } else {
            column(offset, UInt16.self)[place] = UInt16(truncatingIfNeeded: event)
        }
    }
}
