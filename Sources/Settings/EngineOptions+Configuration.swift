import Blending
import ContentVectors
public import Engine
import FeatureMaps
import Foundation
import Generations
public import Learners
import LiveScores
import LookUps
public import State
public import StreamLearning

extension Configuration {
    /// The configuration as the engine takes it.
    public var engineOptions: EngineOptions {
        var options = EngineOptions()
        options.state = stateOptions
        options.memoryLimit = memory.limit
        options.learning = learningOptions
        options.ingest.batchEventsMax = engine.batchEventsMax
        options.ingest.queueEventsMax = engine.queueEventsMax
        options.ingest.consumer = source.consumerOptions
        options.lookUps.seen = SeenRule(recommend.seen) ?? .exclude
        options.publishInterval = .milliseconds(engine.publishIntervalMs)
        options.checkpoints.interval = .seconds(checkpoint.everySeconds)
        options.checkpoints.eventsMax = checkpoint.everyEvents
        options.generations.count = checkpoint.keep
        options.generations.interval = .seconds(checkpoint.keepEverySeconds)
        if cluster.enabled {
            options.checkpoints.interval = .milliseconds(cluster.commitIntervalMs)
            options.cluster.itemBytesMax = cluster.itemBytesMax
            options.cluster.imageInterval = .seconds(cluster.imageIntervalSeconds)
            options.cluster.imagePath = state.folder + "/items-image.sqlite"
            options.cluster.standby = cluster.standby
            options.cluster.standbyFolder = state.folder + "/standby"
        }
        options.events = events.options
        return options
    }

    /// The shape of a state and its models. Shards are one per core where none are said.
    public var stateOptions: StateOptions {
        var options = StateOptions()
        options.factors = engine.factors
        options.seed = UInt64(bitPattern: Int64(engine.seed))
        options.shards = engine.shards > 0 ? engine.shards : ProcessInfo.processInfo.activeProcessorCount
        options.deterministic = engine.deterministic
        options.normMax = Float(engine.normMax)
        options.models = models.map(\.modelOptions)
        options.popularityHalfLifeEvents = popularity.halfLifeEvents
        options.trendingHalfLifeEvents = trending.halfLifeEvents
        options.scoreWindowEvents = score.windowEvents
        options.defaultModel = defaultModel
        options.promotion.margin = promotion.margin
        options.promotion.error = promotion.error
        options.seen = SeenRule(recommend.seen) ?? .exclude
        options.duplicatesWindow = engine.duplicatesWindow
        options.content.isOn = content.vectors
        options.content.passes = content.passes
        options.content.refresh = content.refresh
        options.content.refreshEvents = content.refreshEvents
        options.priors.isOn = features.priors
        options.priors.itemsMin = features.itemsMin
        options.priors.evidence = Float(features.evidence)
        options.priors.penalty = features.regularization
        options.priors.eventsMax = Int64(features.solveEvents)
        return options
    }

    /// How a stream, or a history, becomes a state.
    public var learningOptions: LearningOptions {
        var options = LearningOptions()
        options.retraction = engine.retract
        options.historyMax = engine.historyMax
        options.usersMax = engine.usersMax
        options.itemsMax = engine.itemsMax
        options.signals = events.signals
        options.signalHalfLife = histories.signalHalfLife
        return options
    }
}

extension ModelSettings {
    fileprivate var modelOptions: ModelOptions {
        switch learner {
        case .sgd: ModelOptions(name: name, learner: .sgd(sgd(over: .live)), usesPriors: priors)
        case .bpr:
            ModelOptions(
                name: name, learner: .bpr(bpr(over: .live), positive: rule), usesPriors: priors)
        case .warp:
            ModelOptions(
                name: name, learner: .warp(warp(over: .live), positive: rule), usesPriors: priors)
        case .als:
            ModelOptions(
                name: name, learner: .als(als(over: .live), positive: ruleOfALS), usesPriors: priors)
        case .mlp: ModelOptions(name: name, learner: .mlp(mlp(over: .live)))
        case .popular: ModelOptions(name: name, learner: .counter(counter(.popular), positive: rule))
        case .trending: ModelOptions(name: name, learner: .counter(counter(.trending), positive: rule))
        case .repeat: ModelOptions(name: name, learner: .counter(counter(.repeat), positive: rule))
        case .next: ModelOptions(name: name, learner: .counter(counter(.next), positive: rule))
        case .blend:
            ModelOptions(name: name, learner: .blend(BlendOptions(), positive: rule), parts: parts ?? [])
        }
    }

    /// What is set, over `options`; here and below. Of what the learner does not have nothing is taken.
    public func sgd(over options: BiasedSGD.Options) -> BiasedSGD.Options {
        var options = options
        if let learningRate { options.learningRate = Float(learningRate) }
        if let userLearningRate { options.userLearningRate = Float(userLearningRate) }
        if let biasLearningRate { options.biasLearningRate = Float(biasLearningRate) }
        if let userBiasLearningRate { options.userBiasLearningRate = Float(userBiasLearningRate) }
        if let biasShrinkage { options.biasShrinkage = Float(biasShrinkage) }
        if let schedule { options.schedule = schedule }
        if let regularization { options.regularization = Float(regularization) }
        if let userRegularization { options.userRegularization = Float(userRegularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        if let replays { options.replays = replays }
        if let replayLearningRate { options.replayLearningRate = Float(replayLearningRate) }
        return options
    }

    /// See `sgd(over:)`.
    public func mlp(over options: NeuralRating.Options) -> NeuralRating.Options {
        var options = options
        options.rows = sgd(over: options.rows)
        if let hidden { options.hidden = hidden }
        if let secondHidden { options.secondHidden = secondHidden }
        if let dropout { options.dropout = Float(dropout) }
        if let mix { options.mix = Float(mix) }
        if let networkLearningRate { options.network.learningRate = Float(networkLearningRate) }
        if let networkRegularization { options.network.regularization = Float(networkRegularization) }
        if let networkBlockEvents { options.blockEvents = networkBlockEvents }
        return options
    }

    /// See `sgd(over:)`.
    public func bpr(over options: BPR.Options) -> BPR.Options {
        var options = options
        if let learningRate { options.learningRate = Float(learningRate) }
        if let userLearningRate { options.userLearningRate = Float(userLearningRate) }
        if let biasLearningRate { options.biasLearningRate = Float(biasLearningRate) }
        if let schedule { options.schedule = schedule }
        if let regularization { options.regularization = Float(regularization) }
        if let userRegularization { options.userRegularization = Float(userRegularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        if let samples { options.samples = samples }
        if let hardestOf { options.hardestOf = hardestOf }
        if let sampler { options.negatives = sampler }
        return options
    }

    /// See `sgd(over:)`.
    public func warp(over options: WARP.Options) -> WARP.Options {
        var options = options
        if let learningRate { options.learningRate = Float(learningRate) }
        if let userLearningRate { options.userLearningRate = Float(userLearningRate) }
        if let biasLearningRate { options.biasLearningRate = Float(biasLearningRate) }
        if let schedule { options.schedule = schedule }
        if let regularization { options.regularization = Float(regularization) }
        if let userRegularization { options.userRegularization = Float(userRegularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        if let margin { options.margin = Float(margin) }
        if let samples { options.samples = samples }
        if let maxSampled { options.samplesMax = maxSampled }
        if let sampler { options.negatives = sampler }
        return options
    }

    /// See `sgd(over:)`.
    public func als(over options: ALS.Options) -> ALS.Options {
        var options = options
        if let alpha { options.alpha = Float(alpha) }
        if let regularization { options.regularization = Float(regularization) }
        if let regularizationPower { options.regularizationPower = Float(regularizationPower) }
        if let halfLifeEvents { options.halfLifeEvents = Float(halfLifeEvents) }
        if let dislikes { options.dislikesAreZero = dislikes > 0 }
        return options
    }

    private func counter(_ kind: CounterOptions.Kind) -> CounterOptions {
        var options = CounterOptions(kind)
        if let halfLife { options.halfLife = halfLife }
        if let successors { options.successors = successors }
        if let trail { options.trail = trail }
        return options
    }

    private var schedule: Learners.RateSchedule? {
        switch rateSchedule {
        case nil: nil
        case .constant: .constant
        case .adagrad: .adaGrad
        case .inverseTime(let half): .inverseTime(halfAfter: Float(half))
        }
    }

    private var sampler: NegativeSampler? {
        switch negatives {
        case nil: nil
        case .uniform: NegativeSampler()
        case .popularity(let power): NegativeSampler(popularityPower: Float(power))
        }
    }

    private var ruleOfALS: PositiveRule {
        var rule = rule
        rule.dislikeWeight = Float(dislikes ?? 0)
        return rule
    }

    private var rule: PositiveRule { (positive ?? .ratingAtLeast(4)).positiveRule }
}

extension ModelSettings.Positive {
    /// As the learners take it.
    public var positiveRule: PositiveRule {
        var rule =
            switch ratings {
            case .any: PositiveRule(ratingMin: -.infinity)
            case .atLeast(let bound): PositiveRule(ratingMin: Float(bound))
            case .above(let bound): PositiveRule(ratingMin: Float(bound), strict: true)
            }
        switch weights {
        case .any: break
        case .atLeast(let bound): (rule.weightMin, rule.weightIsStrict) = (Float(bound), false)
        case .above(let bound): (rule.weightMin, rule.weightIsStrict) = (Float(bound), true)
        }
        return rule
    }
}
