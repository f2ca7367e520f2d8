public import Learners

// For one pass over a stream: chosen on the first half of ML-1M's 5-star events by prequential recall@10 over all
// unseen items, and confirmed on ml-latest-small. Users move faster than items by far; but BPR's not as fast as ML-1M,
// where each comes once, would have them: where tastes stand still that forgets what was learned.

extension BiasedSGD.Options {
    /// Chosen on ML-1M's ratings in their order by the error of the last fifth and of all, and on a stream of few users and
    /// items who come again and again; confirmed on ml-latest-small.
    public static let live: Self = {
        var options = Self()
        options.learningRate = 0.05
        options.userLearningRate = 0.25
        options.biasLearningRate = 0.003
        options.userBiasLearningRate = 0.04
        options.biasShrinkage = 8
        options.regularization = 0.02
        options.userRegularization = 0.04
        options.biasRegularization = 0.03
        options.replays = 2
        return options
    }()
}

extension BPR.Options {
    public static let live: Self = {
        var options = Self()
        options.learningRate = 0.05
        options.userLearningRate = 0.3
        options.biasLearningRate = 0.03
        options.regularization = 0.01
        options.userRegularization = 0.05
        options.biasRegularization = 0.01
        // Half the steps of sixteen at random; better or no worse on all streams that were tried.
        options.samples = 8
        options.hardestOf = 4
        return options
    }()
}

extension WARP.Options {
    public static let live: Self = {
        var options = Self()
        options.learningRate = 0.0018
        options.userLearningRate = 0.0256
        options.biasLearningRate = 0.0012
        options.regularization = 0.8
        options.userRegularization = 1.6
        options.biasRegularization = 0.08
        options.samples = 10
        options.samplesMax = 100
        return options
    }()
}

extension ALS.Options {
    public static let live: Self = {
        var options = Self()
        options.alpha = 10
        options.regularization = 0.8
        options.regularizationPower = 0.5
        options.halfLifeEvents = 2
        return options
    }()
}

extension NeuralRating.Options {
    /// With the rows' settings of `BiasedSGD.Options.live`.
    public static let live: Self = {
        var options = Self()
        options.rows = .live
        options.blockEvents = 64
        return options
    }()
}
