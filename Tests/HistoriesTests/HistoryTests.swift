import Factors
import Testing

@testable import Histories

/// A history as plainly as it can be: what the real one is held against.
private struct ReferenceHistory {
    private(set) var entries: [HistoryEntry] = []

    mutating func set(_ entry: HistoryEntry) {
        remove(entry.item)
        entries.append(entry)
        entries.sort { $0.item < $1.item }
    }

    mutating func remove(_ item: Int32) { entries.removeAll { $0.item == item } }

    var oldest: HistoryEntry? { entries.min { ($0.order, $0.item) < ($1.order, $1.item) } }

    func newest(_ limit: Int, where isWanted: (HistoryEntry) -> Bool) -> [HistoryEntry] {
        Array(entries.filter(isWanted).sorted { ($0.order, $0.item) > ($1.order, $1.item) }.prefix(limit))
    }
}

/// What the events of one user may look like.
private enum Stream: CaseIterable {
    /// Ratings in halves, whole seconds, few events: all columns narrow.
    case ratings
    /// Milliseconds of one era, tenths, signals.
    case clicks
    /// Any value, times of all eras and before 1970, orders past 16 bits.
    case wide
    /// As wide as it gets in the midst of what was narrow.
    case widening
    /// Items come to again and again, and rated ones among them: whole weights, then any.
    case repeats

    func entry(_ item: Int32, step: Int, order: UInt32, random: inout KeyedRandom) -> HistoryEntry {
        let kind: HistoryEntry.Kind = random.next(below: 3) == 0 ? .signal : .rating
        let isTimed = random.next(below: 2) == 0
        func make(_ value: Float, _ time: Int64, _ order: UInt32) -> HistoryEntry {
            HistoryEntry(item: item, value: value, time: time, order: order, kind: kind, isTimed: isTimed)
        }
        switch self {
        case .ratings:
            return make(Float(random.next(below: 21)) / 2, 1_260_759_144_000 + Int64(step) * 1000, order)
        case .clicks:
            return make(Float(random.next(below: 50)) / 10, 1_760_759_144_123 + Int64(step) * 17, order)
        case .wide:
            let time = Int64(bitPattern: random.next() >> 16) - (1 << 46)
            return make(Float(random.nextUnit()) * 100 - 50, time, order &+ 65_000)
        case .repeats:
            var entry = make(Float(random.next(below: 21)) / 2, 1_260_759_144_000 + Int64(step) * 1000, order)
            let count = UInt16(random.next(below: 4)) + (kind == .signal ? 1 : 0)
            guard count > (kind == .signal ? 1 : 0) else { return entry }
            let weight = step < 900 ? Float(random.next(below: 50)) : Float(random.nextUnit()) * 9 - 3
            let last = SignalTally.seconds(entry.time) + (kind == .signal ? 0 : 77)
            entry.tally = SignalTally(
                count: count, weight: weight, faded: step < 600 ? weight : weight / 3,
                first: UInt32(random.next(below: 1 << 31)), last: last)
            return entry
        case .widening:
            return step < 700
                ? Stream.ratings.entry(item, step: step, order: order, random: &random)
                : step < 1400
                    ? Stream.repeats.entry(item, step: step, order: order, random: &random)
                    : Stream.wide.entry(item, step: step, order: order, random: &random)
        }
    }
}

@Suite("Histories")
struct HistoryTests {
    private func entry(_ item: Int32, order: UInt32 = 0) -> HistoryEntry {
        HistoryEntry(item: item, value: 4, time: 0, order: order, kind: .rating)
    }

    @Test(
        "a history answers as the plain reference does, through growth, repeats, removal and its bound",
        arguments: Stream.allCases, [40, 500, 1500])
    private func matchesReference(stream: Stream, items: Int) throws {
        var random = KeyedRandom(seed: UInt64(items))
        var (history, reference) = (History(), ReferenceHistory())
        let bound = items * 2 / 3
        for step in 0..<2400 {
            let item = Int32(random.next(below: items))
            // Grows, then shrinks, then grows again; a few come out of order, as where several shards learn.
            if random.next(below: 10) < (step / 800 == 1 ? 4 : 8) {
                let late = Int(random.next(below: 8))
                let order = UInt32((step + 24 - 3 * late) * 8 + late)
                let entry = stream.entry(item, step: step, order: order, random: &random)
                history.set(entry)
                reference.set(entry)
            } else {
                history.remove(item)
                reference.remove(item)
            }
            if reference.entries.count > bound {
                let oldest = try #require(reference.oldest)
                #expect(history.oldest() == oldest)
                history.remove(oldest.item)
                reference.remove(oldest.item)
            }
            #expect(history.count == reference.entries.count)
            guard step % 80 == 0 else { continue }
            #expect(history.entries == reference.entries)
            #expect(history.items.sorted() == reference.entries.map(\.item))
            for wanted in [.min, item - 1, item, item + 1, 1_000_000] as [Int32] {
                let first = reference.entries.first { $0.item >= wanted } ?? reference.entries.first
                let drawn = history.opinion(from: wanted)
                #expect(
                    drawn?.item == first?.item && drawn?.value == first?.value && drawn?.kind == first?.kind)
            }
            let expected = Dictionary(uniqueKeysWithValues: reference.entries.map { ($0.item, $0) })
            var same = true
            for probe in 0..<Int32(items) {
                let wanted = expected[probe]
                same = same && history[probe] == wanted && history.contains(probe) == (wanted != nil)
            }
            #expect(same)
            let isRating = { (entry: HistoryEntry) in entry.kind == .rating }
            #expect(history.newest(7, where: isRating) == reference.newest(7, where: isRating))
            let restored = try #require(History(blob: history.blob, tallies: history.tallyBlob))
            #expect(restored.entries == reference.entries && restored.blob == history.blob)
            #expect(restored.tallyBlob == history.tallyBlob)
        }
    }

    @Test("a copy keeps what it had while the other changes")
    func isAValue() {
        var history = History()
        for item in 0..<100 as Range<Int32> { history.set(entry(item, order: UInt32(item))) }
        let copy = history
        for item in 0..<100 as Range<Int32> where item % 2 == 0 { history.remove(item) }
        history.set(entry(500, order: 1000))
        #expect(copy.entries.map(\.item) == Array(0..<100))
        #expect(copy.contains(0) && !copy.contains(500) && !history.contains(0) && history.contains(500))
    }

    @Test("values that have a short code come back bit by bit, and all others are kept whole")
    func valuesAreExact() {
        let short = (0...20).map { Float($0) / 2 } + (0...50).map { Float($0) / 10 }
        #expect(short.allSatisfy { HistoryCode.short($0) != nil })
        let others: [Float] = [-0.0, -1, 0.25, 4.55, 5.1, 10.5, 100, 1 / 3, .leastNonzeroMagnitude]
        #expect(others.allSatisfy { HistoryCode.short($0) == nil })
        var history = History()
        for (item, value) in (short + others).enumerated() {
            history.set(
                HistoryEntry(item: Int32(item), value: value, time: 0, order: UInt32(item), kind: .signal))
        }
        #expect(
            history.entries.map(\.value.bitPattern) == (short + others).map(\.bitPattern))
    }

    @Test(
        "an event of a user who has had 100,000 moves a few dozen entries, at the bound and below it",
        arguments: [100_000, 1_000, 10_000])
    func longHistoriesAreHarmless(bound: Int) {
        var random = KeyedRandom(seed: 7)
        var (history, steps, worst) = (History(), 0, 0)
        let events = bound + 20_000
        for order in 0..<UInt32(events) {
            var these = 0
            history.set(entry(Int32(random.next(below: 10_000_000)), order: order), counting: &these)
            if history.count > bound, let oldest = history.oldest(counting: &these) {
                history.remove(oldest.item, counting: &these)
            }
            steps += these
            worst = max(worst, these)
        }
        #expect(history.count == bound)
        // The run of 64 at the end, up to three levels of sixteen, growth, the agenda and the clearing.
        #expect(steps / events < 150)
        // Now and then everything is moved, which is no more than what the plain array moved at each event.
        #expect(worst < 8 * bound)
    }

    @Test("a remembered pair takes 16 bytes at most, the filter and all spare room included")
    func isSmall() {
        for (bound, times) in [(100, 1_000), (1_000, 1_000), (10_000, 17)] as [(Int, Int64)] {
            var history = History()
            var worst = 0.0
            for order in 0..<UInt32(bound * 4) {
                history.set(
                    HistoryEntry(
                        item: Int32(order) &* 7919 % 1_000_003, value: 4.5,
                        time: 1_760_759_144_000 + Int64(order) * times, order: order, kind: .rating,
                        isTimed: true))
                if history.count > bound, let oldest = history.oldest() { history.remove(oldest.item) }
                if history.count >= 100 { worst = max(worst, Double(history.bytes) / Double(history.count)) }
            }
            #expect(worst <= (bound == 100 ? 18 : 17.5), "at most")
            #expect(Double(history.bytes) / Double(history.count) <= 16)
        }
    }

    /// Entries were told in the order in which they came, where a history of so many outgrew its columns, and its next
    /// checkpoint would not have been read.
    @Test(
        "entries ascend from whatever number of them a history goes on",
        arguments: [1, 15, 52, 60, 63, 64, 65])
    func ascendsBeyondAnySize(count: Int) throws {
        var first = History()
        for order in 0..<UInt32(count) { first.set(entry(Int32(order), order: order)) }
        var history = try #require(History(blob: first.blob))
        for order in 0..<30 as Range<UInt32> {
            history.set(entry(1_000 - Int32(order), order: 100 + order))
            let items = history.entries.map(\.item)
            #expect(items == items.sorted() && items.count == count + Int(order) + 1)
        }
    }

    @Test("a repeat costs nothing new")
    func repeatsAreFree() {
        var history = History()
        for order in 0..<200 as Range<UInt32> { history.set(entry(Int32(order), order: order)) }
        let before = history.bytes
        for order in 200..<60_000 as Range<UInt32> { history.set(entry(Int32(order % 200), order: order)) }
        #expect(history.bytes == before && history.count == 200)
    }

    @Test("most items that were not seen are told without a search, also once old ones have left")
    func filterSparesSearches() {
        var history = History()
        for step in 0..<20_000 as Range<Int32> {
            history.set(entry(step * 7 % 100_003, order: UInt32(step)))
            if history.count > 500, let oldest = history.oldest() { history.remove(oldest.item) }
        }
        let unseen = (200_000..<300_000 as Range<Int32>)
        let passed = unseen.count { history.filter.mayHold($0) }
        #expect(passed < unseen.count / 6)
        #expect(!unseen.contains { history.contains($0) })
    }
}
