internal import ArgumentParser
internal import BenchmarkSupport
internal import DescribedRuns
internal import Foundation

/// What descriptions cost.
struct DescribedBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "described",
        abstract:
            "Time until a described item is found and recommended, and the rate of learning with and without priors.",
        discussion: """
            A daemon of its own learns a simulated catalogue; then items are described one after the other, and each is \
            searched for and asked to be recommended, AFTER its token. Then the same described stream is learned \
            with and without priors, out of memory, in turn, one shard.

            What a search costs beside a recommendation is said by: freshet-bench lookups --no-in-process --no-socket \
            --command SEARCH; what a solution of priors costs by: freshet-bench priors.

            EXAMPLES
              swift run -c release freshet-bench described
            """)

    @Option(help: "Items that are described.") var count = 500
    @Option(help: "Items of the catalogue before.") var items = 10_000
    @Option(help: "Events of the learning runs.") var events = 1_000_000
    @Option(help: "Tags of their catalogue.") var tags = 1_200
    @Option(help: "Runs of either kind.") var runs = 3
    @Option(help: "The daemon's program; beside this one where absent.") var daemon: String?

    func validate() throws {
        guard count > 0, items > 0, events > 0, runs > 0 else {
            throw ValidationError("numbers must be above 0")
        }
    }

    func run() throws {
        let program =
            daemon
            ?? URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("freshet").path
        let measured = try MeasuredDaemon(
            program: program, items: items, factors: 64, seen: 40, settings: [])
        defer { measured.stop() }
        let described = try DescribedItems(measured).measure(count, model: "stars")
        for (name, latencies) in [
            ("found by SEARCH", described.searchable), ("and recommended", described.recommendable),
        ] {
            print(
                String(
                    format: "a described item %@: p50 %.2f ms, p99 %.2f ms (asked 50)", name,
                    latencies.microseconds(50) / 1e3, latencies.microseconds(99) / 1e3))
        }
        print("\(described.missed) of \(count) missed")
        let learning = try LearningWithPriors(users: 2_000, items: items, events: events, tags: tags)
        let best = try learning.measure(runs: runs).best
        Report.print([
            Comparison(
                name: "\(learning.events) events, sgd with priors", ours: best.with,
                baselineName: "without priors", baseline: best.without, unit: "events/s")
        ])
    }
}
