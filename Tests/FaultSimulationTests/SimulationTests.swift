import FaultSimulation
import Foundation
import Testing

/// The engine on a log and a disk that fail. What fails here is run again by `freshet-bench simulate --seed N`. `FRESHET_SIMULATED_SEEDS` says how many seeds there
/// are.
@Suite struct SimulationTests {
    @Test("Whatever befalls log, disk and process, the promises hold")
    func seeds() {
        let outcome = SimulationRuns.run(1..<201, threads: 2)
        #expect(outcome.runs == 200)
        #expect(
            outcome.counts.crashes > 200 && outcome.counts.diskFaults > 20 && outcome.counts.records > 5_000)
        for failure in outcome.failures {
            let drawn = SimulationRuns.script(failure.seed)
            let (small, violation) = Shrinking.shrink(drawn, failure.violation)
            Issue.record(
                "seed \(failure.seed): \(failure.violation); again by 'freshet-bench simulate --seed \(failure.seed)'. Shrunk: \(violation)\n\(small)"
            )
        }
    }
}
