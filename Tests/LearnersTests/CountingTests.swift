import Factors
import Foundation
import Testing

@testable import Learners

@Suite("Counting")
struct CountingTests {
    /// Successors by a power law: few are most.
    private func stream(_ count: Int, seed: UInt64) -> [(item: Int32, weight: Float)] {
        var random = KeyedRandom(seed: seed)
        return (0..<count).map { _ in
            (Int32(min(400, 1 / (random.nextUnit() + 1e-3))), Float(1 + random.next(below: 3)))
        }
    }

    @Test(
        "counts are those of all within the stated error, and nothing heavy is missing",
        arguments: [8, 32], [HalfLife.never, .events(500), .events(40)])
    func heavyHitters(capacity: Int, halfLife: HalfLife) {
        var (sketch, exact, exactNear) = (SuccessorSketch(), [Int32: Double](), [Int32: Double]())
        var total = 0.0
        for (number, event) in stream(3_000, seed: 3).enumerated() {
            sketch.add(
                event.item, weight: event.weight, isNear: number % 3 == 0, at: 0,
                fading: SuccessorFading(halfLife),
                capacity: capacity)
            let factor = number == 0 ? 1 : halfLife.factor(elapsed: 1)
            for item in exact.keys { exact[item]! *= factor }
            total = total * factor + Double(event.weight)
            exact[event.item, default: 0] += Double(event.weight)
            for item in exactNear.keys { exactNear[item]! *= factor }
            if number % 3 == 0 { exactNear[event.item, default: 0] += Double(event.weight) }
        }
        let slack = 1e-3 * total
        #expect(sketch.entries.count <= capacity)
        #expect(abs(Double(sketch.total) - total) < slack)
        for entry in sketch.entries {
            let truth = exact[entry.item] ?? 0
            let (count, error) = (sketch.faded(entry.count), sketch.faded(entry.error))
            #expect(Double(count) >= truth - slack)
            #expect(Double(count - error) <= truth + slack)
            #expect(Double(error) <= total / Double(capacity) + slack)
            let near = Double(sketch.faded(entry.near))
            let trueNear = exactNear[entry.item] ?? 0
            #expect(near <= trueNear + slack && trueNear <= near + Double(error) + slack)
        }
        for (item, weight) in exact where weight > total / Double(capacity) + slack {
            #expect(sketch.entries.contains { $0.item == item })
        }
    }

    private func successors(_ count: Int, seed: UInt64, apart: Int64) -> [SuccessorGain.Successor] {
        stream(count, seed: seed).enumerated().map { number, event in
            SuccessorGain.Successor(
                item: event.item, weight: event.weight, isNear: number % 3 == 0, time: Int64(number) * apart)
        }
    }

    @Test(
        "what is told added up counts as what came one by one, as long as there is room",
        arguments: [HalfLife.never, .events(40), .milliseconds(90_000)])
    func gains(halfLife: HalfLife) {
        let (fading, capacity) = (SuccessorFading(halfLife), 512)
        var (single, told, places) = (
            SuccessorSketch(), SuccessorSketch(), [Int32](repeating: -1, count: 512)
        )
        for (round, start) in stride(from: 0, to: 600, by: 200).enumerated() {
            let part = successors(600, seed: 5, apart: 1_000)[start..<start + 200]
            for one in part {
                single.add(
                    one.item, weight: one.weight, isNear: one.isNear, at: one.time, fading: fading,
                    capacity: capacity)
            }
            let gain = SuccessorGain(of: part, fading: fading, capacity: capacity, places: &places)
            #expect(gain.count == 200 && gain.time == Int64(round * 200 + 199) * 1_000)
            #expect(places.allSatisfy { $0 == -1 })
            told.add(gain, fading: fading, capacity: capacity)
        }
        #expect(abs(told.total - single.total) < 1e-3 * single.total)
        #expect(told.count == single.count && told.at == single.at)
        for entry in single.entries {
            let other = told.entries.first { $0.item == entry.item }
            #expect(abs(told.faded(other?.count ?? 0) - single.faded(entry.count)) < 1e-3 * single.total)
            #expect(abs(told.faded(other?.near ?? 0) - single.faded(entry.near)) < 1e-3 * single.total)
        }
    }

    @Test(
        "of more than there is room for the heaviest are told, and counts are low by no more than was left out"
    )
    func gainsInLittleRoom() {
        let (fading, capacity) = (SuccessorFading(.never), 16)
        var (sketch, exact, leftOut) = (SuccessorSketch(), [Int32: Float](), Float(0))
        var places = [Int32](repeating: -1, count: 512)
        for seed in 1...4 {
            let part = successors(800, seed: UInt64(seed), apart: 0)
            for one in part { exact[one.item, default: 0] += one.weight }
            let gain = SuccessorGain(of: part[...], fading: fading, capacity: capacity, places: &places)
            #expect(gain.entries.count == capacity)
            #expect(gain.entries.map(\.weight) == gain.entries.map(\.weight).sorted(by: >))
            let least = gain.entries.last?.weight ?? 0
            #expect(least <= gain.sum / Float(capacity))
            leftOut += least
            sketch.add(gain, fading: fading, capacity: capacity)
        }
        #expect(abs(sketch.total - exact.values.reduce(0, +)) < 1)
        for entry in sketch.entries {
            let truth = exact[entry.item] ?? 0
            #expect(truth - leftOut <= entry.count && entry.count - entry.error <= truth)
        }
    }

    @Test("what comes late counts as if it had come in time")
    func late() {
        var (inTime, late) = (SuccessorSketch(), SuccessorSketch())
        let halfLife = HalfLife.milliseconds(1_000)
        for (item, at) in [(Int32(1), Int64(0)), (2, 500), (1, 2_000)] {
            inTime.add(item, weight: 1, isNear: false, at: at, fading: SuccessorFading(halfLife), capacity: 4)
        }
        for (item, at) in [(Int32(1), Int64(0)), (1, 2_000), (2, 500)] {
            late.add(item, weight: 1, isNear: false, at: at, fading: SuccessorFading(halfLife), capacity: 4)
        }
        for entry in inTime.entries {
            let other = late.entries.first { $0.item == entry.item }
            #expect(abs(late.faded(other?.count ?? 0) - inTime.faded(entry.count)) < 1e-6)
        }
        #expect(abs(inTime.total - late.total) < 1e-6)
    }

    @Test("what is selected of many numbers is where a sort puts it", arguments: [1, 2, 3, 10, 1_000])
    func select(count: Int) {
        var random = KeyedRandom(seed: 9)
        let numbers = (0..<count).map { _ in random.next(below: 500) }
        for place in [0, count / 3, count - 1] {
            var selected = numbers
            selected.select(place)
            #expect(selected[place] == numbers.sorted()[place])
            #expect(selected[..<place].sorted() == Array(numbers.sorted()[..<place]))
        }
        var disordered = numbers.map { $0.isMultiple(of: 3) ? Float.nan : Float($0) }
        disordered.select(count / 2)
        #expect(disordered.count == count)
    }

    @Test("how likely a taking again is comes from how often it was one")
    func hazards() {
        var table = RetakeTable()
        let soon = RetakeTable.cell(weight: 3, gap: 5, pace: 1_000)
        let due = RetakeTable.cell(weight: 3, gap: 1_000, pace: 1_000)
        #expect(soon != due)
        for turn in 0..<4_000 {
            table.expose([soon, due], standingFor: 1, times: 1)
            if turn % 4 == 0 { table.take(due) }
        }
        #expect(table.strength(soon) < 0.005)
        // A quarter of events take it, and so three quarters whatever is new, which has a strength of 1.
        let all = 1 + table.strength(soon) + table.strength(due)
        #expect(abs(table.strength(due) / all - 0.25) < 0.02)
        var (sum, part) = (RetakeTable(), RetakeTable())
        sum.add(table)
        #expect(sum == table)
        part.take(soon)
        #expect(table.strength(soon, with: part) > table.strength(soon))
        #expect(RetakeTable(taken: [1], exposed: [1]) == nil)
    }

    @Test("what competes with much else is as strong as what competes with little")
    func competition() {
        // One has two things, another forty; of both all that is taken is one of these, each as often as the next.
        let cells = [2.0, 40].map { RetakeTable.cell(weight: $0 == 2 ? 1 : 30, gap: 10, pace: 10) }
        var table = RetakeTable()
        for turn in 0..<8_000 {
            let isFew = turn % 2 == 0
            let cell = isFew ? cells[0] : cells[1]
            table.expose(Array(repeating: cell, count: 2), standingFor: isFew ? 1 : 20, times: 1)
            if turn % 20 > 1 { table.take(cell) }
        }
        // Nine in ten are: 2 h / (1 + 2 h) of the one, 40 h / (1 + 40 h) of the other.
        for (cell, things) in zip(cells, [2, 40] as [Float]) {
            let all = things * table.strength(cell)
            #expect(abs(all / (1 + all) - 0.9) < 0.03)
        }
        #expect(abs(table.strength(cells[0]) / table.strength(cells[1]) - 20) < 2)
    }

    @Test("what an item's waits say holds for who has none, and less the more of their own there are")
    func waits() {
        var (mean, count): (Float, Float) = (0, 0)
        for wait in [8.0, 32] { UsualWait.take(UsualWait.logarithm(wait)!, mean: &mean, count: &count) }
        #expect(mean == 4 && count == 2)
        #expect(UsualWait.expected(own: nil, ofWaits: 0, item: mean) == 4)
        #expect(UsualWait.expected(own: 6, ofWaits: 1, item: nil) == 6)
        #expect(UsualWait.expected(own: 6, ofWaits: 1, item: mean) == 4.5)
        #expect(UsualWait.expected(own: 6, ofWaits: 9, item: mean) == 5.5)
        #expect(UsualWait.logarithm(0) == nil && UsualWait.logarithm(.infinity) == nil)
        #expect(UsualWait.wait(UsualWait.byte(nil)) == nil)
        for logarithm in [-3, 0, 4.5, 20] as [Float] {
            #expect(abs(Float(UsualWait.wait(UsualWait.byte(logarithm))!) / exp2(logarithm) - 1) < 0.05)
        }
        #expect(UsualWait.byte(-1e9) == 1 && UsualWait.byte(1e9) == 255 && UsualWait.byte(.nan) == 0)
    }

    @Test("every standing has a cell", arguments: [0, 0.4, 1, 7, 1e9] as [Float])
    func cells(weight: Float) {
        for gap in [-5, 0, 0.5, 1e3, 1e12] {
            for pace in [nil, 0, 10, 1e9] as [Double?] {
                var table = RetakeTable()
                table.take(RetakeTable.cell(weight: weight, gap: gap, pace: pace))
                // Beside a known pace the wait is counted by itself.
                #expect(table.taken.reduce(0, +) == (pace.map { $0 > 0 } == true ? 2 : 1))
            }
        }
    }
}
