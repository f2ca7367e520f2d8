import FaultSimulation
import Testing

/// Bugs that the simulation has found, each with the smallest script that showed it.
@Suite struct FoundBySimulationTests {
    private func rating(_ user: Int, _ item: Int, at second: Int64) -> Step {
        .produce(Entry(.rating(user: user, item: item, value: 4), time: 1_600_000_000_000 + second * 1_000))
    }

    @Test("A gap that is passed over does not pass over what waits for memory")
    func gapBehindHeldBatches() {
        var setting = Setting()
        setting.usersLeave = true
        setting.batchMax = 3
        var steps: [Step] = []
        // More users than stay in memory: those that come last wait for a checkpoint.
        for round in 0..<12 {
            steps += (0..<3).map { rating(round * 3 + $0, $0, at: Int64(round * 3 + $0)) }
            steps.append(.deliver(3))
        }
        steps += (0..<4).map { rating($0, 9, at: 100 + Int64($0)) }
        steps += [.retain(1), .deliver(3)]
        let violation = Simulation(Script(setting, steps)).run()
        #expect(violation == nil)
    }

    @Test("What waited for memory when its partition was taken away is durable before another has it")
    func revokedBehindHeldBatches() {
        var setting = Setting()
        setting.usersLeave = true
        setting.batchMax = 3
        var steps: [Step] = []
        for round in 0..<10 {
            steps += (0..<3).map { rating(round * 3 + $0, $0, at: Int64(round * 3 + $0)) }
            steps += [.deliver(3), .revoke(0), .kill(.process, nil)]
        }
        let violation = Simulation(Script(setting, steps)).run()
        #expect(violation == nil)
    }

    @Test("After a restart rows are solved in the same turns, though the user of the last row was forgotten")
    func sweepAfterForget() {
        var setting = Setting()
        setting.learners = [.solved]
        var steps = (0..<8).map { rating($0 % 4, $0, at: Int64($0)) }
        steps += [.produce(Entry(.forget(user: 3), time: 1_600_000_020_000)), .deliver(64), .restart]
        steps += (0..<90).map { rating($0 % 3, $0 % 11, at: 30 + Int64($0)) }
        let violation = Simulation(Script(setting, steps)).run()
        #expect(violation == nil)
    }

    @Test("An engine that meets a gap beside a slow checkpoint stops once that has ended, and is waited for")
    func gapBehindSlowCheckpoint() {
        #expect(SimulationRuns.run(4_509).0 == nil)
    }

    @Test("Vectors of tags go on as without a restart, where new tags got the numbers of old ones")
    func retaggedBeforeARestart() {
        #expect(SimulationRuns.run(8_454).0 == nil)
    }

    @Test("What is no event, and is read again with its partition, is counted once")
    func deadLettersReadAgain() {
        #expect(SimulationRuns.run(3_092).0 == nil)
    }

    @Test("A state that was learned anew over a gap is not held against the one before")
    func digestOverGap() {
        #expect(SimulationRuns.run(4_877).0 == nil)
    }

    @Test("A partition of which nothing was handed out stands nowhere, though records of it are gone")
    func revokedBeforeAnythingCame() {
        #expect(SimulationRuns.run(10_365).0 == nil)
    }
}
