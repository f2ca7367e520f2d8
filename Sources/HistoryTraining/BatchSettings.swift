import Learners
import Settings
import State
import Training

/// A model as it is trained in epochs: what its settings say holds, what they do not say is that of a preset for many
/// passes over the same data, which wants other rates than one pass over a stream.
struct BatchSettings {
    let algorithm: Algorithm
    /// About how many epochs these settings are meant for.
    let epochs: Int
    /// `Trainer.initialScale`.
    let initialScale: Float

    /// `nil` for a model that counts: the history was counted as it was read.
    init?(_ settings: ModelSettings) {
        guard let name = settings.learner.algorithm else { return nil }
        guard settings.learner == .als else {
            let preset = Algorithm.Preset.preset(name).with(settings)
            (algorithm, epochs, initialScale) = (preset.algorithm, preset.epochs, preset.initialScale)
            return
        }
        // What is trained of an alternating model are the rows that weigh all events alike.
        let preset = Algorithm.Preset.alsClassical
        (epochs, initialScale) = (preset.epochs, preset.initialScale)
        // The stream goes on solving these rows, by its own options: other ones would be undone row by row.
        var options = settings.als(over: .live)
        options.halfLifeEvents = 0
        algorithm = .als(options)
    }
}

extension Algorithm {
    /// How its learning rate falls; `nil` where it has none.
    var schedule: RateSchedule? {
        switch self {
        case .sgd(let options): options.schedule
        case .bpr(let options): options.schedule
        case .warp(let options): options.schedule
        case .mlp(let options): options.rows.schedule
        case .als: nil
        }
    }
}

extension ModelOptions {
    /// The same on the stream.
    var schedule: RateSchedule? {
        switch learner {
        case .sgd(let options): options.schedule
        case .bpr(let options, _): options.schedule
        case .warp(let options, _): options.schedule
        case .mlp(let options): options.rows.schedule
        case .als, .counter, .blend: nil
        }
    }
}
