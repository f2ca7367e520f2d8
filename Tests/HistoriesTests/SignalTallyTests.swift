import Foundation
import Testing

@testable import Histories

@Suite("What signals come to")
struct SignalTallyTests {
    private let start: Int64 = 1_760_759_144_000

    private func signal(
        _ weight: Float, at seconds: Int64, order: UInt32 = 0, isTimed: Bool = true
    ) -> HistoryEntry {
        HistoryEntry(
            item: 7, value: weight, time: start + seconds * 1000, order: order, kind: .signal,
            isTimed: isTimed)
    }

    private func rating(_ value: Float, at seconds: Int64, order: UInt32 = 0) -> HistoryEntry {
        HistoryEntry(
            item: 7, value: value, time: start + seconds * 1000, order: order, kind: .rating, isTimed: true)
    }

    private func joined(_ events: [HistoryEntry], _ fading: WeightFading = .never) -> HistoryEntry {
        events.dropFirst().reduce(events[0]) { $0.joined(by: $1, fading) }
    }

    // The last signal replaced all: a purchase, then a click, weighed 1.
    @Test("a purchase and then a click weigh eleven, and a hundred plays a hundred")
    func addsUp() throws {
        let pair = joined([signal(10, at: 1, order: 3), signal(1, at: 5, order: 9)])
        #expect(
            pair.signals
                == SignalTally(
                    count: 2, weight: 11, faded: 11, first: UInt32(start / 1000 + 1),
                    last: UInt32(start / 1000 + 5)))
        #expect(pair.value == 10 && pair.order == 9 && pair.lastTime == start + 5000)
        #expect(joined((0..<100).map { signal(1, at: $0) }).signalWeight == 100)
        let many = joined((0..<70_000).map { _ in signal(1, at: 0) })
        #expect(many.signals?.count == .max && many.signalWeight == 70_000)
    }

    @Test("a like and a dislike weigh what they sum to")
    func dislikes() {
        #expect(joined([signal(1, at: 0), signal(-3, at: 1)]).signalWeight == -2)
        #expect(joined([signal(2, at: 0), signal(-2, at: 1)]).signalWeight == 0)
    }

    @Test("weights fade by half with each half-life, by their times or by the user's own events")
    func fades() {
        let timed = WeightFading(halfLife: 60_000, isTimed: true)
        let pair = joined([signal(8, at: 0), signal(1, at: 120)], timed)
        #expect(pair.signalWeight == 3 && pair.signals?.weight == 9)
        let byEvents = WeightFading(halfLife: 10, isTimed: false)
        #expect(
            joined([signal(8, at: 0, order: 2), signal(1, at: 0, order: 32)], byEvents).signalWeight == 2)
        // A rating is an event of the user, too.
        let rated = joined([signal(8, at: 0, order: 2), rating(5, at: 0, order: 12)], byEvents)
        #expect(rated.signalWeight == 4)
        #expect(rated.joined(by: signal(1, at: 0, order: 22), byEvents).signalWeight == 3)
    }

    // What came late by its own time was left out.
    @Test("signals come to the same in any order of arrival")
    func commutes() throws {
        let signals = [signal(5, at: 0), signal(1, at: 60), signal(-2, at: 61), signal(3, at: 400)]
        let timed = WeightFading(halfLife: 100_000, isTimed: true)
        let wanted = try #require(joined(signals, timed).signals)
        for order in [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let pair = joined(order.map { signals[$0] }, timed)
            let found = try #require(pair.signals)
            #expect(abs(found.faded - wanted.faded) < 1e-5 && found.weight == wanted.weight)
            #expect((found.count, found.first, found.last) == (4, wanted.first, wanted.last))
            #expect(pair.value == 5 && pair.time == start + 400_000)
        }
    }

    @Test("a rating stands beside the signals: it replaces a rating, and neither touches the other")
    func ratings() {
        let pair = joined([rating(2, at: 0), signal(1, at: 1), rating(5, at: 2), signal(1, at: 9)])
        #expect(pair.kind == .rating && pair.value == 5 && pair.time == start + 2000)
        #expect(pair.signals?.count == 2 && pair.signalWeight == 2)
        #expect(pair.lastTime == start + 9000)
        #expect(joined([signal(1, at: 1), rating(5, at: 2)]).signals?.count == 1)
        #expect(
            joined([rating(2, at: 0), rating(5, at: 2)]) == rating(5, at: 2), "one opinion, nothing more")
    }

    @Test("times out of all bounds are the nearest that there are")
    func times() {
        #expect(SignalTally.seconds(-5) == 0)
        #expect(SignalTally.seconds(.max) == .max)
        #expect(SignalTally.seconds(1_999) == 1)
    }

    private func history(
        _ count: Int32, _ entry: (Int32) -> HistoryEntry, repeats: Bool = false, fading: WeightFading = .never
    ) -> History {
        var history = History()
        for item in 0..<count {
            var each = entry(item)
            (each.item, each.order) = (item, UInt32(item))
            history.set(each)
        }
        guard repeats else { return history }
        for item in 0..<count {
            var again = signal(1, at: Int64(item) + 90, order: UInt32(count + item))
            again.item = item
            history.set(history[item]!.joined(by: again, fading))
        }
        return history
    }

    @Test("single ratings and single signals take not one byte more than the columns that they always had")
    func singlesAreFree() {
        #expect(MemoryLayout<HistoryHeader>.stride == 16)
        for count in [1, 40, 1_000] as [Int32] {
            for each in [
                history(count) { rating(4, at: Int64($0)) }, history(count) { signal(1, at: Int64($0)) },
            ] {
                #expect(!each.hasTallies && each.tallyBlob.isEmpty)
                let layout = each.withColumns { $0.layout }!
                let columns = (4 + 4 + 2 + 1) * layout.capacity
                #expect(layout.words == (layout.items + columns + 7) / 8)
            }
        }
    }

    @Test(
        "a pair that was come to again takes 16 bytes more at most: 8 where nothing fades, 12 with a half-life, 4 more where what was rated has signals"
    )
    func repeatsAreSmall() {
        let timed = WeightFading(halfLife: 30_000, isTimed: true)
        for count in [40, 1_000] as [Int32] {
            func more(_ entry: (Int32) -> HistoryEntry, _ fading: WeightFading) -> Double {
                let (single, again) = (
                    history(count, entry), history(count, entry, repeats: true, fading: fading)
                )
                #expect(again.entries.allSatisfy { $0.tally != nil })
                let layouts = [single, again].map { $0.withColumns { $0.layout }! }
                let bytes = layouts.map { Double($0.bytes) / Double($0.capacity) }
                return bytes[1] - bytes[0]
            }
            #expect(more({ signal(1, at: Int64($0)) }, .never) <= 8.5)
            #expect(more({ signal(1, at: Int64($0)) }, timed) <= 12.5)
            #expect(more({ rating(4, at: Int64($0)) }, .never) <= 12.5)
            #expect(
                more({ $0 % 2 == 0 ? rating(4, at: Int64($0)) : signal(10, at: Int64($0)) }, timed) <= 16.5)
        }
    }

    @Test("tallies that are malformed, or of no entry, are refused")
    func malformed() throws {
        let sound = history(20, { signal(1, at: Int64($0)) }, repeats: true)
        let (blob, tallies) = (sound.blob, sound.tallyBlob)
        #expect(try #require(History(blob: blob, tallies: tallies)).entries == sound.entries)
        #expect(History(blob: blob, tallies: tallies.dropLast()) == nil)
        #expect(History(blob: Data(), tallies: tallies) == nil)
        #expect(History(blob: blob, tallies: tallies + tallies.prefix(24)) == nil, "twice")
        var one = tallies
        one[4] = 1
        #expect(History(blob: blob, tallies: one) == nil, "a single signal has no tally")
        var infinite = tallies
        infinite.replaceSubrange(8..<12, with: [0, 0, 0x80, 0x7F])
        #expect(History(blob: blob, tallies: infinite) == nil)
    }
}
