import FaultSimulation
import Testing

/// Checkers that find nothing prove nothing: each bug that is planted has to be found.
@Suite struct PlantedFlawTests {
    @Test("Every planted bug is found", arguments: PlantedFlaw.allCases)
    func found(_ flaw: PlantedFlaw) throws {
        let outcome = SimulationRuns.run(1..<200, flaw: flaw)
        let failure = try #require(
            outcome.failures.first, "\(flaw.words): not found in \(outcome.runs) seeds")
        // And it is the bug that is found: without it the same seed is clean.
        #expect(SimulationRuns.run(failure.seed).0 == nil)
    }

    @Test("A script that fails is shrunk to a small one that fails")
    func shrinks() throws {
        let flaw = PlantedFlaw.positionsFirst
        let failure = try #require(SimulationRuns.run(1..<200, flaw: flaw).failures.first)
        let drawn = SimulationRuns.script(failure.seed)
        let (small, violation) = Shrinking.shrink(drawn, failure.violation, flaw: flaw)
        #expect(small.steps.count < drawn.steps.count / 2 && small.steps.count < 12)
        #expect(Simulation(small, flaw: flaw).run() == violation)
        #expect(Simulation(small).run() == nil)
        #expect(small.description.contains("seed \(failure.seed)"))
    }
}
