internal import ArgumentParser
internal import BenchmarkSupport
internal import Events
internal import Factors
internal import Foundation
internal import KillRuns

/// Whether anything is lost or learned twice, however often the program is killed.
struct KillsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kills",
        abstract:
            "Kills the real program at random and at named moments; says what was survived, lost and doubled.",
        discussion: """
            A daemon in deterministic mode learns a stream of invented ratings, from the embedded log and from Kafka \
            (librdkafka's mock cluster in another process), and is killed by SIGKILL: half of the times at a random moment, its \
            start included, else between two steps that belong together (in a checkpoint, between the commit of the state and \
            that of the offsets, in a generation's copy, in a restore). After each round it goes on to the end, where events \
            applied and digest have to be those of a daemon that nobody disturbed. A kill counts as survived where they are.

            EXAMPLES
              swift run -c release freshet-bench kills
              swift run -c release freshet-bench kills --count 500 --seed 3
              swift run -c release freshet-bench kills --count 40 --log kafka

            EXIT CODES
              0 all were survived     1 some were not
            """)

    enum Log: String, ExpressibleByArgument, CaseIterable { case embedded, kafka, both }

    @Option(help: "Kills of each log.") var count = 100
    @Option(help: "Kills of a round, after which the stream is learned to its end.") var round = 20
    @Option(help: "Events of the stream.") var events = 60_000
    @Option(help: "Of the moments and places.") var seed: UInt64 = 1
    @Option(help: "embedded, kafka or both.") var log = Log.both
    @Option(help: "The daemon's program; beside this one where absent.") var daemon: String?

    func validate() throws {
        guard count > 0, round > 0, events > 0 else { throw ValidationError("numbers must be above 0") }
    }

    private var program: String {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return daemon ?? own.deletingLastPathComponent().appendingPathComponent("freshet").path
    }

    func run() throws {
        let stream = try RecordedEvents(users: 2_000, items: 500, count: events, options: EventOptions())
        var isWhole = true
        if log != .kafka { isWhole = try tell(.embedded, stream) && isWhole }
        if log != .embedded {
            let topic = try MeasuredTopic(brokers: nil, partitions: 1)
            defer { topic.close() }
            try topic.fill(stream, compression: "lz4")
            isWhole = try tell(.kafka(topic), stream) && isWhole
        }
        if !isWhole { throw ExitCode(1) }
    }

    private func measure(_ source: KillSource, _ stream: RecordedEvents) throws -> KillTally {
        let run = try KillRun(program: program, source: source, events: stream)
        var (tally, random) = (KillTally(), KeyedRandom(seed: seed))
        while tally.kills < count {
            try run.round(kills: min(round, count - tally.kills), random: &random, into: &tally)
            // Hundreds take an hour.
            let line =
                "\(source.name): survived \(tally.survived) of \(tally.kills) so far, \(count) wanted\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        return tally
    }

    /// Whether all were survived.
    private func tell(_ source: KillSource, _ stream: RecordedEvents) throws -> Bool {
        let tally = try measure(source, stream)
        print(
            "\(source.name): survived \(tally.survived) of \(tally.kills), events lost \(tally.lost), doubled \(tally.doubled), "
                + "equal digests \(tally.equalDigests) of \(tally.rounds)")
        for (place, count) in tally.places.sorted(by: { $0.key < $1.key }) {
            print("    \(place == "moment" ? "at a random moment" : "at \(place)"): \(count)")
        }
        for words in tally.words { print("    \(words)") }
        return tally.survived == tally.kills
    }
}
