public import ArgumentParser
import EventLog
public import Events
import Feeding
import Foundation
import RESP
import Reporting
import Settings
import TransportSecurity

/// `freshet feed`
struct FeedCommand: ParsableCommand {
    enum Target: String, ExpressibleByArgument, CaseIterable { case kafka, rpc }

    static let configuration = CommandConfiguration(
        commandName: "feed",
        abstract: "Replays files, or standard input, as a live stream of events.",
        discussion: """
            Files are known by what they begin with: JSON objects (one a line, pretty-printed, or an array), values \
            parted by commas, semicolons, tabs or pipes under a header, or MovieLens; gzip and UTF-16 are unpacked. \
            Ratings are fed in the order of time, items before them; standard input and JSON as they come. Lines \
            that are no events are reported with file and line and passed over. Columns are found by events.fields; \
            what is written has freshet's own names, so that every daemon reads it.

            Ctrl-C ends with the summary, after three seconds at most for what is on its way. Whatever ends feed before \
            the end of a file, it names the line to go on with.

            While the daemon restarts, or with --to kafka the broker is away, feed waits and goes on with the first event \
            that has no answer: for ever with standard input, for a minute or two with files.

            Examples:
              freshet feed movies.csv ratings.csv --wait            # until look-ups know all of it
              freshet feed ml-1m/ratings.dat --rate 1000 --limit 50000
              freshet feed ratings.csv.gz --to kafka --brokers localhost:9092 --topic ratings
              tail -F events.jsonl | freshet feed -

            Exit codes: 0 all events are in the log (of standard input those until an interruption), 1 some are not, 2 \
            all are, but lines that are no events were passed over (0 with --lenient), 64 usage, 65 input that cannot \
            be read, or nothing in it is an event, 69 daemon or broker not there, 78 configuration, 129, 130, 143 \
            interrupted by SIGHUP, SIGINT or SIGTERM before all events were in the log.
            """)

    /// How long what is on its way is waited for once somebody interrupts.
    private static let interruptedPatience: Duration = .seconds(3)

    @Argument(help: ArgumentHelp("Files, gzip or not; - is standard input.", valueName: "file"))
    var files: [String]
    @Option(help: "movielens, csv or jsonl; seen from the first line where absent.")
    var format: EventFile.Format?
    @Option(help: "Through the daemon's socket (rpc), or straight into the topic (kafka).")
    var to = Target.rpc
    @Option(help: ArgumentHelp("Configuration file (YAML).", valueName: "file"))
    var config: String?
    @Option(
        name: .customLong("set"), help: ArgumentHelp("One key of the configuration.", valueName: "key=value"))
    var settings: [String] = []
    @Option(
        help: ArgumentHelp(
            "The daemon's socket; rpc.socket of the configuration where absent.", valueName: "path"))
    var socket: String?
    @Option(help: ArgumentHelp("Kafka brokers; source.kafka.brokers where absent.", valueName: "host:port"))
    var brokers: String?
    @Option(help: ArgumentHelp("Kafka topic; source.kafka.topic where absent.", valueName: "name"))
    var topic: String?
    @Option(help: ArgumentHelp("Events a second; as fast as they are taken where absent.", valueName: "n"))
    var rate: Double?
    @Option(help: ArgumentHelp("Stop after this many events.", valueName: "n"))
    var limit: Int?
    @OptionGroup var credentials: CredentialOptions
    @Flag(inversion: .prefixedNo, help: "Put the events of files in the order of time.")
    var sort = true
    @Flag(help: "Stop at the first line that is no event.")
    var strict = false
    @Flag(help: "Exit with 0 though lines that are no events were passed over.")
    var lenient = false
    @Flag(help: "Return only once the daemon has learned all of it, so that look-ups know it.")
    var wait = false

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("name a file, or - for standard input") }
        guard files.filter({ $0 == "-" }).count <= 1 else { throw ValidationError("- may stand only once") }
        if let rate, !(rate > 0 && rate <= 1e9) {
            throw ValidationError("--rate is \(rate); allowed is above 0, to 1000000000")
        }
        if let limit, limit < 1 { throw ValidationError("--limit is \(limit); allowed is 1 or more") }
    }

    func run() throws {
        do {
            try feed()
        } catch let error as CommandError {
            throw error.report()
        } catch let error as ConfigurationError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as TransportSecurityError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as PasswordFileError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as EventFileError {
            throw CommandError("\(error)", code: .data).report()
        } catch let error as RPCClientError {
            throw CommandError("\(error)", code: .unavailable).report()
        } catch let error as EventLogError {
            throw CommandError("\(error)", code: .unavailable).report()
        }
    }

    private func feed() throws {
        let configuration = try loadConfiguration()
        let interrupts = Interrupts()
        let progress = EventProgress(isTerminal: Terminal.errorIsTerminal)
        // First the sink: who forgot to start the daemon need not wait for a big file to be read.
        let sink = try makeSink(configuration, interrupts)
        if wait, to != .rpc { _ = try FeedTargets.daemon(configuration, credentials) }
        var badLines = BadLineReport(progress: progress)
        var source = try FeedSource(
            FeedSource.Options(paths: files, format: format, sorts: sort, isStrict: strict),
            events: configuration.events.options, isCancelled: { interrupts.isRaised },
            onBadLine: { badLines.say($0) })
        var feeder = Feeder(
            limit: limit, rate: rate ?? 0, isCancelled: { interrupts.isRaised },
            progress: EventProgress(isTerminal: Terminal.errorIsTerminal))
        let result = Result { try feeder.run(&source, to: sink) }
        feeder.progress.clear()
        let receipts = sink.receipts
        // Answers that are missing come first: what was not sent is behind them.
        let place = interrupts.isRaised ? sink.firstUnanswered ?? (try? result.get()) : nil
        Terminal.write(
            FeedSummary.text(
                receipts, badLines: source.badLines, elapsed: feeder.progress.elapsed, goingOnWith: place))
        if place != nil, let code = interrupts.exitCode {
            if case .failure(let error) = result { Terminal.writeError("freshet: \(error)") }
            throw ExitCode(code)
        }
        _ = try result.get()
        source.warnings.forEach { Terminal.writeError($0) }
        tellWhoseConfiguration(source.firstBadLines)
        guard receipts.unacknowledged == 0 else { throw FeedSummary.failure(receipts) }
        if wait, receipts.acknowledged > 0 { try awaitLearning(receipts, configuration, interrupts) }
        guard !lenient, !interrupts.isRaised else { return }
        guard receipts.sent > 0 else {
            throw PassedOver.nothing(in: files, lines: source.badLines, first: source.firstBadLines)
        }
        if let failure = PassedOver.failure(lines: source.badLines, first: source.firstBadLines) {
            throw failure
        }
    }

    /// Signals and the range of ratings are those of this command's configuration: the daemon is not asked for its own, and may
    /// well know what is passed over here.
    private func tellWhoseConfiguration(_ passedOver: [BadLine]) {
        let words = ["the configuration knows", " is outside "]
        guard to == .rpc, passedOver.contains(where: { line in words.contains { line.reason.contains($0) } })
        else { return }
        Terminal.writeError(
            "freshet feed: lines are judged by this command's configuration (\(config ?? "the built-in one")), not by the "
                + "daemon's; where they differ, give it the daemon's by --config or --set")
    }

    /// The log holds the events; the daemon learns them at its own pace.
    private func awaitLearning(
        _ receipts: Receipts, _ configuration: Configuration, _ interrupts: Interrupts
    ) throws {
        let start = ContinuousClock.now
        var line = PassingLine(command: "feed", isTerminal: Terminal.errorIsTerminal)
        var wait = LearnedWait(
            connect: { try FeedTargets.daemon(configuration, credentials) },
            backoff: Backoff(isCancelled: { interrupts.isRaised }), isCancelled: { interrupts.isRaised },
            say: { line.show($0) })
        let result = Result { try wait.run(receipts.lastTokens) }
        line.clear()
        guard try result.get() else {
            return Terminal.writeError("freshet feed: not all of it is learned yet")
        }
        let seconds = (10 * (start.duration(to: .now) / .seconds(1))).rounded() / 10
        Terminal.write("learned: look-ups know all of it, \(seconds) s after the last event was fed")
    }

    private func loadConfiguration() throws -> Configuration {
        var settings = settings
        let environment = ProcessInfo.processInfo.environment
        if let socket { settings.append("rpc.socket=\(socket)") }
        if let brokers { settings.append("source.kafka.brokers=\(brokers)") }
        if let topic { settings.append("source.kafka.topic=\(topic)") }
        return try Configuration.load(file: config, environment: environment, settings: settings)
    }

    private func makeSink(
        _ configuration: Configuration, _ interrupts: Interrupts
    ) throws -> any EventSink {
        // Whoever writes into a pipe could not go on without this reader.
        let patience: Duration = files.contains("-") ? .seconds(Int64(1) << 40) : .seconds(60)
        // What is on its way is waited for a little.
        let isOver = { interrupts.age.map { $0 >= Self.interruptedPatience } ?? false }
        let backoff = Backoff(patience: patience, isCancelled: isOver)
        switch to {
        case .rpc:
            let connect: () throws -> any RPCConnection = {
                try InterruptibleConnection(
                    isCancelled: isOver,
                    open: { try FeedTargets.daemon(configuration, credentials) })
            }
            return RPCSink(
                try connect(), backoff: backoff, reconnect: connect,
                say: { Terminal.writeError("freshet feed: \($0)") })
        case .kafka:
            let log = try FeedTargets.kafka(configuration)
            return LogSink(log, options: configuration.events.options, backoff: backoff)
        }
    }
}

extension EventFile.Format: ExpressibleByArgument {}
