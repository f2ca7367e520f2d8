import Engine
import Foundation
import Learners

extension Configuration {
    /// The configuration as the engine takes it.
    var engineOptions: EngineOptions {
        var options = EngineOptions()
        options.factors = engine.factors
        options.seed = UInt64(bitPattern: Int64(engine.seed))
        options.shards = engine.shards > 0 ? engine.shards : ProcessInfo.processInfo.activeProcessorCount
        options.deterministic = engine.deterministic
        options.batchEventsMax = engine.batchEventsMax
        options.queueEventsMax = engine.queueEventsMax
        options.historyMax = engine.historyMax
        options.usersMax = engine.usersMax
        options.itemsMax = engine.itemsMax
        options.normMax = Float(engine.normMax)
        options.publishInterval = .milliseconds(engine.publishIntervalMs)
        options.models = models.map(\.modelOptions)
        options.defaultModel = defaultModel
        options.scoreWindowEvents = score.windowEvents
        options.checkpointInterval = .seconds(checkpoint.everySeconds)
        options.checkpointEventsMax = checkpoint.everyEvents
        options.events = events.options
        options.consumer = source.consumerOptions
        return options
    }
}

extension ModelSettings {
    fileprivate var modelOptions: ModelOptions {
        switch learner {
        case .sgd: ModelOptions(name: name, learner: .sgd(sgdOptions))
        case .bpr: ModelOptions(name: name, learner: .bpr(bprOptions, positive: rule))
        }
    }

    private var sgdOptions: BiasedSGD.Options {
        var options = BiasedSGD.Options()
        if let learningRate { options.learningRate = Float(learningRate) }
        if let biasLearningRate { options.biasLearningRate = Float(biasLearningRate) }
        if let regularization { options.regularization = Float(regularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        return options
    }

    private var bprOptions: BPR.Options {
        var options = BPR.Options()
        if let learningRate { options.learningRate = Float(learningRate) }
        if let regularization { options.regularization = Float(regularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        if let samples { options.samples = samples }
        return options
    }

    private var rule: PositiveRule {
        switch positive ?? .ratingAtLeast(4) {
        case .any: PositiveRule(ratingMin: -.infinity)
        case .ratingAtLeast(let bound): PositiveRule(ratingMin: Float(bound))
        case .ratingAbove(let bound): PositiveRule(ratingMin: Float(bound), strict: true)
        }
    }
}
