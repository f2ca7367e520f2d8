internal import ArgumentParser
internal import BenchmarkSupport
internal import FaultSimulation
internal import Foundation
internal import Locking

/// The engine on a log and a disk that fail, from seeds.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the engine on a log and a disk that fail, and checks what it promises.",
        discussion: """
            Each seed stands for an engine and for what befalls it: events of all kinds, kills and power cuts at any write, \
            failed and torn writes, full and slow disks, a broker that goes, answers that never come, partitions that are \
            taken away, retention, clocks that jump. A plain model of what events mean, which shares no code with the \
            engine, says what has to be there after each restart and at the end.

            A seed that fails is shrunk to a small script and printed. --planted puts bugs in, to see that they are found.

            EXAMPLES
              freshet-bench simulate --seeds 20000
              freshet-bench simulate --seed 4711
              freshet-bench simulate --planted
            """)

    @Option(help: "Seeds to run, from 1 on.") var seeds: UInt64 = 1_000
    @Option(help: "The first of them.") var from: UInt64 = 1
    @Option(help: "This one alone.") var seed: UInt64?
    @Option(help: "Seeds at a time.") var threads = 2
    @Flag(help: "Plants each known bug, and tells after how many seeds it is found.") var planted = false
    @Flag(help: "Prints the script of the seed that is run, or of the first one that fails, as it was drawn.")
    var script = false
    @Flag(help: "Prints JSON.") var json = false

    func validate() throws {
        guard seeds > 0, threads > 0, from &+ seeds > from else {
            throw ValidationError("numbers must be above 0")
        }
    }

    func run() throws {
        if planted { return try runPlanted() }
        let range = seed.map { $0..<$0 + 1 } ?? from..<from + seeds
        if script, let seed { print(SimulationRuns.script(seed)) }
        let start = ContinuousClock.now
        let outcome = SimulationRuns.run(range, threads: seed == nil ? threads : 1, failuresMax: 3) { runs in
            if !json, runs % 1_000 == 0 { print("\(runs) seeds") }
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        try report(outcome, seconds: seconds)
        guard let failure = outcome.failures.first else { return }
        explain(failure)
        throw ExitCode.failure
    }

    private func report(_ outcome: SimulationRuns.Outcome, seconds: Double) throws {
        let counts = outcome.counts
        let milliseconds = seconds * 1_000 / Double(max(1, outcome.runs))
        if json {
            var figures = Figures(benchmark: "simulate", parameters: ["seeds": Double(outcome.runs)])
            figures.figures = [
                "failed": Double(outcome.failures.count), "ms-per-seed": milliseconds,
                "records": Double(counts.records), "starts": Double(counts.starts),
                "crashes": Double(counts.crashes), "disk-faults": Double(counts.diskFaults),
                "checkpoints": Double(counts.checkpoints), "records-gone": Double(counts.skipped),
                "checks": Double(counts.checks),
            ]
            return try figures.printJSON()
        }
        print(
            """
            \(outcome.runs) seeds, \(outcome.failures.count) failed; \(String(format: "%.1f", milliseconds)) ms each
            \(counts.records) records, \(counts.starts) starts, \(counts.crashes) crashes, \(counts.diskFaults) disk faults, \
            \(counts.checkpoints) checkpoints, \(counts.skipped) records gone, \(counts.checks) full checks
            """)
    }

    private func explain(_ failure: SimulationRuns.Failure) {
        let drawn = SimulationRuns.script(failure.seed)
        if script, seed == nil { print(drawn) }
        print("seed \(failure.seed): \(failure.violation)")
        print("again: freshet-bench simulate --seed \(failure.seed)")
        guard !json else { return }
        let (small, violation) = Shrinking.shrink(drawn, failure.violation)
        print("shrunk from \(drawn.steps.count) to \(small.steps.count) steps: \(violation)")
        print(small)
    }

    private func runPlanted() throws {
        var missed = 0
        for flaw in PlantedFlaw.allCases {
            let outcome = SimulationRuns.run(from..<from + seeds, threads: 1, flaw: flaw)
            if let failure = outcome.failures.first {
                print(
                    "\(flaw.rawValue): found by seed \(failure.seed), after \(outcome.runs) seeds: \(failure.violation.what)"
                )
            } else {
                missed += 1
                print("\(flaw.rawValue): not found in \(outcome.runs) seeds")
            }
        }
        print("\(PlantedFlaw.allCases.count - missed) of \(PlantedFlaw.allCases.count) planted bugs found")
        if missed > 0 { throw ExitCode.failure }
    }
}
