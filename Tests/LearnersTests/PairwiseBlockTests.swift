import Factors
import Foundation
import Testing

@testable import Learners

@Suite("Blocks of pairwise steps")
struct PairwiseBlockTests {
    /// Row 0 is the user's, row 1 the positive; the rest are negatives, drawn with repeats.
    struct Event {
        let rows: Rows
        let negatives: [Int]

        init(factors: Int, seed: UInt64) {
            rows = Rows(12, factors: factors, seed: seed)
            var random = KeyedRandom(seed: seed, stream: 1)
            negatives = (0..<16).map { _ in 2 + random.next(below: 10) }
        }

        /// One step after another.
        func learnSingly(_ bpr: BPR) -> [Bool] {
            let scratch = Scratch(factors: rows.table.factors)
            return negatives.map { negative in
                bpr.update(
                    weight: 0.7, user: rows[0], positive: rows[1], negative: rows[negative], scratch: scratch)
                    == .applied
            }
        }

        func learnAtOnce(_ bpr: BPR) -> [Bool] {
            let scratch = Scratch(factors: rows.table.factors)
            return negatives.withUnsafeBufferPointer { negatives in
                [Bool](unsafeUninitializedCapacity: negatives.count) { applied, count in
                    count = negatives.count
                    let results = UnsafeMutableBufferPointer(rebasing: applied[..<count])
                    let number = bpr.update(
                        weight: 0.7, user: rows[0], positive: rows[1], negatives: negatives, of: rows.table,
                        scratch: scratch, applied: results)
                    #expect(number == results.count { $0 })
                }
            }
        }
    }

    /// Bits, so that NaN equals itself and 0 differs from -0.
    private func bits(_ rows: Rows) -> [[UInt32]] {
        (0..<12).map { row in
            (rows[row].vector + [rows[row].bias, rows[row].step]).map(\.bitPattern)
        }
    }

    private func bpr(_ schedule: RateSchedule, normMax: Float) -> BPR {
        var options = BPR.Options()
        options.learningRate = 0.05
        options.userLearningRate = 0.3
        options.biasLearningRate = 0.03
        options.userRegularization = 0.05
        options.schedule = schedule
        return BPR(options: options, updateGuard: UpdateGuard(normMax: normMax))
    }

    private func expectSame(
        _ bpr: BPR, factors: Int, seed: UInt64, spoil: (Rows) -> Void = { _ in }
    ) -> [Bool] {
        let (one, other) = (Event(factors: factors, seed: seed), Event(factors: factors, seed: seed))
        spoil(one.rows)
        spoil(other.rows)
        let (singly, atOnce) = (one.learnSingly(bpr), other.learnAtOnce(bpr))
        #expect(singly == atOnce)
        #expect(bits(one.rows) == bits(other.rows))
        return atOnce
    }

    @Test(
        "a block of BPR steps gives to the last bit what the steps give one after the other",
        arguments: [8, 16, 64, 72, 128], UpdateRuleTests.schedules)
    func blockMatchesSteps(factors: Int, schedule: RateSchedule) {
        for seed in 0..<20 as Range<UInt64> {
            let applied = expectSame(bpr(schedule, normMax: 100), factors: factors, seed: seed)
            #expect(applied.allSatisfy { $0 })
        }
    }

    @Test(
        "what passes the bound on norms or biases is left out of a block as of single steps",
        arguments: [16, 64])
    func blockGuards(factors: Int) {
        var results: Set<Bool> = []
        for seed in 0..<60 as Range<UInt64> {
            // About the norms that rows have at first.
            let normMax = (Float(factors) * 0.09).squareRoot() * (0.9 + 0.006 * Float(seed))
            results.formUnion(expectSame(bpr(.constant, normMax: normMax), factors: factors, seed: seed))
        }
        #expect(results == [true, false])
    }

    @Test("a row that is no number is not learned from, and spoils none of the others", arguments: [16, 64])
    func blockRefusesNaN(factors: Int) {
        let ofOne = expectSame(bpr(.constant, normMax: 100), factors: factors, seed: 3) {
            $0[4].bias = .nan
        }
        let event = Event(factors: factors, seed: 3)
        #expect(ofOne == event.negatives.map { $0 != 4 })
        let ofUser = expectSame(bpr(.constant, normMax: 100), factors: factors, seed: 3) {
            $0[0].bias = .infinity
        }
        #expect(!ofUser.contains(true))
    }

    @Test("an event without negatives changes nothing")
    func emptyBlock() {
        let rows = Rows(12, factors: 64)
        let before = bits(rows)
        let none = UnsafeBufferPointer<Int>(start: nil, count: 0)
        let count = bpr(.constant, normMax: 100).update(
            weight: 1, user: rows[0], positive: rows[1], negatives: none, of: rows.table,
            scratch: Scratch(factors: 64), applied: UnsafeMutableBufferPointer(start: nil, count: 0))
        #expect(count == 0)
        #expect(bits(rows) == before)
    }

    private func warp(_ schedule: RateSchedule = .constant, normMax: Float = 100) -> WARP {
        var options = WARP.Options()
        options.learningRate = 0.05
        options.userLearningRate = 0.3
        options.regularization = 0.8
        options.schedule = schedule
        options.margin = 0.1
        return WARP(options: options, updateGuard: UpdateGuard(normMax: normMax))
    }

    @Test(
        "the first of many items that violates WARP's margin is the one that asking each in turn finds",
        arguments: [8, 64, 72])
    func firstViolationMatchesScores(factors: Int) {
        let warp = warp()
        var places: Set<Int?> = []
        for seed in 0..<60 as Range<UInt64> {
            let event = Event(factors: factors, seed: seed)
            event.rows[5].bias = .nan
            let user = event.rows[0]
            // Of negatives that come close and of some that don't.
            let wanted = warp.score(user: user, item: event.rows[1]) + Float(seed) * 0.05
            let expected = event.negatives.firstIndex {
                warp.violates(positive: wanted, negative: warp.score(user: user, item: event.rows[$0]))
            }
            let found = event.negatives.withUnsafeBufferPointer {
                warp.firstViolation(of: wanted, user: user, among: $0, in: event.rows.table)
            }
            #expect(found == expected)
            places.insert(found)
        }
        #expect(places.contains(nil) && places.count > 3)
    }

    @Test("scores of many rows are to the last bit those of each", arguments: [8, 64, 72])
    func scoresMatch(factors: Int) {
        let bpr = bpr(.constant, normMax: 100)
        for seed in 0..<20 as Range<UInt64> {
            let event = Event(factors: factors, seed: seed)
            event.rows[5].bias = .nan
            let user = event.rows[0]
            let expected = event.negatives.map { bpr.score(user: user, item: event.rows[$0]) }
            let found = event.negatives.withUnsafeBufferPointer { negatives in
                [Float](unsafeUninitializedCapacity: negatives.count) { scores, count in
                    bpr.scores(of: negatives, user: user, in: event.rows.table, into: scores)
                    count = negatives.count
                }
            }
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }

    @Test(
        "a WARP step by the number of the row gives to the last bit what one by the row gives",
        arguments: [8, 64, 72], UpdateRuleTests.schedules)
    func warpStepsMatch(factors: Int, schedule: RateSchedule) {
        var results: Set<Bool> = []
        for seed in 0..<40 as Range<UInt64> {
            let normMax = (Float(factors) * 0.09).squareRoot() * (0.9 + 0.1 * Float(seed))
            let warp = warp(schedule, normMax: normMax)
            let (one, other) = (Event(factors: factors, seed: seed), Event(factors: factors, seed: seed))
            let scratch = Scratch(factors: factors)
            for (place, negative) in one.negatives.enumerated() {
                let byRow = warp.update(
                    weight: 0.7, draws: place + 1, candidates: 1000, user: one.rows[0], positive: one.rows[1],
                    negative: one.rows[negative], scratch: scratch)
                let byNumber = warp.update(
                    weight: 0.7, draws: place + 1, candidates: 1000, user: other.rows[0],
                    positive: other.rows[1], negative: negative, of: other.rows.table, scratch: scratch)
                #expect(byRow == byNumber)
                results.insert(byRow == .applied)
            }
            #expect(bits(one.rows) == bits(other.rows))
        }
        #expect(results == [true, false])
    }
}
