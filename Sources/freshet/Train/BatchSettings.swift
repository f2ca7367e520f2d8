import Engine
import Learners
import Training

/// A model as it is trained in epochs: what its settings say holds, what they do not has a default for many passes over
/// the same data, which wants other rates than one pass over a stream.
struct BatchSettings {
    let algorithm: Algorithm
    /// About how many epochs these settings are meant for.
    let epochs: Int

    init(_ settings: ModelSettings) {
        switch settings.learner {
        case .sgd: (algorithm, epochs) = (.sgd(Self.sgd(settings)), 30)
        case .bpr: (algorithm, epochs) = (.bpr(Self.bpr(settings)), 30)
        }
    }

    private static func sgd(_ settings: ModelSettings) -> BiasedSGD.Options {
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate) = (0.01, 0.005)
        (options.regularization, options.biasRegularization) = (0.06, 0.02)
        if let rate = settings.learningRate { options.learningRate = Float(rate) }
        if let rate = settings.biasLearningRate { options.biasLearningRate = Float(rate) }
        if let penalty = settings.regularization { options.regularization = Float(penalty) }
        if let penalty = settings.biasRegularization { options.biasRegularization = Float(penalty) }
        return options
    }

    private static func bpr(_ settings: ModelSettings) -> BPR.Options {
        var options = BPR.Options()
        (options.learningRate, options.regularization, options.samples) = (0.05, 0.01, 1)
        if let rate = settings.learningRate { options.learningRate = Float(rate) }
        if let penalty = settings.regularization { options.regularization = Float(penalty) }
        if let penalty = settings.biasRegularization { options.biasRegularization = Float(penalty) }
        if let samples = settings.samples { options.samples = samples }
        return options
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
