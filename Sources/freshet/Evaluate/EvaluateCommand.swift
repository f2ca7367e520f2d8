import ArgumentParser
import Evaluation
import Events
import Foundation

/// `freshet evaluate`
struct EvaluateCommand: ParsableCommand {
    enum ProtocolName: String, ExpressibleByArgument, CaseIterable {
        case holdout, prequential, resubstitution
        case leaveOneOut = "leave-one-out"
    }

    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract:
            "Says how good algorithms are, beside baselines, by a protocol that is printed with each number.",
        discussion: """
            PROTOCOLS
              holdout         a part of the events is held out: a random one, with --by-time the last one by
                              time, with --by-user the last one of each user
              leave-one-out   each user's last positive event is held out
              prequential     each event is tested and then learned, in the order of time, by the daemon's own
                              live learners: what the live scores would be, but exact and over all items
              resubstitution  learns and tests on the same events: AUC over all cells, which says how well a
                              model remembers, not how well it predicts

            Held-out items are ranked among all items that the user has not seen in training. --negatives adds a
            ranking against few items, for comparison with published numbers; it flatters, and is labelled.
            Tied scores are worth the mean over all orders of the tie. Of several events of one user and item,
            the last by time stands. Intervals come from resampling users. Settings are to be chosen with
            --validation, which holds the part out of the training data and leaves the test data unread; a
            number is honest only for settings that were chosen without it.

            EXAMPLES
              freshet evaluate --input ratings.csv --algorithm sgd --algorithm sgd:factors=16 --by-time
              freshet evaluate --input ratings.csv --protocol leave-one-out --algorithm bpr --algorithm als
              freshet evaluate --input ratings.csv --protocol prequential --algorithm bpr --output curves.csv
              freshet evaluate --input ratings.csv --algorithm als:alpha=5 --algorithm als:alpha=20 --validation

            EXIT CODES
              0 done     1 a model diverged; the others are reported     64 usage     65 input
            """)

    @Option(
        help: ArgumentHelp(
            "Events: MovieLens, CSV or JSONL, gzip or not. May be repeated.", valueName: "file"))
    var input: [String] = []
    @Option(help: "movielens, csv or jsonl; guessed by name and first line where absent.")
    var format: EventFile.Format?
    @Option(name: .customLong("protocol"), help: "holdout, leave-one-out, prequential or resubstitution.")
    var protocolName = ProtocolName.holdout
    @Option(
        help: ArgumentHelp(
            "sgd, bpr, warp or als, with settings. May be repeated.", valueName: "name[:key=value,…]"))
    var algorithm: [AlgorithmArgument] = []
    @Option(help: "What counts as liked: 'any', 'rating >= X' or 'rating > X'. Signals always do.")
    var positive = "rating >= 4"
    @Option(help: "Leave out ratings that are not so: 'any', 'rating >= X' or 'rating > X'.")
    var filter = "any"
    @Option(help: ArgumentHelp("Part of the events to hold out.", valueName: "0…1"))
    var testFraction = 0.1
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
    @Flag(help: "One JSON object per number on standard output.")
    var json = false
    @Option(help: ArgumentHelp("Curves as CSV: by epoch, or over the moving window.", valueName: "file"))
    var output: String?

    private var isBatch: Bool { protocolName != .prequential }

    func validate() throws {
        guard !input.isEmpty else { throw ValidationError("name a file of events with --input") }
        try checkRanges()
        try checkCombinations()
        for (name, text) in [("--positive", positive), ("--filter", filter)] {
            guard ModelSettings.Positive(text) == nil else { continue }
            throw ValidationError("\(name) is '\(text)', allowed is \(ModelSettings.Positive.allowed)")
        }
        let texts = algorithm.map(\.text)
        if let twice = texts.first(where: { text in texts.count { $0 == text } > 1 }) {
            throw ValidationError("--algorithm \(twice) is given twice")
        }
    }

    private func checkRanges() throws {
        func check(_ name: String, _ value: String, _ isAllowed: Bool, _ allowed: String) throws {
            if !isAllowed { throw ValidationError("\(name) is \(value), allowed is \(allowed)") }
        }
        try check(
            "--test-fraction", "\(testFraction)", testFraction > 0 && testFraction < 1, "above 0, below 1")
        for depth in depths { try check("--at", "\(depth)", (1...1000).contains(depth), "1 to 1000") }
        try check("--bootstrap", "\(bootstrap)", (0...100_000).contains(bootstrap), "0 to 100000")
        let isMultiple = (8...1024).contains(factors) && factors.isMultiple(of: 8)
        try check("--factors", "\(factors)", isMultiple, "8 to 1024, a multiple of 8")
        if let window { try check("--window", "\(window)", window >= 1, "1 or more") }
        let isHalfLife = popularityHalfLife == 0 || (1...1e9).contains(popularityHalfLife)
        try check("--popularity-half-life", "\(popularityHalfLife)", isHalfLife, "1 to 1e9, or 0 for none")
        if let shards { try check("--shards", "\(shards)", (1...256).contains(shards), "1 to 256") }
        if let negatives, let count = Int(negatives) {
            try check("--negatives", negatives, count >= 1, "1 or more, or a file")
        }
    }

    private func checkCombinations() throws {
        if byTime && byUser { throw ValidationError("--by-time and --by-user are two ways; name one") }
        if (byTime || byUser) && protocolName != .holdout {
            throw ValidationError("--by-time and --by-user are for --protocol holdout")
        }
        let hasFile = negatives.map { Int($0) == nil } ?? false
        if negatives != nil, protocolName != .holdout, protocolName != .leaveOneOut {
            throw ValidationError("--negatives is for --protocol holdout and leave-one-out")
        }
        if hasFile, protocolName != .leaveOneOut {
            throw ValidationError(
                "a file of negatives names the pairs to leave out: --protocol leave-one-out")
        }
        if !hasFile, negativesUsers != nil || negativesItems != nil {
            throw ValidationError(
                "--negatives-users and --negatives-items explain a file; name it with --negatives")
        }
        if validation, protocolName != .holdout, protocolName != .leaveOneOut {
            throw ValidationError("--validation is for --protocol holdout and leave-one-out")
        }
        if isBatch, window != nil { throw ValidationError("--window is for --protocol prequential") }
    }

    func run() throws {
        do {
            try evaluate()
        } catch let error as CommandError {
            throw error.report()
        } catch let error as EventFileError {
            throw CommandError("\(error)", code: .data).report()
        } catch let error as EvaluationError {
            if case .nonFinite = error { throw CommandError("\(error)").report() }
            throw CommandError("\(error)", code: .data).report()
        }
    }

    private func evaluate() throws {
        let progress = EvaluationProgress()
        // Before the work, so that what cannot be written is not found out after it.
        if let output { try Self.write("", to: output) }
        let report = try EvaluationRun(command: self, progress: progress).report()
        progress.clear()
        if let output { try Self.write(report.curvesCSV, to: output) }
        Terminal.write(json ? try report.jsonLines() : report.text)
        guard report.failures.isEmpty else { throw CommandError(report.failures.joined(separator: "\n")) }
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path))
        } catch {
            throw CommandError("--output \(path): \(error.localizedDescription)")
        }
    }
}
