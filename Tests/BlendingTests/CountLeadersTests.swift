import Factors
import Learners
import Testing

@testable import Blending

@Suite("What counts put first")
struct CountLeadersTests {
    private let rates = FadingRates([.events(2_000), .events(50), .never, .milliseconds(40_000)])

    /// By sorting all.
    private func first(_ limit: Int, _ number: Int, of counts: [FadingLogs]) -> [Int32] {
        let taken = counts.indices.filter { counts[$0].isTaken }
        let sorted = taken.sorted {
            (rates.standing(counts[$1], number), $0) < (rates.standing(counts[$0], number), $1)
        }
        return sorted.prefix(limit).map { Int32($0) }
    }

    @Test(
        "are those of a sort, whenever they are asked for and whatever was taken back", arguments: [1, 8, 64])
    func exact(limit: Int) {
        var random = KeyedRandom(seed: 3)
        var counts = Array(repeating: FadingLogs.untaken, count: 300)
        var leaders = CountLeaders(counts: 4, limit: limit)
        #expect(leaders.isStale)
        var asked = 0
        for event in 0..<6_000 {
            let (ordinal, time) = (Int64(event), Int64(event) * 700)
            // A few are taken most, and which these are changes.
            let row = (Int(300 * random.nextUnit() * random.nextUnit()) + event / 40) % 300
            rates.take(weight: 1, ordinal: ordinal, time: time, &counts[row])
            leaders.take(Int32(row), counts[row], rates) { counts[Int($0)] }
            if event % 997 == 996 {
                FadingRates.scale(&counts[row], by: 0.3)
                leaders.invalidate()
            }
            guard random.next(below: 60) == 0 else { continue }
            if leaders.isStale { leaders.rebuild(rows: 0..<300, rates) { counts[Int($0)] } }
            asked += 1
            for number in 0..<4 {
                let found = leaders.first(number, rates) { counts[Int($0)] }
                #expect(found == first(limit, number, of: counts))
            }
        }
        #expect(asked > 50)
    }

    // Each retraction had all items of the catalogue looked through again.
    @Test("stand after something is taken back of an item, unless it was a leader that may not be one now")
    func lowered() {
        var random = KeyedRandom(seed: 4)
        var counts = Array(repeating: FadingLogs.untaken, count: 300)
        var leaders = CountLeaders(counts: 4, limit: 8)
        leaders.rebuild(rows: 0..<300, rates) { counts[Int($0)] }
        var (lowered, rebuilt) = (0, 0)
        for event in 0..<6_000 {
            let row = Int(300 * random.nextUnit() * random.nextUnit())
            rates.take(weight: 1, ordinal: Int64(event), time: Int64(event) * 700, &counts[row])
            leaders.take(Int32(row), counts[row], rates) { counts[Int($0)] }
            guard event % 3 == 2 else { continue }
            let other = random.next(below: 300)
            FadingRates.scale(&counts[other], by: event % 30 == 2 ? 0 : 0.5)
            leaders.lower(Int32(other), counts[other], rates)
            lowered += 1
            if leaders.isStale {
                rebuilt += 1
                leaders.rebuild(rows: 0..<300, rates) { counts[Int($0)] }
            }
            for number in 0..<4 {
                let found = leaders.first(number, rates) { counts[Int($0)] }
                #expect(found == first(8, number, of: counts))
            }
        }
        #expect(rebuilt > 0 && rebuilt < lowered / 4)
    }

    // Found by a simulated run, whose digest was another one after a restart.
    @Test("of which all is taken back is told of no more, though there be fewer than are told of")
    func takenBack() {
        var counts = Array(repeating: FadingLogs.untaken, count: 5)
        var leaders = CountLeaders(counts: 4, limit: 8)
        leaders.rebuild(rows: 0..<5, rates) { counts[Int($0)] }
        for row in [1, 3] {
            rates.take(weight: 1, ordinal: 1, time: 700, &counts[row])
            leaders.take(Int32(row), counts[row], rates) { counts[Int($0)] }
        }
        FadingRates.scale(&counts[3], by: 0)
        leaders.lower(3, counts[3], rates)
        if leaders.isStale { leaders.rebuild(rows: 0..<5, rates) { counts[Int($0)] } }
        #expect(leaders.first(0, rates) { counts[Int($0)] } == [1])
    }

    @Test("are as many as were taken where that is fewer")
    func few() {
        var leaders = CountLeaders(counts: 2, limit: 10)
        var item = FadingLogs.untaken
        rates.take(weight: 1, ordinal: 1, time: 1, &item)
        leaders.rebuild(rows: 0..<3, rates) { $0 == 1 ? item : .untaken }
        #expect(!leaders.isStale)
        #expect(leaders.first(0, rates) { _ in item } == [1])
    }
}
