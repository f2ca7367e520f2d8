internal import ArgumentParser

@main
struct FreshetBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet-bench",
        abstract: "Measures Freshet; each figure stands beside a baseline taken in the same run.",
        subcommands: [StreamBenchmark.self])
}
