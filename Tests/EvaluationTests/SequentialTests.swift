import Factors
import Foundation
import Testing

@testable import Evaluation

/// What is promised of comparisons that are looked at all the time.
@Suite("Comparisons that may be looked at at any time")
struct SequentialTests {
    /// Of two models that are put to the same events: 1, 0 or −1, of which `discordant` are not 0 and `lead` is the mean.
    private func difference(_ random: inout KeyedRandom, discordant: Double, lead: Double) -> Double {
        let draw = random.nextUnit()
        if draw < (discordant + lead) / 2 { return 1 }
        return draw < discordant ? -1 : 0
    }

    @Test("exp(λξ − ψ(λ)ξ²) ≤ 1 + λξ wherever ξ ≥ −1, on which all else stands")
    func inequality() {
        for rate in [0.5, 0.25, 0.01, 1e-4] {
            let cost = -log1p(-rate) - rate
            for step in 0...300 {
                let value = -1 + Double(step) / 100
                #expect(exp(rate * value - cost * value * value) <= 1 + rate * value + 1e-15)
            }
        }
    }

    @Test("the boundary is where the evidence reaches what is wanted, and grows with what is squared")
    func boundary() {
        var before = 0.0
        for squares in [0.0, 1, 50, 3_000, 1e6, 1e9] {
            let bound = ExponentialMixture.boundary(squares: squares, error: 0.05)
            let evidence = ExponentialMixture.logEvidence(sum: bound, squares: squares)
            #expect(abs(evidence - log(20)) < 1e-9)
            #expect(bound > before)
            before = bound
        }
        #expect(before < 10 * (1e9).squareRoot())
    }

    @Test(
        "sums of blocks give the interval of all; nothing seen, nothing known; a model against itself is level"
    )
    func sums() {
        var random = KeyedRandom(seed: 3)
        var (all, first, second) = (PairedDifferences(), PairedDifferences(), PairedDifferences())
        for event in 0..<500 {
            let value = difference(&random, discordant: 0.4, lead: 0.1)
            all.add(value)
            if event < 123 { first.add(value) } else { second.add(value) }
        }
        first += second
        #expect(first.count == all.count)
        #expect(abs(first.mean - all.mean) < 1e-12 && abs(first.squares - all.squares) < 1e-9)
        #expect(PairedDifferences().interval(error: 0.05) == -1...1)
        let (there, back) = (all.interval(error: 0.05), all.reversed.interval(error: 0.05))
        #expect(there.lowerBound == -back.upperBound && there.upperBound == -back.lowerBound)
        var level = PairedDifferences()
        for _ in 0..<10_000 { level.add(0) }
        #expect(level.mean == 0 && level.interval(error: 0.05).upperBound < 0.01)
    }

    /// Bursts in which the models differ much, after what came before: events hang together.
    private func discordance(_ before: Double, _ random: inout KeyedRandom) -> Double {
        before != 0 ? 0.6 : random.nextUnit() < 0.05 ? 0.5 : 0.1
    }

    @Test(
        "looked at after every 25th of 6,000 events, of two level models one is promoted in at most one run of twenty, where a test made for one look errs in more than one of five"
    )
    func typeOneError() {
        let (runs, events, error) = (300, 6_000, 0.05)
        var (promoted, naive) = (0, 0)
        for run in 0..<runs {
            var random = KeyedRandom(seed: 40, stream: UInt64(run))
            var (test, sums, last) = (LeadTest(), PairedDifferences(), 0.0)
            var (hasEvidence, hasNaive) = (false, false)
            for event in 1...events {
                let discordant = discordance(last, &random)
                last = difference(&random, discordant: discordant, lead: 0)
                test.add(last)
                sums.add(last)
                guard event % 25 == 0 else { continue }
                test.endBlock()
                hasEvidence = hasEvidence || test.logEvidence(above: 0) >= -log(error)
                hasNaive = hasNaive || sums.sum > 1.645 * sums.squares.squareRoot()
            }
            promoted += hasEvidence ? 1 : 0
            naive += hasNaive ? 1 : 0
        }
        #expect(Double(promoted) <= error * Double(runs))
        #expect(Double(naive) > 0.2 * Double(runs), "the looks would have deceived a test made for one")
    }

    @Test("a lead that is no greater than the margin is none, however long it lasts")
    func margin() {
        var promoted = 0
        for run in 0..<60 {
            var random = KeyedRandom(seed: 41, stream: UInt64(run))
            var test = LeadTest()
            for event in 1...20_000 {
                test.add(difference(&random, discordant: 0.3, lead: 0.02))
                guard event % 250 == 0 else { continue }
                test.endBlock()
                if test.logEvidence(above: 0.02) >= log(20) {
                    promoted += 1
                    break
                }
            }
        }
        #expect(promoted <= 3)
    }

    @Test(
        "the intervals hold the mean of what was to be expected at all times together in 95 runs of a hundred, while leads come and go"
    )
    func coverage() {
        let runs = 200
        var missed = 0
        for run in 0..<runs {
            var random = KeyedRandom(seed: 42, stream: UInt64(run))
            var (sums, expected, wasMissed) = (PairedDifferences(), 0.0, false)
            for event in 1...5_000 {
                let lead = 0.08 * sin(Double(event) / 700) + (sums.sum > 0 ? -0.02 : 0.02)
                sums.add(difference(&random, discordant: 0.3, lead: lead))
                expected += lead
                guard event % 20 == 0 else { continue }
                wasMissed = wasMissed || !sums.interval(error: 0.05).contains(expected / Double(event))
            }
            missed += wasMissed ? 1 : 0
            // It says something, too: no more than two and a half times what one look would take.
            let interval = sums.interval(error: 0.05)
            let oneLook = 1.96 * sums.squares.squareRoot() / 5_000
            #expect(interval.upperBound - interval.lowerBound < 2.5 * 2 * oneLook)
        }
        #expect(Double(missed) <= 0.05 * Double(runs))
    }

    /// Events until there is evidence for a lead of 0.04, after so many without one; `nil` where there never is.
    private func eventsToFind(after level: Int, seed: UInt64) -> Int? {
        var random = KeyedRandom(seed: seed)
        var test = LeadTest()
        for event in 1...(level + 40_000) {
            test.add(difference(&random, discordant: 0.3, lead: event > level ? 0.04 : 0))
            guard event % 100 == 0 else { continue }
            test.endBlock()
            if test.logEvidence(above: 0.005) >= log(100) { return event - level }
        }
        return nil
    }

    @Test("a real lead is found, and hardly later after a hundred thousand events without one")
    func power() throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            let fresh = try #require(eventsToFind(after: 0, seed: seed))
            #expect(fresh < 15_000)
            if seed <= 4 {
                let late = try #require(eventsToFind(after: 100_000, seed: seed))
                #expect(late > 0 && late < 30_000)
            }
        }
    }

    @Test("what is kept of a test grows with the logarithm of the blocks, and begins with all of them")
    func kept() {
        var test = LeadTest()
        for block in 1...20_000 {
            test.add(1)
            test.endBlock()
            if block.isMultiple(of: 997) { #expect(test.stretches.count <= 2 * 16) }
        }
        #expect(test.stretches.first?.sums.count == 20_000)
        let lengths = test.stretches.map(\.sums.count)
        #expect(lengths == lengths.sorted(by: >) && lengths.last == 1)
        // Some beginning is found not much longer ago than any one wished for.
        for wished in [2, 10, 100, 1_000, 9_000] as [Int64] {
            #expect(lengths.contains { $0 >= wished && $0 <= 4 * wished })
        }
    }
}
