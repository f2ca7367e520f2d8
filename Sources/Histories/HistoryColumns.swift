/// What stands before a history's columns.
@usableFromInline
struct HistoryHeader: BitwiseCopyable {
    /// Entries that there is room for.
    var capacity: UInt32
    /// Entries that stand in the columns, those removed and not yet cleared away included.
    var slots: UInt32 = 0
    /// Of them, how many were removed.
    var removed: UInt32 = 0
    var form: HistoryForm
}

/// The one block on the heap that a history has: header, filter, runs and agenda (in larger ones), and the columns.
@usableFromInline
typealias HistoryStorage = ManagedBuffer<HistoryHeader, UInt64>

/// Where in a history's block everything lies: filter words, then `HistoryRuns` and the agenda where there are any, then
/// the columns, widest first, so that each is aligned.
struct HistoryLayout {
    /// Up to so many entries one word, which lies in the history itself, is filter enough.
    static let wordFilterMax = 16
    /// Up to so many entries stand as they came: an entry is put behind the others, and one is found by looking at all,
    /// several at a time and without a branch.
    static let unsortedMax = 64
    /// Bits of the filter an entry that there is room for.
    private static let filterBits = 12
    /// One entry in so many is on the agenda.
    private static let agendaPart = 16

    let capacity: Int
    let form: HistoryForm

    @inline(__always) var filterWords: Int {
        capacity <= Self.wordFilterMax ? 0 : (capacity * Self.filterBits + 63) / 64
    }
    @inline(__always) var hasRuns: Bool { capacity > Self.unsortedMax }
    /// Entries that the agenda has room for; even, so that what follows is aligned.
    @inline(__always) var agendaLength: Int { hasRuns ? (capacity / Self.agendaPart + 1) & ~1 : 0 }
    @inline(__always) private var runsBytes: Int { hasRuns ? MemoryLayout<HistoryRuns>.stride : 0 }

    // In bytes from the first element on. Inlined, because each is the sum of those before it.
    @inline(__always) var runs: Int { filterWords * 8 }
    @inline(__always) var agenda: Int { runs + runsBytes }
    @inline(__always) var items: Int { agenda + agendaLength * 4 }
    @inline(__always) var lowTimes: Int { items + capacity * 4 }
    @inline(__always) var wideValues: Int { lowTimes + capacity * 4 }
    @inline(__always) var wideHighTimes: Int { wideValues + (form.valueIsWide ? capacity * 4 : 0) }
    @inline(__always) var orders: Int { wideHighTimes + (form.highTime == .whole ? capacity * 4 : 0) }
    @inline(__always) var eraTimes: Int { orders + capacity * (form.orderIsWide ? 4 : 2) }
    @inline(__always) var codes: Int { eraTimes + (form.highTime == .era ? capacity : 0) }
    // Of those who came to an item more than once; last, so that where the others lie does not depend on them.
    var firstSignals: Int { form.hasTallies ? (codes + capacity + 3) & ~3 : codes + capacity }
    var lastSignals: Int { firstSignals + (form.hasTallies ? capacity * 4 : 0) }
    var fadedWeights: Int { lastSignals + (form.hasLastSignals ? capacity * 4 : 0) }
    var weights: Int { fadedWeights + (form.hasFadedWeights ? capacity * 4 : 0) }
    var signalCounts: Int {
        weights + (form.hasTallies ? capacity * (form.weightIsWide ? 4 : 2) : 0)
    }
    private var end: Int { signalCounts + (form.hasTallies ? capacity * 2 : 0) }

    /// Elements of the block.
    var words: Int { (end + 7) / 8 }

    /// Bytes that the block takes of the allocator: object, header, elements, and its rounding.
    var bytes: Int { AllocatedBytes.ofBlock(16 + MemoryLayout<HistoryHeader>.stride + words * 8) }

    /// The next greater capacity: by an eighth, so that little stands empty and each entry moves eight times at most.
    static func capacity(after capacity: Int) -> Int {
        let step = capacity < unsortedMax ? 4 : 16
        return (capacity + max(step, capacity / 8) + step - 1) / step * step
    }

    /// The least that holds `count` with some to spare.
    static func capacity(for count: Int) -> Int {
        let step = count <= unsortedMax ? 4 : 16
        return max(step, (count + (count > unsortedMax ? count / 16 : 0) + step - 1) / step * step)
    }
}

/// A larger history's entries as sorted runs, each some sixteen times the next and behind it, and the newest entries, few
/// and as they came: a log-structured merge tree (O'Neil et al. 1996) in one array.
struct HistoryRuns: BitwiseCopyable {
    /// Where the runs end, the shortest first. Entries from `ends.0` on are the newest.
    var ends: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    /// Of the agenda: the next to be asked for, and how many there are.
    var next: UInt32 = 0
    var count: UInt32 = 0
    /// The order of the last on the agenda: whatever has an order up to it is on the agenda.
    var threshold: UInt32 = 0
    private var padding: UInt32 = 0

    static let levels = 4

    /// Entries that a level may have, the levels below it included.
    static func limit(_ level: Int) -> Int { HistoryLayout.unsortedMax << (4 * level) }

    subscript(level: Int) -> Int {
        @inline(__always) get {
            switch level {
            case 1: Int(ends.0)
            case 2: Int(ends.1)
            case 3: Int(ends.2)
            case 4: Int(ends.3)
            default: 0
            }
        }
        set {
            switch level {
            case 1: ends.0 = UInt32(newValue)
            case 2: ends.1 = UInt32(newValue)
            case 3: ends.2 = UInt32(newValue)
            default: ends.3 = UInt32(newValue)
            }
        }
    }
}

/// The columns of one history, for the length of one call of `History.withColumns`, which keeps the block alive: that is
/// what guards the pointers. Slots are checked in debug builds.
struct HistoryColumns {
    let header: UnsafeMutablePointer<HistoryHeader>
    let layout: HistoryLayout
    let filter: UnsafeMutablePointer<UInt64>
    let items: UnsafeMutablePointer<Int32>
    private let start: UnsafeMutableRawPointer

    @inline(__always)
    init(_ header: UnsafeMutablePointer<HistoryHeader>, _ elements: UnsafeMutablePointer<UInt64>) {
        self.header = header
        layout = HistoryLayout(capacity: Int(header.pointee.capacity), form: header.pointee.form)
        filter = elements
        start = UnsafeMutableRawPointer(elements)
        // The block's elements are words; each part of it is only ever bound to its own type.
        items = (start + layout.items).assumingMemoryBound(to: Int32.self)
    }

    @inline(__always)
    private func column<Value>(_ offset: Int, of type: Value.Type) -> UnsafeMutablePointer<Value> {
        (start + offset).assumingMemoryBound(to: type)
    }

    @inline(__always) var slots: Int { Int(header.pointee.slots) }
    @inline(__always) var codes: UnsafeMutablePointer<UInt8> { column(layout.codes, of: UInt8.self) }
    /// Only where the layout has runs.
    @inline(__always) var runs: UnsafeMutablePointer<HistoryRuns> {
        column(layout.runs, of: HistoryRuns.self)
    }
    var agenda: UnsafeMutablePointer<Int32> { column(layout.agenda, of: Int32.self) }

    @inline(__always)
    func order(_ slot: Int) -> UInt32 {
        layout.form.orderIsWide
            ? column(layout.orders, of: UInt32.self)[slot]
            : UInt32(column(layout.orders, of: UInt16.self)[slot])
    }

    @inline(__always) func isRemoved(_ slot: Int) -> Bool { codes[slot] == HistoryCode.removed }

    func entry(_ slot: Int) -> HistoryEntry {
        assert(slot >= 0 && slot < slots)
        let code = codes[slot]
        var entry = HistoryEntry(
            item: items[slot],
            value: value(slot),
            time: time(slot), order: order(slot), kind: HistoryCode.kind(code),
            isTimed: HistoryCode.isTimed(code))
        if layout.form.hasTallies { entry.tally = tally(slot, of: entry) }
        return entry
    }

    private func tally(_ slot: Int, of entry: HistoryEntry) -> SignalTally? {
        let count = column(layout.signalCounts, of: UInt16.self)[slot]
        guard count != entry.countWithoutTally else { return nil }
        let form = layout.form
        let weight =
            form.weightIsWide
            ? column(layout.weights, of: Float.self)[slot]
            : Float(column(layout.weights, of: Int16.self)[slot])
        return SignalTally(
            count: count, weight: weight,
            faded: form.hasFadedWeights ? column(layout.fadedWeights, of: Float.self)[slot] : weight,
            first: column(layout.firstSignals, of: UInt32.self)[slot],
            last: entry.kind == .rating
                ? column(layout.lastSignals, of: UInt32.self)[slot] : SignalTally.seconds(entry.time))
    }

    /// Of one that has none what `tally` tells it by.
    private func write(_ tally: SignalTally?, of entry: HistoryEntry, at slot: Int) {
        let form = layout.form
        column(layout.signalCounts, of: UInt16.self)[slot] = tally?.count ?? entry.countWithoutTally
        guard let tally else { return }
        if form.weightIsWide {
            column(layout.weights, of: Float.self)[slot] = tally.weight
        } else {
            column(layout.weights, of: Int16.self)[slot] = HistoryForm.narrowWeight(tally.weight) ?? 0
        }
        if form.hasFadedWeights { column(layout.fadedWeights, of: Float.self)[slot] = tally.faded }
        column(layout.firstSignals, of: UInt32.self)[slot] = tally.first
        if form.hasLastSignals { column(layout.lastSignals, of: UInt32.self)[slot] = tally.last }
    }

    func holds(_ item: Int32) -> Bool { slot(of: item).map { !isRemoved($0) } ?? false }

    func entry(of item: Int32) -> HistoryEntry? {
        guard let slot = slot(of: item), !isRemoved(slot) else { return nil }
        return entry(slot)
    }

    @inline(__always)
    func value(_ slot: Int) -> Float {
        HistoryCode.value(codes[slot]) ?? column(layout.wideValues, of: Float.self)[slot]
    }

    @inline(__always)
    func time(_ slot: Int) -> Int64 {
        let low = Int64(column(layout.lowTimes, of: UInt32.self)[slot])
        switch layout.form.highTime {
        case .none: return low * 1000
        case .era:
            let high = Int64(column(layout.eraTimes, of: UInt8.self)[slot])
            return Int64(layout.form.era) << HistoryForm.eraShift | high << 32 | low
        case .whole: return Int64(column(layout.wideHighTimes, of: Int32.self)[slot]) << 32 | low
        }
    }

    func write(_ entry: HistoryEntry, at slot: Int) {
        write(entry, code: HistoryCode.of(entry), at: slot)
    }

    /// Writes what the form holds.
    @inline(__always)
    func write(_ entry: HistoryEntry, code: UInt8, at slot: Int) {
        assert(slot >= 0 && slot < layout.capacity && layout.form.holds(entry))
        let form = layout.form
        items[slot] = entry.item
        codes[slot] = code
        if form.valueIsWide { column(layout.wideValues, of: Float.self)[slot] = entry.value }
        if form.orderIsWide {
            column(layout.orders, of: UInt32.self)[slot] = entry.order
        } else {
            column(layout.orders, of: UInt16.self)[slot] = UInt16(truncatingIfNeeded: entry.order)
        }
        let low = form.highTime == .none ? entry.time / 1000 : entry.time
        column(layout.lowTimes, of: UInt32.self)[slot] = UInt32(truncatingIfNeeded: low)
        switch form.highTime {
        case .none: break
        case .era:
            column(layout.eraTimes, of: UInt8.self)[slot] = UInt8(truncatingIfNeeded: entry.time >> 32)
        case .whole:
            column(layout.wideHighTimes, of: Int32.self)[slot] = Int32(truncatingIfNeeded: entry.time >> 32)
        }
        if form.hasTallies { write(entry.tally, of: entry, at: slot) }
    }

    private var columnNumbers: Range<Int> { 0..<(layout.form.hasTallies ? 11 : 6) }

    /// A column's offset, and its bytes an entry.
    private static func column(_ number: Int, of layout: HistoryLayout) -> (offset: Int, bytes: Int) {
        let form = layout.form
        return switch number {
        case 0: (layout.items, 4)
        case 1: (layout.lowTimes, 4)
        case 2: (layout.wideValues, form.valueIsWide ? 4 : 0)
        case 3:
            (form.highTime == .whole ? layout.wideHighTimes : layout.eraTimes, Int(form.highTime.rawValue))
        case 4: (layout.orders, form.orderIsWide ? 4 : 2)
        case 5: (layout.codes, 1)
        case 6: (layout.firstSignals, 4)
        case 7: (layout.lastSignals, form.hasLastSignals ? 4 : 0)
        case 8: (layout.fadedWeights, form.hasFadedWeights ? 4 : 0)
        case 9: (layout.weights, form.weightIsWide ? 4 : 2)
        default: (layout.signalCounts, 2)
        }
    }

    /// Moves `count` entries from `slot` on to `destination`; the two may overlap.
    func move(_ slot: Int, _ count: Int, to destination: Int) {
        assert(slot + count <= layout.capacity && destination + count <= layout.capacity)
        for number in columnNumbers {
            let (offset, bytes) = Self.column(number, of: layout)
            (start + offset + destination * bytes).copyMemory(
                from: start + offset + slot * bytes, byteCount: count * bytes)
        }
    }

    /// Copies all entries, runs and agenda over from columns of the same form, no more room and no runs where this has
    /// none.
    func copy(from other: HistoryColumns) {
        assert(other.layout.form == layout.form && other.layout.capacity <= layout.capacity)
        for number in columnNumbers {
            let (from, to) = (Self.column(number, of: other.layout), Self.column(number, of: layout))
            (start + to.offset).copyMemory(
                from: other.start + from.offset, byteCount: other.slots * to.bytes)
        }
        header.pointee.slots = other.header.pointee.slots
        header.pointee.removed = other.header.pointee.removed
        guard other.layout.hasRuns else { return }
        runs.pointee = other.runs.pointee
        agenda.update(from: other.agenda, count: Int(other.runs.pointee.count))
    }
}
