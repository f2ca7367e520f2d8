internal import Foundation
internal import Locking

/// Many seeds, one after the other on each thread.
package enum SimulationRuns {
    package struct Outcome: Sendable {
        package var runs = 0
        package var counts = SimulationCounts()
        /// Of the seeds that failed, lowest first, as far as they were looked for.
        package var failures: [Failure] = []
    }

    package struct Failure: Sendable {
        package var seed: UInt64
        package var violation: Violation
    }

    private struct Progress {
        var next: UInt64
        var outcome = Outcome()
    }

    /// One seed.
    package static func run(_ seed: UInt64, flaw: PlantedFlaw? = nil) -> (Violation?, SimulationCounts) {
        let simulation = Simulation(ScriptGenerator.script(seed), flaw: flaw)
        let violation = simulation.run()
        return (violation, simulation.counts)
    }

    /// The script of a seed.
    package static func script(_ seed: UInt64) -> Script { ScriptGenerator.script(seed) }

    /// - Parameters:
    ///   - threads: that each run one seed at a time; an engine has threads of its own.
    ///   - failuresMax: after so many no further seeds are begun.
    package static func run(
        _ seeds: Range<UInt64>, threads: Int = 1, flaw: PlantedFlaw? = nil, failuresMax: Int = 1,
        progress: @Sendable @escaping (Int) -> Void = { _ in }
    ) -> Outcome {
        let state = Lock(Progress(next: seeds.lowerBound))
        let group = DispatchGroup()
        for _ in 0..<max(1, threads) {
            let thread = Thread {
                while let seed = take(state, seeds, failuresMax) {
                    let (violation, counts) = run(seed, flaw: flaw)
                    let runs = state.withLock { state in
                        state.outcome.runs += 1
                        state.outcome.counts = state.outcome.counts + counts
                        if let violation {
                            state.outcome.failures.append(Failure(seed: seed, violation: violation))
                        }
                        return state.outcome.runs
                    }
                    progress(runs)
                }
                group.leave()
            }
            thread.stackSize = 8 << 20
            group.enter()
            thread.start()
        }
        group.wait()
        var outcome = state.withLock { $0.outcome }
        outcome.failures.sort { $0.seed < $1.seed }
        return outcome
    }

    private static func take(_ state: Lock<Progress>, _ seeds: Range<UInt64>, _ failuresMax: Int) -> UInt64? {
        state.withLock { state in
            guard state.next < seeds.upperBound, state.outcome.failures.count < failuresMax else {
                return nil
            }
            defer { state.next += 1 }
            return state.next
        }
    }
}
