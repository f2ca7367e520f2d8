/// How wide a history's columns are: as narrow as its own entries allow, without loss. Most users rate on one scale, come
/// a few thousand times, and have clocks, so that an entry takes 11 to 12 bytes where a plain structure takes 24.
///
/// | column | bytes |
/// | --- | --- |
/// | item | 4 |
/// | time, low half | 4 |
/// | time, high half | 0 where all times are whole seconds, 1 where all lie within one era of 2^40 ms (35 years), else 4 |
/// | order | 2, or 4 past 65,535 |
/// | value | 0 where all have a short code, else 4 |
/// | code: kind, whether timed, short value | 1 |
///
/// And of users who came to an item more than once (`SignalTally`), 8 to 18 bytes more:
///
/// | column | bytes |
/// | --- | --- |
/// | first signal, in seconds | 4 |
/// | last signal, in seconds | 0 where it is the entry's own time everywhere: no rated item has signals; else 4 |
/// | faded weight | 0 where it is the weight everywhere, as without a half-life; else 4 |
/// | weight | 2 where all are whole numbers below 32,768, else 4 |
/// | signals | 2 |
struct HistoryForm: Equatable, BitwiseCopyable {
    enum HighTime: UInt8 { case none = 0, era = 1, whole = 4 }

    /// Columns that are there, or wide, only where an entry needs it. In one byte, so that a history's header is no longer
    /// than it has to be.
    struct Columns: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        static let wideOrders = Columns(rawValue: 1)
        static let wideValues = Columns(rawValue: 2)
        static let tallies = Columns(rawValue: 4)
        static let lastSignals = Columns(rawValue: 8)
        static let fadedWeights = Columns(rawValue: 16)
        static let wideWeights = Columns(rawValue: 32)
    }

    var highTime = HighTime.none
    /// Of `HighTime.era`: the time's bits from 40 on.
    var era: UInt8 = 0
    var columns: Columns = []

    @inline(__always) var orderIsWide: Bool { columns.contains(.wideOrders) }
    @inline(__always) var valueIsWide: Bool { columns.contains(.wideValues) }
    @inline(__always) var hasTallies: Bool { columns.contains(.tallies) }
    @inline(__always) var hasLastSignals: Bool { columns.contains(.lastSignals) }
    @inline(__always) var hasFadedWeights: Bool { columns.contains(.fadedWeights) }
    @inline(__always) var weightIsWide: Bool { columns.contains(.wideWeights) }

    static let eraShift: Int64 = 40

    /// The form that holds `entry` too. `entries` are those that the history has; asked for only where it matters.
    func widened(for entry: HistoryEntry, beside entries: @autoclosure () -> [HistoryEntry]) -> HistoryForm {
        guard !holds(entry) else { return self }
        var form = self
        form.columns.formUnion(Self.columns(for: entry))
        guard !holds(time: entry.time) else { return form }
        form.highTime = .whole
        guard highTime == .none, let era = Self.era(of: entry.time) else { return form }
        if entries().allSatisfy({ Self.era(of: $0.time) == era }) {
            (form.highTime, form.era) = (.era, era)
        }
        return form
    }

    /// The narrowest that holds them all.
    static func narrowest(for entries: some Collection<HistoryEntry>) -> HistoryForm {
        var form = HistoryForm()
        for entry in entries { form.columns.formUnion(columns(for: entry)) }
        guard let first = entries.first, !entries.allSatisfy({ form.holds(time: $0.time) }) else {
            return form
        }
        form.highTime = .whole
        if let era = era(of: first.time), entries.allSatisfy({ Self.era(of: $0.time) == era }) {
            (form.highTime, form.era) = (.era, era)
        }
        return form
    }

    /// What an entry needs, its time aside.
    private static func columns(for entry: HistoryEntry) -> Columns {
        var columns: Columns = []
        if entry.order > UInt32(UInt16.max) { columns.insert(.wideOrders) }
        if HistoryCode.short(entry.value) == nil { columns.insert(.wideValues) }
        guard let tally = entry.tally else { return columns }
        columns.insert(.tallies)
        if entry.kind == .rating { columns.insert(.lastSignals) }
        if tally.faded.bitPattern != tally.weight.bitPattern { columns.insert(.fadedWeights) }
        if narrowWeight(tally.weight) == nil { columns.insert(.wideWeights) }
        return columns
    }

    /// `nil` for a weight that would not come back bit by bit.
    static func narrowWeight(_ weight: Float) -> Int16? {
        guard let narrow = Int16(exactly: weight), Float(narrow).bitPattern == weight.bitPattern else {
            return nil
        }
        return narrow
    }

    func holds(_ entry: HistoryEntry) -> Bool { holds(entry, code: HistoryCode.of(entry)) }

    /// - Parameter code: the entry's, which took some working out.
    @inline(__always)
    func holds(_ entry: HistoryEntry, code: UInt8) -> Bool {
        holds(time: entry.time) && (orderIsWide || entry.order <= UInt32(UInt16.max))
            && (valueIsWide || !HistoryCode.isWide(code))
            && (entry.tally == nil || columns.isSuperset(of: Self.columns(for: entry)))
    }

    @inline(__always)
    private func holds(time: Int64) -> Bool {
        switch highTime {
        case .none: time >= 0 && time % 1000 == 0 && time / 1000 <= Int64(UInt32.max)
        case .era: Self.era(of: time) == era
        case .whole: true
        }
    }

    @inline(__always)
    private static func era(of time: Int64) -> UInt8? {
        time < 0 ? nil : UInt8(exactly: time >> eraShift)
    }
}

/// The byte that says of an entry its kind (bit 0), whether it is timed (bit 1) and, from bit 2 on, its value: one of the
/// 61 that ratings nearly always are, or `wide`, which refers to the column of values. A byte of 0 stands for an entry that
/// was removed and not yet cleared away.
enum HistoryCode {
    static let removed: UInt8 = 0
    private static let halves: UInt8 = 1
    private static let tenths: UInt8 = 22
    private static let wide: UInt8 = 63

    static func of(_ entry: HistoryEntry) -> UInt8 {
        UInt8(entry.kind.rawValue) | (entry.isTimed ? 2 : 0) | (short(entry.value) ?? wide) << 2
    }

    static func kind(_ code: UInt8) -> HistoryEntry.Kind { code & 1 == 0 ? .rating : .signal }

    static func isTimed(_ code: UInt8) -> Bool { code & 2 != 0 }

    static func isWide(_ code: UInt8) -> Bool { code >> 2 == wide }

    /// `nil` where the value stands in the column of values.
    static func value(_ code: UInt8) -> Float? {
        let short = code >> 2
        return short == wide ? nil : value(short: short)
    }

    /// 1 to 21 for 0, 0.5 … 10; 22 to 61 for the tenths below 5 between them; `nil` for any other value, and for one that
    /// would not come back bit by bit.
    static func short(_ value: Float) -> UInt8? {
        guard value >= 0, value <= 10 else { return nil }
        // Cut off rather than rounded, which is a call on older processors.
        let (twice, tenth) = (UInt8(value * 2), UInt8(value * 10 + 0.5))
        let short: UInt8
        if Float(twice) == value * 2 {
            short = halves + twice
        } else if tenth < 50 {
            guard tenth % 5 != 0 else { return nil }
            short = tenths + tenth - 1 - tenth / 5
        } else {
            return nil
        }
        return self.value(short: short).bitPattern == value.bitPattern ? short : nil
    }

    private static func value(short: UInt8) -> Float {
        if short < tenths { return Float(Int(short) - Int(halves)) / 2 }
        let index = Int(short - tenths)
        return Float(index + index / 4 + 1) / 10
    }
}
