import ArgumentParser
import Checkpoints
import EventLog
import Events
import Foundation
import HistoryTraining
import Reporting
import Settings
import Training

/// `freshet train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains models on history, and writes the state that `serve` goes on from.",
        discussion: """
            History is a file (MovieLens, CSV, JSONL, gzip or not; - is standard input) or the log of the \
            configuration itself. Ids, histories, titles, counts and popularity come out as if a daemon had learned \
            it all; only the factors are trained in epochs, or sweeps for als, on what stands in the end.

            First a part of what each model learns from is held back, and the model is trained on the rest until the \
            figure on that part has not got better for --patience epochs. Then it is trained anew on everything, for \
            as many epochs as were best. The figure is RMSE for sgd; for the others NDCG@10 over all items that a \
            user has not seen, of up to 1,000 users drawn.

            The models are those of the configuration, as for `serve`, or those named by --algorithm. Settings that a \
            model is given hold for its epochs and on the stream. What is not set is the preset of `freshet evaluate` \
            for the epochs, and the daemon's default on the stream; als takes the daemon's for both, as the stream \
            goes on solving the same rows. --batch sets something for the epochs alone.

            From a file the state has no position: the daemon reads its log from the beginning, so what the file \
            holds should not be in the log too, or source.kafka.start should be latest or a time. From the log the \
            state stands where reading ended, and the daemon goes on from there; malformed records are put aside as \
            by the daemon.

            Ctrl-C ends with the epoch, and nothing is written. The output appears whole or not at all.

            EXAMPLES
              freshet train --input ml-1m/movies.dat ml-1m/ratings.dat --algorithm als \\
                            --output state/state.sqlite
              freshet train --input ratings.csv.gz --algorithm stars=sgd \\
                            --algorithm likes=bpr:positive='rating > 3' --output state/state.sqlite
              freshet train --from-log --set source.kind=kafka --output state/state.sqlite \\
                            --set source.kafka.brokers=kafka1:9092

            EXIT CODES
              0   written                      1   diverged, or interrupted
              65  nothing to learn from        69  the log cannot be read
              75  a freshet uses the folder    78  the configuration is wrong
              73  the output is there already or cannot be written
              2   written, but lines of files that are no events were passed over (0 with --lenient)
            """)

    @Option(
        name: .customLong("input"), parsing: .upToNextOption,
        help: ArgumentHelp("Files of events; - is standard input.", valueName: "file"))
    var inputs: [String] = []
    @Option(help: "movielens, csv or jsonl; seen from the first line where absent.")
    var format: EventFile.Format?
    @Flag(help: "Learn from the log of the configuration instead: the embedded one, or the Kafka topic.")
    var fromLog = false
    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "First offset of the log; partition:offset, with commas between, where there are several.",
            valueName: "offset"))
    var from: String?
    @Option(
        name: .customLong("to"),
        help: ArgumentHelp(
            "One past the last offset; what is there at the start where absent.", valueName: "offset"))
    var to: String?
    @Option(help: ArgumentHelp("The state to write, say FOLDER/state.sqlite.", valueName: "path"))
    var output: String
    @Flag(help: "Replace a state that is there already.")
    var force = false

    @Option(
        name: .customLong("algorithm"),
        help: ArgumentHelp(
            "A model instead of the configured ones: sgd, bpr, warp or als, with a name and settings if you like; may "
                + "be repeated.",
            valueName: "[name=]learner[:key=value,…]"))
    var algorithms: [String] = []
    @Option(help: ArgumentHelp("A YAML file, as for serve.", valueName: "file"))
    var config: String?
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "key=value, over the file and the environment; may be repeated.", valueName: "key=value"))
    var settings: [String] = []
    @Option(
        name: .customLong("batch"),
        help: ArgumentHelp(
            "model.key=value, for the epochs and not for the stream, say likes.learning-rate=0.02; may be repeated.",
            valueName: "model.key=value"))
    var batchSettings: [String] = []
    @Option(help: ArgumentHelp("engine.factors.", valueName: "n"))
    var factors: Int?
    @Option(help: ArgumentHelp("engine.seed.", valueName: "n"))
    var seed: Int?
    @Option(help: ArgumentHelp("Queues that train side by side; 0 takes one per core.", valueName: "n"))
    var shards: Int?

    @Option(
        name: [.customLong("epochs"), .customLong("sweeps")],
        help: ArgumentHelp("Most epochs; a default of the learner's own where absent.", valueName: "n"))
    var epochs: Int?
    @Option(
        help: ArgumentHelp(
            "Epochs without a better figure before training stops; 3 where absent, or more for little data.",
            valueName: "n"))
    var patience: Int?
    @Option(
        help: ArgumentHelp(
            "Part of the history held back to choose the number of epochs; 0 trains for all of them.",
            valueName: "x"))
    var validationFraction = 0.1
    @Flag(inversion: .prefixedNo, help: "Put the events of files in the order of time.")
    var sort = true
    @Flag(help: "Stop at the first line that is no event.")
    var strict = false
    @Flag(help: "Exit with 0 though lines of files that are no events were passed over.")
    var lenient = false
    @Flag(help: "Print the summary as JSON.")
    var json = false

    func validate() throws {
        guard fromLog != !inputs.isEmpty else {
            throw ValidationError(
                "name a file by --input (- is standard input), or say --from-log; one of the two")
        }
        guard inputs.filter({ $0 == "-" }).count <= 1 else { throw ValidationError("- may stand only once") }
        if !fromLog, from != nil || to != nil {
            throw ValidationError("--from and --to are offsets of the log; they need --from-log")
        }
        _ = try range()
        if let epochs, !(1...100_000).contains(epochs) {
            throw ValidationError("--epochs is \(epochs); allowed is 1 to 100000")
        }
        if let patience, !(1...100_000).contains(patience) {
            throw ValidationError("--patience is \(patience); allowed is 1 to 100000")
        }
        guard (0...0.5).contains(validationFraction) else {
            throw ValidationError("--validation-fraction is \(validationFraction); allowed is 0 to 0.5")
        }
        guard !output.isEmpty, !output.hasSuffix("/") else {
            throw ValidationError("--output is '\(output)'; name a file, say freshet-state/state.sqlite")
        }
    }

    func range() throws -> LogRange {
        func bound(_ text: String?, _ option: String) throws -> LogRange.Bound {
            guard let text else { return .whole }
            guard let bound = LogRange.Bound(text) else {
                throw ValidationError(
                    "\(option) is '\(text)'; allowed is an offset, or partition:offset with commas between")
            }
            return bound
        }
        return try LogRange(from: bound(from, "--from"), to: bound(to, "--to"))
    }

    /// What was asked for, as the run takes it.
    func request() throws -> TrainingRequest {
        var request = TrainingRequest(
            fromLog ? .log(try range()) : .files(inputs, format: format, sorts: sort), output: output)
        (request.replaces, request.isStrict) = (force, strict)
        (request.algorithms, request.config) = (algorithms, config)
        (request.settings, request.batchSettings) = (settings, batchSettings)
        (request.factors, request.seed, request.shards) = (factors, seed, shards)
        (request.epochs, request.patience) = (epochs, patience)
        request.validationFraction = validationFraction
        return request
    }

    func run() throws {
        do {
            let interrupts = Interrupts()
            let run = try TrainingRun(
                request(), environment: ProcessInfo.processInfo.environment,
                isInterrupted: { interrupts.isRaised })
            // What is learned of people, and what they said, is for this user and group alone.
            umask(0o027)
            // A file at the process's size limit is then an error like a full disk.
            signal(SIGXFSZ, SIG_IGN)
            let summary = try run.run()
            Terminal.write(json ? try summary.json() : summary.text)
            if !lenient, let failure = summary.passedOver { throw failure }
        } catch let error as CommandError {
            throw error.report()
        } catch let error as ConfigurationError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as EventFileError {
            throw CommandError("\(error)", code: .data).report()
        } catch let error as TrainingError {
            throw CommandError("\(error); nothing is written").report()
        } catch let error as StateError {
            throw CommandError(error.message, code: error.code == .locked ? .inUse : .cannotCreate).report()
        } catch let error as EventLogError {
            throw CommandError(error.message, code: error.code == .invalid ? .configuration : .unavailable)
                .report()
        }
    }
}
