import Evaluation
import Events
import Foundation

/// One run of `freshet evaluate`: from the arguments to the report.
struct EvaluationRun {
    private static let badLinesSaid = 10

    let command: EvaluateCommand
    let progress: EvaluationProgress
    /// Asked again and again; once it is so, the work ends without a report.
    var isInterrupted: () -> Bool = { false }

    /// - Throws: `CommandError`, `EventFileError`, `EvaluationError`.
    func report() throws -> EvaluationReport {
        progress.say("reading \(command.input.joined(separator: ", "))", isStep: true)
        let input = try readInput()
        let bootstrap = Bootstrap(resamples: command.bootstrap, seed: UInt64(bitPattern: Int64(command.seed)))
        let report =
            switch command.protocolName {
            case .prequential: try prequential(input, bootstrap)
            case .holdout, .leaveOneOut, .resubstitution: try batch(input, bootstrap)
            }
        try goesOn()
        return report
    }

    /// What is measured in part would stand for the whole.
    private func goesOn() throws {
        if isInterrupted() { throw CommandError("interrupted; nothing is reported") }
    }

    private var positive: ModelSettings.Positive { ModelSettings.Positive(command.positive) ?? .any }
    private var filter: ModelSettings.Positive { ModelSettings.Positive(command.filter) ?? .any }
    private var depths: [Int] { command.depths.isEmpty ? [10] : command.depths.uniqued.sorted() }
    private var workers: Int { command.shards ?? ProcessInfo.processInfo.activeProcessorCount }

    private func readInput() throws -> EvaluationInput {
        var said = 0
        let input = try EvaluationInput(
            paths: command.input, format: command.format, filter: filter, options: EventOptions(),
            onBadLine: { line in
                said += 1
                if said <= Self.badLinesSaid { progress.note("\(line)") }
                if said == Self.badLinesSaid { progress.note("further bad lines are only counted") }
            }, goesOn: goesOn)
        return input
    }

    /// What holds for every protocol.
    private func setup(_ input: EvaluationInput) -> EvaluationProtocol {
        var setup = EvaluationProtocol(name: command.protocolName.rawValue)
        setup.add("input", command.input.joined(separator: ", "))
        if input.badLines > 0 { setup.add("bad lines", "\(Progress.grouped(input.badLines)) passed over") }
        if filter != .any {
            setup.add("filter", "\(filter.text), which left out \(Progress.grouped(input.filtered)) ratings")
        }
        setup.add("positive", positive.text)
        setup.add("seed", String(command.seed))
        setup.add("intervals", "\(command.bootstrap) resamples of users, percentiles (Efron 1979)")
        return setup
    }

    // MARK: - Protocols

    private func prequential(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let events = input.stream
        var evaluation = try PrequentialEvaluation(
            PrequentialEvaluation.Options(
                algorithms: command.algorithm, positive: positive, depths: depths, factors: command.factors,
                seed: command.seed, window: command.window ?? max(1, events.count / 10),
                popularityHalfLife: command.popularityHalfLife))
        try evaluation.run(events) { learned in
            progress.say("learned \(Progress.grouped(learned)) of \(Progress.grouped(events.count)) events")
            try goesOn()
        }
        var setup = setup(input)
        setup.add("events", Progress.grouped(events.count))
        progress.say("resampling", isStep: true)
        return evaluation.report(setup, bootstrap: bootstrap)
    }

    private func batch(_ input: EvaluationInput, _ bootstrap: Bootstrap) throws -> EvaluationReport {
        let dataset = input.dataset(positive: positive)
        guard !dataset.observations.isEmpty else {
            throw EvaluationError.emptyPart("nothing stands of the events: all were taken back")
        }
        let evaluation = BatchEvaluation(
            dataset: dataset, options: try batchOptions(dataset), workers: workers, bootstrap: bootstrap,
            progress: progress, goesOn: goesOn)
        return try evaluation.report(setup(input))
    }

    private func batchOptions(_ dataset: Dataset) throws -> BatchEvaluation.Options {
        var given: GivenNegatives?
        var drawn: Int?
        if let negatives = command.negatives {
            drawn = Int(negatives)
            if drawn == nil {
                let file = NegativesFile(
                    path: negatives, users: command.negativesUsers, items: command.negativesItems)
                given = try file.read(dataset)
            }
        }
        // A validation part has no given negatives: as many are drawn.
        if command.validation, let given { drawn = given.entries.map(\.negatives.count).max() }
        return BatchEvaluation.Options(
            algorithms: command.algorithm, rule: rule(given), isValidation: command.validation, given: given,
            drawn: drawn, positive: positive, depths: depths, factors: command.factors, seed: command.seed,
            popularityHalfLife: command.popularityHalfLife, wantsCurves: command.output != nil)
    }

    /// `nil` for resubstitution, which parts nothing.
    private func rule(_ given: GivenNegatives?) -> SplitRule? {
        switch command.protocolName {
        case .leaveOneOut: given.map { .given($0.pairs) } ?? .leaveOneOut
        case .holdout:
            if command.byTime {
                .byTime(fraction: command.testFraction)
            } else if command.byUser {
                .lastOfEachUser(fraction: command.testFraction)
            } else {
                .random(fraction: command.testFraction)
            }
        case .resubstitution, .prequential: nil
        }
    }
}
