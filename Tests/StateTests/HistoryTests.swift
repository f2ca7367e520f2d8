import Factors
import Testing

@testable import State

@Suite("Histories")
struct HistoryTests {
    private func entry(_ item: Int32, order: UInt32 = 0) -> HistoryEntry {
        HistoryEntry(item: item, value: 4, time: 0, order: order, kind: .rating)
    }

    @Test(
        "a history has what was put in and not taken out, at every size",
        arguments: 1...4 as ClosedRange<UInt64>)
    func containsWhatWasSeen(seed: UInt64) {
        var random = KeyedRandom(seed: seed)
        var (history, items) = (History(), Set<Int32>())
        for step in 0..<4000 {
            let item = Int32(random.next(below: 1500))
            // Grows, then shrinks to nothing, then grows again.
            if random.next(below: 10) < (step / 1500 == 1 ? 1 : 8) {
                history.set(entry(item))
                items.insert(item)
            } else if let victim = items.min(by: { abs($0 - item) < abs($1 - item) }) {
                history.remove(victim)
                items.remove(victim)
            }
            if step % 50 == 0 {
                #expect((0..<1500).allSatisfy { history.contains($0) == items.contains($0) })
            }
        }
        let restored = History(blob: history.blob)
        #expect((0..<1500).allSatisfy { restored?.contains($0) == items.contains($0) })
    }

    @Test("most items that were not seen are told without a search, also once old ones have left")
    func filterSparesSearches() {
        var history = History()
        for step in 0..<20_000 as Range<Int32> {
            history.set(entry(step * 7 % 100_003, order: UInt32(step)))
            if history.entries.count > 500, let oldest = history.oldest { history.remove(oldest.item) }
        }
        let unseen = (200_000..<300_000 as Range<Int32>)
        let passed = unseen.count { history.filter.mayHold($0) }
        #expect(passed < unseen.count / 6)
        #expect(!unseen.contains { history.contains($0) })
    }

    @Test("the filter costs two bytes an item at most, and a small history nothing on the heap")
    func filterIsSmall() {
        var history = History()
        for item in 0..<3000 as Range<Int32> {
            history.set(entry(item))
            if item < 16 {
                #expect(history.filter.bytes == 0)
            } else {
                // Beside the head of an array and the rounding to whole words.
                #expect(history.filter.bytes <= 2 * history.entries.count + 80)
            }
        }
    }
}
