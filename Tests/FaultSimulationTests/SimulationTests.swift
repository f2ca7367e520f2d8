import FaultSimulation
import Foundation
import Testing

/// The engine on a log and a disk that fail. What fails here is run again by `freshet-bench simulate --seed N`.
/// `FRESHET_SIMULATED_SEEDS` says how many seeds there are, where a sanitizer makes each take long.
@Suite struct SimulationTests {
    @Test("Whatever befalls log, disk and process, the promises hold")
    func seeds() {
        let wanted = ProcessInfo.processInfo.environment["FRESHET_SIMULATED_SEEDS"].flatMap { Int($0) }
        let seeds = wanted ?? 200
        let outcome = SimulationRuns.run(1..<1 + UInt64(seeds), threads: 2)
        #expect(outcome.runs == seeds)
        // Worlds in which nothing fails show nothing.
        let counts = outcome.counts
        #expect(counts.crashes > seeds && counts.diskFaults > seeds / 10 && counts.records > 25 * seeds)
        for failure in outcome.failures {
            let drawn = SimulationRuns.script(failure.seed)
            let (small, violation) = Shrinking.shrink(drawn, failure.violation)
            Issue.record(
                "seed \(failure.seed): \(failure.violation); again by 'freshet-bench simulate --seed \(failure.seed)'. Shrunk: \(violation)\n\(small)"
            )
        }
    }
}
