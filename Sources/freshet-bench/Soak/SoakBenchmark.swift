internal import ArgumentParser
internal import BenchmarkSupport
internal import Foundation
internal import SoakRuns

/// Whether the real program stays as large as it was, however long it runs.
struct SoakBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract:
            "Runs the real program under full load for a long time: memory, files, latencies and lag over time.",
        discussion: """
            A daemon on its embedded log, with retention, is fed over the socket and asked RECOMMEND all the while. At first \
            users come, up to --users, and it is killed at intervals; then it is left alone over these users and items; in \
            the last seventh of the time it is killed again. In the end every event sent has to have been learned once.

            The verdict is about the middle part: resident memory in its end against that after 2 million of its events (at most \
            1.05 x), and whether files grow.

            EXAMPLES
              freshet-bench soak --minutes 10 --csv soak.csv --svg soak.svg
              freshet-bench soak --minutes 120 --rate 20000 --users 50000 --set engine.factors=64

            EXIT CODES
              0 kept     1 not, or too short to tell
            """)

    @Option(help: "How long.") var minutes = 10.0
    @Option(help: "Events a second; 0: as many as are taken.") var rate = 40_000
    @Option(help: "Users that there are in the end.") var users = 5_000
    @Option(help: "Items.") var items = 2_000
    @Option(help: "Seconds between two kills.") var killEvery = 15.0
    @Option(help: "Events that the log keeps behind a checkpoint.") var retain = 200_000
    @Option(help: "Of the events.") var seed: UInt64 = 1
    @Option(help: "Where to write what was measured each second.") var csv: String?
    @Option(help: "Where to draw it.") var svg: String?
    @Option(help: "The daemon's program; the one beside this where absent.") var program: String?
    @Option(
        name: .customLong("set"), help: ArgumentHelp("One key of the configuration.", valueName: "key=value"))
    var settings: [String] = []

    func validate() throws {
        guard minutes > 0, rate >= 0, users > 0, items > 0, killEvery > 0, retain >= 0 else {
            throw ValidationError("numbers must be above 0")
        }
    }

    func run() throws {
        var options = SoakRun.Options()
        (options.seconds, options.rate, options.users, options.items) = (minutes * 60, rate, users, items)
        (options.killEvery, options.retainEvents, options.seed) = (killEvery, retain, seed)
        options.settings = settings
        let run = try SoakRun(program: program ?? Self.sibling, options)
        let result = try run.run { sample in
            guard Int(sample.seconds) % 30 == 0 else { return }
            Self.say(
                String(
                    format: "%4.0f s  %9d events, lag %7d, %4.0f MiB, look-ups %4.0f us, p99 %5.0f us",
                    sample.seconds, sample.events, sample.lag, Double(sample.residentBytes) / 1_048_576,
                    sample.median, sample.high))
        }
        try write(result.samples)
        tell(result)
        if let failure = result.failure { print("it ended before its time: \(failure)") }
        let isWhole = result.failure == nil && result.lost == 0 && result.doubled == 0
        guard let verdict = result.verdict else {
            print("too few events over the fixed population to tell: longer, or a higher --rate")
            throw ExitCode(1)
        }
        print(verdict.text)
        if !isWhole || !verdict.isKept { throw ExitCode(1) }
    }

    /// At once, also into a file.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    private func tell(_ result: SoakRun.Result) {
        let asked = result.samples.filter { $0.lookups > 0 }
        let worst = asked.map(\.high).sorted()
        let lag = result.samples.map(\.lag).max() ?? 0
        print(
            "\(result.kills) kills; \(result.sent) events sent, \(result.sentAgain) of them again, \(result.lost) lost, "
                + "\(result.doubled) doubled; lag at most \(lag)")
        guard !worst.isEmpty else { return }
        print(
            String(
                format: "look-ups by seconds: median of p50 %.0f us, of p99 %.0f us, highest p99 %.0f us",
                asked.map(\.median).sorted()[asked.count / 2], worst[worst.count / 2], worst[worst.count - 1])
        )
    }

    private func write(_ samples: [SoakSample]) throws {
        if let csv {
            let text = ([SoakSample.header] + samples.map(\.line)).joined(separator: "\n") + "\n"
            try Data(text.utf8).write(to: URL(fileURLWithPath: csv))
        }
        if let svg { try Data(SoakPicture.svg(samples).utf8).write(to: URL(fileURLWithPath: svg)) }
    }

    private static var sibling: String {
        let own = URL(fileURLWithPath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appendingPathComponent("freshet").path
    }
}
