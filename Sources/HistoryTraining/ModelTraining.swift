import Factors
import Learners
import Training

/// How many epochs, and how that is chosen.
struct EpochChoice {
    /// Updates that a training may make at least, however few its interactions, and that it waits for a better figure:
    /// little data takes more epochs to get off the ground.
    static let (updatesMin, patienceUpdatesMin) = (1_000_000, 100_000)
    static let epochsOfLittleData = 1_000

    var epochsMax: Int
    var patience: Int
    var validationFraction: Double

    /// What was asked for, or what suits `interactions` trained for about `epochs`.
    init(_ request: TrainingRequest, epochs: Int, learner: Algorithm.Name, interactions: Int) {
        // A sweep solves its rows whatever their number.
        let steps = learner == .als ? 0 : 1
        func atLeast(_ updates: Int) -> Int {
            min(Self.epochsOfLittleData, steps * updates / max(1, interactions))
        }
        epochsMax = request.epochs ?? max(2 * epochs, atLeast(Self.updatesMin))
        patience = request.patience ?? max(3, atLeast(Self.patienceUpdatesMin))
        validationFraction = request.validationFraction
    }
}

/// Trains one model of a state: once to choose the number of epochs, and once on everything.
struct ModelTraining {
    let name: String
    let number: Int
    let trainer: Trainer
    let request: TrainingRequest
    /// That the algorithm's settings are meant for.
    let epochs: Int
    /// Whether what the rows remember of the learning rate means the same on the stream.
    let keepsSteps: Bool
    let builder: StateBuilder
    let interruption: Interruption

    struct Outcome {
        var name: String
        var learner: String
        var interactions = 0
        var heldBack = 0
        /// Of the model that is written.
        var epochs = 0
        /// Looked at to choose that number.
        var epochsTried = 0
        /// Of the chosen epoch, of the model trained on what was not held back.
        var validation: ValidationFigure?
        /// Of the last epoch, on everything.
        var loss: (name: String, value: Double)?
        var updates = 0
        var updatesPerSecond = 0.0
        var duration = Duration.zero
        /// The bound.
        var epochsMax = 0
    }

    /// Puts the trained rows into the state.
    func run(_ progress: inout EpochProgress) throws -> Outcome {
        let start = ContinuousClock.now
        var outcome = Outcome(name: name, learner: trainer.algorithm.name.rawValue)
        let interactions = builder.interactions(of: number)
        outcome.interactions = interactions.count
        guard interactions.count > 0 else { return outcome }
        let seen = builder.seen()
        let choice = EpochChoice(
            request, epochs: epochs, learner: trainer.algorithm.name, interactions: interactions.count)
        outcome.epochs = try chooseEpochs(choice, interactions, seen: seen, &outcome, &progress)
        let model = try train(interactions, seen: seen, epochs: outcome.epochs, &outcome, &progress)
        try builder.install(model, as: number, updates: outcome.updates, keepsSteps: keepsSteps)
        outcome.duration = start.duration(to: .now)
        return outcome
    }

    /// The epoch with the best figure on what is held back; all epochs where nothing is.
    private func chooseEpochs(
        _ choice: EpochChoice, _ interactions: Interactions, seen: Interactions, _ outcome: inout Outcome,
        _ progress: inout EpochProgress
    ) throws -> Int {
        let split = ValidationSplit(
            interactions, seen: seen, fraction: choice.validationFraction, seed: trainer.seed)
        (outcome.heldBack, outcome.epochsMax) = (split.heldBack.count, choice.epochsMax)
        guard split.heldBack.count > 0, split.kept.count > 0 else { return choice.epochsMax }
        let validator = Validator(
            split, predictsRatings: trainer.algorithm.predictsRatings, seed: trainer.seed)
        progress.begin(name: name, learner: outcome.learner, phase: .choosing, epochsMax: choice.epochsMax)
        var best: (epoch: Int, figure: ValidationFigure)?
        var tried = 0
        _ = try trainer.train(
            split.kept, epochsMax: choice.epochsMax, seen: split.seen,
            initial: builder.initialRows(of: number)
        ) { report, model in
            tried = report.epoch
            let figure = validator.figure(model)
            if let figure, best.map({ figure.isBetter(than: $0.figure) }) ?? true {
                best = (report.epoch, figure)
            }
            progress.update(report, figure: figure, best: best?.epoch)
            return !interruption.isRaised() && report.epoch - (best?.epoch ?? 0) < choice.patience
        }
        progress.end()
        try interruption.check()
        (outcome.epochsTried, outcome.validation) = (tried, best?.figure)
        return best?.epoch ?? choice.epochsMax
    }

    private func train(
        _ interactions: Interactions, seen: Interactions, epochs: Int, _ outcome: inout Outcome,
        _ progress: inout EpochProgress
    ) throws -> FactorModel {
        progress.begin(name: name, learner: outcome.learner, phase: .training, epochsMax: epochs)
        var (updates, duration) = (0, Duration.zero)
        var loss: (String, Double)?
        let model = try trainer.train(
            interactions, epochsMax: epochs, seen: seen, initial: builder.initialRows(of: number)
        ) { report, _ in
            updates += report.updates
            duration += report.duration
            loss = (report.lossName, report.loss)
            progress.update(report, figure: nil, best: nil)
            return !interruption.isRaised()
        }
        progress.end()
        try interruption.check()
        (outcome.updates, outcome.loss) = (updates, loss)
        outcome.updatesPerSecond = Double(updates) / max(1e-9, duration / .seconds(1))
        return model
    }
}
