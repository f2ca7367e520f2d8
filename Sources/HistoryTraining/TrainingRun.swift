// HistoryTraining: a state out of a history.
//
// Here live the state that events are built into (`StateBuilder`), the plan (a configuration, and what holds for the
// epochs alone), the reading of files or of the log, the choice of the number of epochs on a part held back, the
// training of each model, and the summary. A request comes in; a state file that `serve` goes on from goes out, whole or
// not at all. What never comes in: a running daemon's state, and command lines.

import EventLog
import Feeding
import Foundation
internal import Histories
import Logging
import Reporting
import Settings
import State
import StreamLearning
import Training

/// One run of `freshet train`: read, train each model, write.
///
/// ```swift
/// let request = TrainingRequest(
///     .files(["ratings.csv"], format: nil, sorts: true), output: "freshet-state/state.sqlite")
/// let run = try TrainingRun(
///     request, environment: ProcessInfo.processInfo.environment, isInterrupted: { false })
/// Terminal.write(try run.run().text)
/// ```
public struct TrainingRun {
    private let request: TrainingRequest
    private let plan: TrainingPlan
    private let interruption: Interruption
    private let start = ContinuousClock.now

    /// Reads the configuration, and nothing of the history yet.
    ///
    /// - Parameters:
    ///   - environment: of the process, where the configuration has its variables.
    ///   - isInterrupted: asked for each event and epoch; once it is so, the run ends and nothing is written.
    /// - Throws: `ConfigurationError`, or `CommandError` for models that do not go together.
    public init(
        _ request: TrainingRequest, environment: [String: String],
        isInterrupted: @escaping @Sendable () -> Bool
    ) throws {
        self.request = request
        plan = try TrainingPlan(request, environment: environment)
        interruption = Interruption(isRaised: isInterrupted)
    }

    /// Reads, trains and writes; says on standard error how far it is.
    ///
    /// - Returns: what was read, learned and written.
    /// - Throws: `CommandError` where there is nothing to learn from, the output cannot be written, or when interrupted;
    ///   `EventFileError`, `EventLogError`, `TrainingError` where a model diverges, `StateError`. Nothing is written then.
    public func run() throws -> TrainSummary {
        let output = try StateOutput(path: request.output, replaces: request.replaces)
        defer { output.finish() }
        let builder = StateBuilder(
            options: plan.configuration.stateOptions, learning: plan.configuration.learningOptions,
            batchEventsMax: plan.configuration.engine.batchEventsMax)
        var source = HistorySource(
            progress: EventProgress(isTerminal: Terminal.errorIsTerminal, command: "train"),
            interruption: interruption
        )
        let events = plan.configuration.events.options
        var log: (any HistoricalLog)?
        defer { log?.close() }
        switch request.history {
        case .log(let range):
            let opened = try openLog()
            log = opened
            try source.read(range, of: opened, events: events, strict: request.isStrict, into: builder)
        case .files(let paths, let format, let sorts):
            let files = FeedSource.Options(
                paths: paths, format: format, sorts: sorts, isStrict: request.isStrict)
            try source.read(files: files, events: events, into: builder)
        }
        let outcomes = try train(builder, source)
        // Before the positions past them are durable, as with every checkpoint.
        try log?.flushDeadLetters(isLast: true)
        try builder.write(to: output.path, source: plan.source)
        return TrainSummary(
            output: output, plan: plan, source: source, history: builder.summary, outcomes: outcomes,
            fromLog: log != nil, elapsed: start.duration(to: .now))
    }

    private func train(_ builder: StateBuilder, _ source: HistorySource) throws -> [ModelTraining.Outcome] {
        guard source.events > 0 else {
            let bad =
                source.bad > 0 ? "; \(NumberText.grouped(source.bad)) lines or records were no events" : ""
            let first = source.firstBadLines.map { "\n  \($0)" }.joined()
            throw CommandError(
                "there are no events to learn from\(bad); nothing is written\(first)", code: .data)
        }
        var progress = EpochProgress(isTerminal: Terminal.errorIsTerminal)
        let outcomes = try builder.options.models.indices.map { number in
            try training(of: number, builder)?.run(&progress) ?? counted(number, builder)
        }
        for outcome in outcomes where outcome.interactions == 0 {
            Terminal.writeError(
                "freshet train: \(outcome.name) (\(outcome.learner)) has nothing to learn from in this history; it "
                    + "begins with the stream")
        }
        guard outcomes.contains(where: { $0.interactions > 0 }) else {
            throw CommandError(
                "no model learns from these events; nothing is written. See 'positive' of the models, and "
                    + "events.signals",
                code: .data)
        }
        return outcomes
    }

    /// A model that counts has counted the history as it was read.
    private func counted(_ number: Int, _ builder: StateBuilder) -> ModelTraining.Outcome {
        let model = builder.options.models[number]
        var outcome = ModelTraining.Outcome(name: model.name, learner: model.learnerName)
        outcome.interactions = builder.interactions(of: number).count
        return outcome
    }

    private func training(of number: Int, _ builder: StateBuilder) -> ModelTraining? {
        guard let batch = plan.batch(of: number) else { return nil }
        var trainer = Trainer(batch.algorithm)
        trainer.factors = builder.options.factors
        trainer.initialScale = batch.initialScale
        trainer.seed = builder.options.seed &+ UInt64(number)
        // The number of shards is part of what a result depends on.
        trainer.shards = builder.options.deterministic ? 1 : builder.options.shards
        trainer.updateGuard = builder.updateGuard
        return ModelTraining(
            name: builder.options.models[number].name, number: number, trainer: trainer, request: request,
            epochs: batch.epochs,
            keepsSteps: batch.algorithm.schedule == builder.options.models[number].schedule, builder: builder,
            interruption: interruption)
    }

    private func openLog() throws -> any HistoricalLog {
        let configuration = plan.configuration
        let path = configuration.state.folder + "/log.sqlite"
        if configuration.source.kind == .embedded, !FileManager.default.fileExists(atPath: path) {
            throw CommandError(
                "there is no embedded log at \(path); name its folder by --set state.folder=…, or a topic by "
                    + "--set source.kind=kafka",
                code: .unavailable)
        }
        var logger = Logger(label: "freshet", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        return try configuration.openLog(logger: logger)
    }
}
