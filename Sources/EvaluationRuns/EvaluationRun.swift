// EvaluationRuns: algorithms put to the test beside baselines, by a protocol that is told with each number.
//
// Here live the request, the reading of events, the training of each algorithm or its replay through the daemon's own
// learners, and the report. Metrics, splits and intervals come from `Evaluation`, which knows of no algorithm and no
// file. What never comes in: a running daemon, its state or its log, and command lines.

import Evaluation
import EventLog
import Events
import Feeding
import Foundation
import Logging
import Reporting
import Settings
import State

/// One run of `freshet evaluate`: from the request to the report.
///
/// ```swift
/// var request = EvaluationRequest(input: ["ratings.csv"])
/// request.algorithms = ["sgd", "bpr:factors=32"].compactMap { AlgorithmArgument(argument: $0) }
/// request.protocolName = .leaveOneOut
/// Terminal.write(try EvaluationRun(request: request, progress: EvaluationProgress()).report().text)
/// ```
public struct EvaluationRun {
    private static let badLinesSaid = 10

    private let request: EvaluationRequest
    private let progress: EvaluationProgress
    /// Asked again and again; once it is so, the work ends without a report.
    public var isInterrupted: () -> Bool = { false }

    /// Reads nothing yet; `report` does all the work.
    public init(request: EvaluationRequest, progress: EvaluationProgress) {
        (self.request, self.progress) = (request, progress)
    }

    /// Reads the events, trains or replays, and measures; blocks until all is done.
    ///
    /// - Returns: the numbers; algorithms that diverged are named in `failures`, and the others stand.
    /// - Throws: `CommandError` for an algorithm or a setting that there is not, and when interrupted;
    ///   `EventFileError`; `EvaluationError` where there is nothing to measure on.
    public func report() throws -> EvaluationReport {
        progress.say("reading \(inputName)", isStep: true)
        let input = try readInput()
        let bootstrap = Bootstrap(resamples: request.resamples, seed: UInt64(bitPattern: Int64(request.seed)))
        var report =
            switch request.protocolName {
            case .prequential: try prequential(input, bootstrap)
            case .holdout where request.heldOutWhole != nil: try coldStart(input, bootstrap)
            case .leaveOneOut where request.seen != .exclude: try lastBaskets(input, bootstrap)
            case .similarity: try similarity(input, bootstrap)
            case .holdout, .leaveOneOut, .resubstitution: try batch(input, bootstrap)
            }
        try goesOn()
        // Of a log they are dead letters, which its daemon has put aside.
        if request.log != nil { return report }
        report.passedOver = PassedOver.failure(lines: input.badLines, first: input.firstBadLines)
        return report
    }

    /// What is measured in part would stand for the whole.
    private func goesOn() throws {
        if isInterrupted() { throw CommandError("interrupted; nothing is reported") }
    }

    private var positive: ModelSettings.Positive { request.positive }
    private var filter: ModelSettings.Positive { request.filter }
    private var depths: [Int] { request.depths.isEmpty ? [10] : request.depths.uniqued.sorted() }
    private var workers: Int { request.threads ?? ProcessInfo.processInfo.activeProcessorCount }

    private var inputName: String {
        guard let log = request.log else { return request.input.joined(separator: ", ") }
        let place =
            log.configuration.source.kind == .kafka
            ? "topic '\(log.configuration.source.kafka.topic)'"
            : "the log in \(log.configuration.state.folder)"
        guard let moment = log.moment else { return place }
        switch moment {
        case .tokens(let offsets):
            let tokens = offsets.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            return "\(place), as of \(tokens.joined(separator: ","))"
        case .time(let time): return "\(place), as of \(time) ms"
        }
    }

    private func readLog(_ log: EvaluationRequest.Log) throws -> EvaluationInput {
        let path = log.configuration.state.folder + "/log.sqlite"
        if log.configuration.source.kind == .embedded, !FileManager.default.fileExists(atPath: path) {
            throw CommandError(
                "there is no embedded log at \(path); name its folder by --set state.folder=…, or a topic by "
                    + "--set source.kind=kafka", code: .unavailable)
        }
        var logger = Logger(label: "freshet", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        let opened = try log.configuration.openLog(logger: logger)
        defer { opened.close() }
        var said = 0
        return try EvaluationInput(
            opened, until: log.moment, filter: filter, options: request.events,
            onBadLine: { line in
                said += 1
                if said <= Self.badLinesSaid { progress.note(line) }
            }, goesOn: goesOn)
    }

    private func readInput() throws -> EvaluationInput {
        if let log = request.log { return try readLog(log) }
        var said = 0
        let input = try EvaluationInput(
            paths: request.input, format: request.format, filter: filter, options: request.events,
            onBadLine: { line in
                said += 1
                if said <= Self.badLinesSaid { progress.note("\(line)") }
                if said == Self.badLinesSaid { progress.note("further bad lines are only counted") }
            }, goesOn: goesOn)
        input.warnings.forEach { progress.note($0) }
        return input
    }

    /// What holds for every protocol.
    private func setup(_ input: EvaluationInput) -> EvaluationProtocol {
        var setup = EvaluationProtocol(name: request.protocolName.rawValue)
        setup.add("input", inputName)
        if input.badLines > 0 { setup.add("bad lines", "\(NumberText.grouped(input.badLines)) passed over") }
        if filter != .any {
            setup.add(
                "filter", "\(filter.text), which left out \(NumberText.grouped(input.filtered)) ratings")
        }
        setup.add("positive", positive.text)
        setup.add("seed", String(request.seed))
        setup.add("intervals", "\(request.resamples) resamples of users, percentiles (Efron 1979)")
        return setup
    }

    // MARK: - Protocols

    private func prequential(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let events = input.stream.filter { !$0.isDescription }
        var options = liveOptions(events)
        options.truths = try request.oracle.map { try OracleFile(path: $0, stream: events).truths }
        var evaluation = try PrequentialEvaluation(options)
        try evaluation.run(input.describedStream(first: request.describesFirst)) { learned in
            try tell(learned, of: events.count)
        }
        var setup = setup(input)
        setup.add("events", NumberText.grouped(events.count))
        if let oracle = request.oracle { setup.add("oracle", "\(oracle): knows how the events came about") }
        progress.say("resampling", isStep: true)
        return evaluation.report(setup, bootstrap: bootstrap)
    }

    /// Leave-one-out where what was taken may be taken again: by the live learners, as histories hold no repeats.
    private func lastBaskets(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let events = input.stream.filter { !$0.isDescription }
        var evaluation = try LastBasketEvaluation(liveOptions(events))
        try evaluation.run(events) { learned in try tell(learned, of: events.count) }
        var setup = setup(input)
        setup.add("events", NumberText.grouped(events.count))
        progress.say("resampling", isStep: true)
        return evaluation.report(setup, bootstrap: bootstrap)
    }

    private func liveOptions(_ events: [Event]) -> PrequentialEvaluation.Options {
        PrequentialEvaluation.Options(
            algorithms: request.algorithms, configured: request.models, positive: positive, depths: depths,
            factors: request.factors,
            seed: request.seed, window: request.window ?? max(1, events.count / 10),
            popularityHalfLife: request.popularityHalfLife, seen: request.seen,
            signals: request.events.signals, signalHalfLife: request.signalHalfLife, sample: request.sample,
            ranksDisliked: request.ranksDisliked,
            describesFirst: request.describesFirst, priors: request.priors)
    }

    private func tell(_ learned: Int, of events: Int) throws {
        progress.say("learned \(NumberText.grouped(learned)) of \(NumberText.grouped(events)) events")
        try goesOn()
    }

    private func batch(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let dataset = input.dataset(positive: positive)
        guard !dataset.observations.isEmpty else {
            throw EvaluationError.emptyPart("nothing stands of the events: all were taken back")
        }
        let evaluation = BatchEvaluation(
            dataset: dataset, descriptions: input.gathering.descriptions(of: dataset),
            options: try batchOptions(dataset), workers: workers, bootstrap: bootstrap,
            progress: progress, goesOn: goesOn)
        return try evaluation.report(setup(input))
    }

    /// Rows held out whole: what descriptions are worth.
    private func coldStart(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let dataset = input.dataset(positive: positive)
        guard dataset.ratings > 0 else {
            throw EvaluationError.emptyPart("there are no ratings, and --hold-out measures nothing else")
        }
        let rule: SplitRule =
            switch request.heldOutWhole {
            case .users: .users(fraction: request.testFraction)
            case .both: .itemsAndUsers(items: request.testFraction, users: request.userFraction)
            case .items, nil: .items(fraction: request.testFraction)
            }
        let evaluation = ColdStartEvaluation(
            dataset: dataset, descriptions: input.gathering.descriptions(of: dataset),
            options: ColdStartEvaluation.Options(
                algorithms: request.algorithms, rule: rule, splits: request.splits, factors: request.factors,
                seed: request.seed),
            workers: workers, bootstrap: bootstrap, progress: progress, goesOn: goesOn)
        return try evaluation.report(setup(input))
    }

    /// Which items are rated alike, out of what is said of them.
    private func similarity(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let dataset = input.dataset(positive: positive)
        guard dataset.ratings > 0 else {
            throw EvaluationError.emptyPart(
                "there are no ratings, and similarity is measured by nothing else")
        }
        let evaluation = SimilarityEvaluation(
            dataset: dataset, descriptions: input.gathering.descriptions(of: dataset),
            options: SimilarityEvaluation.Options(
                algorithms: request.algorithms, ratingsMin: request.ratingsMin,
                fraction: request.testFraction, seed: request.seed),
            bootstrap: bootstrap, progress: progress, goesOn: goesOn)
        return try evaluation.report(setup(input))
    }

    private func batchOptions(_ dataset: Dataset) throws -> BatchEvaluation.Options {
        var given: GivenNegatives?
        var drawn: Int?
        if let negatives = request.negatives {
            drawn = Int(negatives)
            if drawn == nil {
                let file = NegativesFile(
                    path: negatives, users: request.negativesUsers, items: request.negativesItems)
                given = try file.read(dataset)
            }
        }
        // A validation part has no given negatives: as many are drawn.
        if request.isValidation, let given { drawn = given.entries.map(\.negatives.count).max() }
        return BatchEvaluation.Options(
            algorithms: request.algorithms, rule: rule(given), isValidation: request.isValidation,
            given: given,
            drawn: drawn, positive: positive, depths: depths, factors: request.factors, seed: request.seed,
            popularityHalfLife: request.popularityHalfLife, wantsCurves: request.wantsCurves)
    }

    /// `nil` for resubstitution, which parts nothing.
    private func rule(_ given: GivenNegatives?) -> SplitRule? {
        switch request.protocolName {
        case .leaveOneOut: given.map { .given($0.pairs) } ?? .leaveOneOut
        case .holdout:
            switch request.heldOut {
            case .random: .random(fraction: request.testFraction)
            case .byTime: .byTime(fraction: request.testFraction)
            case .byUser: .lastOfEachUser(fraction: request.testFraction)
            }
        case .resubstitution, .prequential, .similarity: nil
        }
    }
}
