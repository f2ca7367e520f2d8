public import ArgumentParser
import Evaluation
public import EvaluationRuns
import EventLog
import Events
import Foundation
import Plotting
import Reporting
import Settings
import State

/// `freshet evaluate`
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract:
            "Says how good algorithms are, beside baselines, by a protocol that is printed with each number.",
        discussion: """
            PROTOCOLS
              holdout         a part of the events is held out: a random one, with --by-time the last one by
                              time, with --by-user the last one of each user; with --hold-out items, users
                              or both all events of whole items or users, of which nothing but descriptions
                              is known: several splits, errors of ratings alone, beside means with and
                              without shrinkage
              leave-one-out   each user's last positive event is held out; with --seen allow the last basket,
                              all that the user liked at its last time, for which what was taken before competes
                              too; then all else is learned as prequential learns, by its algorithms
              prequential     each event is tested and then learned, in the order of time, by the daemon's own
                              live learners: what the live scores would be, but exact and over all items
              similarity      which items are rated alike, by the cosine of their residuals, out of what is said of
                              them: a part of the items is held out; content-similarity beside the cosine of
                              their tags, by Pearson's correlation over pairs, of items of --ratings-min ratings
              resubstitution  learns and tests on the same events: AUC over all cells, which says how well a
                              model remembers, not how well it predicts

            Where what was taken may come again (--seen allow), recall is told apart for repeats and for what is new
            to its user: within the full ranking, and ranked among nothing but what is new. Items of fewer
            than ten events are told apart by prequential too.

            Held-out items are ranked among all items that the user has not seen in training. --negatives adds a
            ranking against few items, for comparison with published numbers; it flatters, and is labelled.
            Tied scores are worth the mean over all orders of the tie. Of several events of one user and item,
            the last by time stands. Intervals come from resampling users. Settings are to be chosen with
            --validation, which holds the part out of the training data and leaves the test data unread; a
            number is honest only for settings that were chosen without it.

            ALGORITHMS
              sgd, bpr, warp, als and mlp learn for as many epochs, or sweeps, as their presets say, which were
              chosen on a validation part of ML-1M. als weighs a user's last events more, als-classical all
              alike; mlp has a network over rows alone, mlp:lambda=0.2 beside their product;
              popularity takes half-life, in positive events. features learns what tags (and the year in
              a title) say of a row's bias and factors, by ridge regression, and predicts by that where no
              event is known; svd-ridge does it by the singular vectors of what the means leave over, simec by a
              similarity encoder (input: features or identity): all predict ratings,
              and have factors and feature-regularization, features also sweeps, regularization,
              user-regularization and evidence, simec epochs, learning-rate and regularization.
              content-similarity, for similarity alone, has hidden, factors, epochs, learning-rate,
              regularization, dropout (of tags), hidden-dropout, batch-items and items-min. prequential takes sgd, bpr, warp, als and mlp
              by the daemon's defaults instead, and the models that count: popular, trending, repeat (what the user
              takes again) and next (what follows the user's last items). Settings are those of the configuration's models; all but
              prequential have factors and epochs too:
            \(settings)

            EXAMPLES
              Ratings, a random tenth held out; then the last tenth by time, at two numbers of factors:
                freshet evaluate --input ratings.csv --algorithm sgd
                freshet evaluate --input ratings.csv --algorithm sgd --algorithm sgd:factors=16 --by-time
              What descriptions say of items that nobody has rated:
                freshet evaluate --input movies.dat --input keywords.csv.gz --input ratings.csv \
                                 --hold-out items --algorithm features --algorithm svd-ridge --algorithm simec
              Whether tags tell which films are rated alike:
                freshet evaluate --input movies.dat --input keywords.csv.gz --input ratings.csv \
                                 --protocol similarity --algorithm content-similarity
              Choosing settings, with curves by epoch; then the one number to tell:
                freshet evaluate --input ratings.csv --protocol leave-one-out --validation \\
                                 --algorithm bpr --algorithm bpr:learning-rate=0.05,epochs=90 \\
                                 --output curves.csv
                freshet evaluate --input ratings.csv --algorithm bpr --protocol leave-one-out
              The split and the 99 negatives of He et al. 2017, whose files number users and items from 0:
                freshet evaluate --input ml-1m/ratings.csv.gz --protocol leave-one-out --positive any \\
                                 --negatives ml-1m/ncf.test.negative.gz --negatives-users +1 \\
                                 --negatives-items ml-1m/ncf_item_to_movieId.csv \\
                                 --algorithm als --algorithm warp --algorithm bpr
              On the stream, five stars alone, with curves over the moving window:
                freshet evaluate --input ml-1m/ratings.csv.gz --protocol prequential --filter 'rating >= 5' \\
                                 --algorithm als --algorithm warp --algorithm bpr:samples=8 --plot curves.svg
              Baskets with repeats, one liked event in 20 ranked; and a world whose truth is known:
                freshet evaluate --input baskets.csv --set 'events.signals={purchase: 1}' --seen allow \\
                                 --protocol prequential --sample 20 --algorithm repeat --algorithm next
                freshet simulate --world news --events 100000 --oracle best.csv > news.jsonl
                freshet evaluate --input news.jsonl --oracle best.csv --protocol prequential \\
                                 --algorithm trending --algorithm next
              What the daemon would have said of its models when event 0:40300 was the newest:
                freshet evaluate --from-log --as-of 0:40300 --protocol prequential --algorithm als
              How well a model tells what it learned from all else:
                freshet evaluate --input ratings.csv --protocol resubstitution --algorithm bpr

            Ctrl-C ends with the epoch or the measurement at hand, and nothing is reported; again, it ends at once.

            EXIT CODES
              0 done     1 a model diverged, and the others are reported; or interrupted, and nothing is
              2 done, but lines that are no events were passed over (0 with --lenient)
              64 usage     65 input     78 configuration
            """)

    /// By learner, as lines of the help, no longer than the others.
    private static var settings: String {
        ModelSettings.Learner.allCases.map { learner in
            let fields = ModelField.all.filter { $0.learners.contains(learner) && $0.name != "positive" }
            var lines = ["    " + learner.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)]
            for (place, field) in fields.enumerated() {
                let word = " \(field.name)\(place == fields.count - 1 ? "" : ",")"
                if lines[lines.count - 1].count + word.count > 98 {
                    lines.append(String(repeating: " ", count: 12))
                }
                lines[lines.count - 1] += word
            }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    @Option(
        help: ArgumentHelp(
            "Events: MovieLens, CSV or JSONL, gzip or not. May be repeated.", valueName: "file"))
    var input: [String] = []
    @Flag(help: "Evaluate on the log of the configuration instead: the embedded one, or the Kafka topic.")
    var fromLog = false
    @Option(
        help: ArgumentHelp(
            "With --from-log: up to the moment when these events were the newest, or to this time.",
            valueName: "token[,token…]|time"))
    var asOf: String?
    @Option(help: "movielens, csv or jsonl; seen from the first line where absent.")
    var format: EventFile.Format?
    @Option(help: ArgumentHelp("Configuration file (YAML); its events are read here.", valueName: "file"))
    var config: String?
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One key of the configuration, say events.fields.user=uid.", valueName: "key=value"))
    var settings: [String] = []
    @Flag(help: "Exit with 0 though lines that are no events were passed over.")
    var lenient = false
    @Option(
        name: .customLong("protocol"),
        help: "holdout, leave-one-out, prequential, resubstitution or similarity.")
    var protocolName = EvaluationRequest.ProtocolName.holdout
    @Option(
        help: ArgumentHelp(
            "sgd, bpr, warp, als, mlp, als-classical, popularity, features, svd-ridge, simec; on the stream popular, trending, repeat and next; with settings. May be repeated.",
            valueName: "name[:key=value,…]"))
    var algorithm: [AlgorithmArgument] = []
    @Option(help: "What counts as liked: 'any', 'rating >= X' or 'rating > X'. Signals always do.")
    var positive = "rating >= 4"
    @Option(help: "Leave out ratings that are not so: 'any', 'rating >= X' or 'rating > X'.")
    var filter = "any"
    @Option(
        help: ArgumentHelp(
            "Part of the events to hold out, 0.1 where absent; with --hold-out of the items or users, 0.3 (both: 0.15 and 0.2).",
            valueName: "0…1"))
    var testFraction: Double?
    @Option(
        help: ArgumentHelp(
            "Hold out whole items, users or both, of which descriptions alone are known (holdout).",
            valueName: "items|users|both"))
    var holdOut: EvaluationRequest.HeldOutWhole?
    @Option(help: ArgumentHelp("Splits measured together, with --hold-out; 5 where absent.", valueName: "n"))
    var splits: Int?
    @Option(
        help: ArgumentHelp("Ratings that an item has to have (similarity); 200 where absent.", valueName: "n")
    )
    var ratingsMin: Int?
    @Flag(help: "Hold out the last events by time.")
    var byTime = false
    @Flag(help: "Hold out the last events of each user.")
    var byUser = false
    @Flag(help: "Hold the part out of the training data instead, to choose settings by.")
    var validation = false
    @Option(
        help: ArgumentHelp(
            "Also rank against so many drawn items, or those that a file gives.", valueName: "n|file"))
    var negatives: String?
    @Option(help: ArgumentHelp("Ids of the users in that file: +n to add, or a map.", valueName: "+n|file"))
    var negativesUsers: String?
    @Option(help: ArgumentHelp("Ids of the items in that file: +n to add, or a map.", valueName: "+n|file"))
    var negativesItems: String?
    @Option(name: .customLong("at"), help: ArgumentHelp("N of the metrics. May be repeated.", valueName: "n"))
    var depths: [Int] = []
    @Option(help: "Of splits, draws, training and resampling.")
    var seed = 1
    @Option(help: ArgumentHelp("Resamples for the intervals; 0 for none.", valueName: "n"))
    var bootstrap = 1000
    @Option(help: "K where an algorithm does not say it.")
    var factors = 64
    @Option(
        help: ArgumentHelp(
            "Moving window of the curves (prequential); a tenth where absent.", valueName: "events"))
    var window: Int?
    @Option(
        help: ArgumentHelp(
            "Adds popularity that decays: half after so many positive events.", valueName: "events"))
    var popularityHalfLife = 0.0
    @Option(help: "Threads; one per core where absent. Prequential learns on one.")
    var shards: Int?
    @Option(
        help: ArgumentHelp(
            "Whether what was taken may be recommended again (prequential, leave-one-out): 'exclude', 'allow' or "
                + "'after 3 d', say; where absent 'exclude', of prequential the configuration's recommend.seen.",
            valueName: "rule"))
    var seen: String?
    @Option(
        help: ArgumentHelp(
            "Ranks one liked event in so many, drawn by the seed (prequential); all are learned.",
            valueName: "n"))
    var sample = 1
    @Flag(help: "Ranks what is rated below --positive as well: how much of it stands first (prequential).")
    var disliked = false
    @Option(
        help: ArgumentHelp(
            "What simulate --oracle wrote of these events: the best possible beside the models (prequential).",
            valueName: "file"))
    var oracle: String?
    @Flag(
        help:
            "Have tables describe all items before the first event, rather than each as it comes up (prequential)."
    )
    var describeFirst = false
    @Flag(help: "One JSON object per number on standard output.")
    var json = false
    @Option(help: ArgumentHelp("Curves as CSV: by epoch, or over the moving window.", valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "Curves as a picture (SVG), with bands of 95 % where they are over a moving window.",
            valueName: "file"))
    var plot: String?

    var isBatch: Bool { protocolName != .prequential && !isOfBaskets }
    /// Leave-one-out with repeats, which learns live.
    var isOfBaskets: Bool {
        protocolName == .leaveOneOut && (seen.flatMap { SeenRule($0) } ?? .exclude) != .exclude
    }

    func run() throws {
        do {
            try evaluate()
        } catch let error as CommandError {
            throw error.report()
        } catch let error as ConfigurationError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as EventFileError {
            throw CommandError("\(error)", code: .data).report()
        } catch let error as EventLogError {
            throw CommandError(error.message, code: error.code == .invalid ? .configuration : .unavailable)
                .report()
        } catch let error as EvaluationError {
            if case .nonFinite = error { throw CommandError("\(error)").report() }
            throw CommandError("\(error)", code: .data).report()
        }
    }

    /// What was asked for, as the run takes it; `validate` has seen to the rules.
    var request: EvaluationRequest {
        var request = EvaluationRequest(input: input)
        (request.format, request.protocolName, request.algorithms) = (format, protocolName, algorithm)
        request.positive = ModelSettings.Positive(positive) ?? .any
        request.filter = ModelSettings.Positive(filter) ?? .any
        let wholeFraction = holdOut == .both ? 0.15 : 0.3
        let fraction = protocolName == .similarity ? 0.2 : 0.1
        request.testFraction = testFraction ?? (holdOut == nil ? fraction : wholeFraction)
        request.ratingsMin = ratingsMin ?? 200
        request.userFraction = testFraction ?? 0.2
        (request.heldOutWhole, request.splits) = (holdOut, splits ?? 5)
        request.heldOut = byTime ? .byTime : byUser ? .byUser : .random
        request.isValidation = validation
        request.negatives = negatives
        (request.negativesUsers, request.negativesItems) = (negativesUsers, negativesItems)
        (request.depths, request.seed, request.resamples) = (depths, seed, bootstrap)
        (request.factors, request.window, request.threads) = (factors, window, shards)
        request.popularityHalfLife = popularityHalfLife
        request.wantsCurves = output != nil || plot != nil
        request.describesFirst = describeFirst
        (request.sample, request.ranksDisliked, request.oracle) = (sample, disliked, oracle)
        request.seen = seen.flatMap { SeenRule($0) } ?? .exclude
        return request
    }

    private func evaluate() throws {
        let progress = EvaluationProgress()
        // Before the work, so that what cannot be written is not found out after it.
        if let output { try Self.checkWritable(output, "--output") }
        if let plot { try Self.checkWritable(plot, "--plot") }
        let interrupts = Interrupts()
        var request = request
        let configuration = try Configuration.load(
            file: config, environment: ProcessInfo.processInfo.environment, settings: settings)
        request.events = configuration.events.options
        request.models = configuration.models
        request.signalHalfLife = configuration.histories.signalHalfLife
        request.priors = configuration.stateOptions.priors
        if fromLog {
            request.log = EvaluationRequest.Log(configuration, until: asOf.flatMap { LogMoment($0) })
        }
        if seen == nil, protocolName == .prequential { request.seen = configuration.stateOptions.seen }
        var run = EvaluationRun(request: request, progress: progress)
        run.isInterrupted = { interrupts.isRaised }
        let result = Result { try run.report() }
        progress.clear()
        let report = try result.get()
        if let output { try Self.write(report.curvesCSV, to: output, "--output") }
        if let plot { try Self.write(report.curvesPlot.svg, to: plot, "--plot") }
        Terminal.write(json ? try report.jsonLines() : report.text)
        if plot != nil, report.curves.isEmpty {
            throw CommandError(
                "--plot: \(protocolName.rawValue) draws no curves but with --validation; prequential does",
                code: .usage)
        }
        guard report.failures.isEmpty else { throw CommandError(report.failures.joined(separator: "\n")) }
        if !lenient, let failure = report.passedOver { throw failure }
    }

    /// What stands there stays until there is something to write.
    private static func checkWritable(_ path: String, _ option: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o666)
        guard descriptor >= 0 else { throw CommandError("\(option) \(path): \(errorText())") }
        close(descriptor)
    }

    private static func write(_ text: String, to path: String, _ option: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path))
        } catch {
            throw CommandError("\(option): \(FileProblem.words(error, writing: path))")
        }
    }
}

extension EvaluationRequest.ProtocolName: ExpressibleByArgument {}
extension EvaluationRequest.HeldOutWhole: ExpressibleByArgument {}
extension AlgorithmArgument: ExpressibleByArgument {}
