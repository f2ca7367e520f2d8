import Engine
import EventLog
import Foundation
import Logging
import Training

/// One run of `freshet train`: read, train each model, write.
struct TrainingRun {
    private let command: TrainCommand
    private let plan: TrainingPlan
    private let interrupts = Interrupts()
    private let start = ContinuousClock.now

    init(_ command: TrainCommand) throws {
        self.command = command
        plan = try TrainingPlan(command, environment: ProcessInfo.processInfo.environment)
    }

    func run() throws {
        // What is learned of people, and what they said, is for this user and group alone.
        umask(0o027)
        signal(SIGXFSZ, SIG_IGN)
        let output = try StateOutput(path: command.output, replaces: command.force)
        defer { output.finish() }
        let builder = StateBuilder(options: plan.configuration.engineOptions)
        var source = HistorySource(
            progress: Progress(isTerminal: Terminal.errorIsTerminal, command: "train"), interrupts: interrupts
        )
        let log = try command.fromLog ? openLog() : nil
        defer { log?.close() }
        if let log {
            try source.read(
                command.range(), of: log, events: plan.configuration.events.options, strict: command.strict,
                into: builder)
        } else {
            let files = FeedSource.Options(
                paths: command.inputs, format: command.format, sorts: command.sort, isStrict: command.strict)
            try source.read(files: files, events: plan.configuration.events.options, into: builder)
        }
        let outcomes = try train(builder, source)
        // Before the positions past them are durable, as with every checkpoint.
        try log?.flushDeadLetters(isLast: true)
        try builder.write(to: output.path, source: plan.source)
        let summary = TrainSummary(
            output: output, plan: plan, source: source, history: builder.summary, outcomes: outcomes,
            fromLog: command.fromLog, elapsed: start.duration(to: .now))
        Terminal.write(command.json ? try summary.json() : summary.text)
    }

    private func train(_ builder: StateBuilder, _ source: HistorySource) throws -> [ModelTraining.Outcome] {
        guard source.events > 0 else {
            let bad =
                source.bad > 0 ? "; \(Progress.grouped(source.bad)) lines or records were no events" : ""
            throw CommandError("there are no events to learn from\(bad); nothing is written", code: .data)
        }
        var progress = EpochProgress(isTerminal: Terminal.errorIsTerminal)
        let outcomes = try builder.options.models.indices.map { number in
            try training(of: number, builder).run(&progress)
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

    private func training(of number: Int, _ builder: StateBuilder) -> ModelTraining {
        let batch = plan.batch(of: number)
        var trainer = Trainer(batch.algorithm)
        trainer.factors = builder.options.factors
        trainer.initialScale = batch.initialScale
        trainer.seed = builder.options.seed &+ UInt64(number)
        // The number of shards is part of what a result depends on.
        trainer.shards = builder.options.deterministic ? 1 : builder.options.shards
        trainer.updateGuard = builder.updateGuard
        return ModelTraining(
            name: builder.options.models[number].name, number: number, trainer: trainer, command: command,
            epochs: batch.epochs,
            keepsSteps: batch.algorithm.schedule == builder.options.models[number].schedule, builder: builder,
            interrupts: interrupts)
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
