import Engine
import Learners
import Training

/// A model as it is trained in epochs: what its settings say holds, what they do not say is that of a preset for many
/// passes over the same data, which wants other rates than one pass over a stream.
struct BatchSettings {
    let algorithm: Algorithm
    /// About how many epochs these settings are meant for.
    let epochs: Int
    /// `Trainer.initialScale`.
    let initialScale: Float

    init(_ settings: ModelSettings) {
        // What is trained of an alternating model are the rows that weigh all events alike.
        let preset =
            settings.learner == .als ? .alsClassical : Algorithm.Preset.preset(settings.learner.algorithm)
        (epochs, initialScale) = (preset.epochs, preset.initialScale)
        switch preset.algorithm {
        case .sgd(let options): algorithm = .sgd(settings.sgd(over: options))
        case .bpr(let options): algorithm = .bpr(settings.bpr(over: options))
        case .warp(let options): algorithm = .warp(settings.warp(over: options))
        case .als:
            // The stream goes on solving these rows, by its own options: other ones would be undone row by row.
            var options = settings.als(over: .live)
            options.halfLifeEvents = 0
            algorithm = .als(options)
        }
    }
}

extension ModelSettings.Learner {
    var algorithm: Algorithm.Name {
        switch self {
        case .sgd: .sgd
        case .bpr: .bpr
        case .warp: .warp
        case .als: .als
        }
    }
}

extension Algorithm {
    /// How its learning rate falls; `nil` where it has none.
    var schedule: RateSchedule? {
        switch self {
        case .sgd(let options): options.schedule
        case .bpr(let options): options.schedule
        case .warp(let options): options.schedule
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
        case .als: nil
        }
    }
}
