internal import Learners

extension Algorithm {
    /// Settings for training in a batch, to start from, for K = 64.
    ///
    /// Chosen on ML-1M by a part set aside of the *training* data: a random tenth for `sgd`, the last item but one of
    /// each user for the others. `freshet-bench quality` shows what they reach on what was never looked at, and on
    /// ml-latest-small. They are not those of a stream, which sees each event once and has no last epoch.
    public struct Preset: Sendable, Equatable {
        public var algorithm: Algorithm
        /// Epochs, or sweeps, that these settings are meant for.
        public var epochs: Int
        /// `Trainer.initialScale`.
        public var initialScale: Float = 1

        public func trainer(factors: Int = 64, seed: UInt64 = 1, shards: Int = 1) -> Trainer {
            var trainer = Trainer(algorithm)
            (trainer.factors, trainer.seed, trainer.shards) = (factors, seed, shards)
            trainer.initialScale = initialScale
            return trainer
        }
    }
}

extension Algorithm.Preset {
    public static func preset(_ name: Algorithm.Name) -> Algorithm.Preset {
        switch name {
        case .sgd: sgd
        case .bpr: bpr
        case .warp: warp
        case .als: als
        case .mlp: mlp
        }
    }

    private static var sgd: Algorithm.Preset {
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate, options.schedule) = (0.0224, 0.0112, .adaGrad)
        (options.regularization, options.biasRegularization) = (0.036, 0.0018)
        // Rows that start smaller take up their factors one after the other, and stopping in time leaves fewer of them.
        return Algorithm.Preset(algorithm: .sgd(options), epochs: 60, initialScale: 0.3)
    }

    private static var bpr: Algorithm.Preset {
        var options = BPR.Options()
        (options.learningRate, options.schedule, options.samples) = (0.1, .adaGrad, 1)
        (options.regularization, options.biasRegularization) = (0.005, 0.005)
        return Algorithm.Preset(algorithm: .bpr(options), epochs: 60)
    }

    private static var warp: Algorithm.Preset {
        var options = WARP.Options()
        (options.learningRate, options.margin) = (0.002, 3)
        (options.regularization, options.biasRegularization) = (0.1, 0.1)
        return Algorithm.Preset(algorithm: .warp(options), epochs: 15)
    }

    /// The network alone: it learns by heart within a few epochs what rows take many to.
    private static var mlp: Algorithm.Preset {
        var options = NeuralRating.Options()
        options.rows.learningRate = 0.0325
        (options.rows.userLearningRate, options.rows.schedule) = (0.02, .adaGrad)
        options.rows.biasLearningRate = 0.0143
        (options.rows.regularization, options.rows.biasRegularization) = (0.036, 0.0018)
        options.network.learningRate = 0.001
        options.blockEvents = 128
        return Algorithm.Preset(algorithm: .mlp(options), epochs: 5)
    }

    /// The network beside the dot product.
    public static var mlpBeside: Algorithm.Preset {
        var options = NeuralRating.Options()
        options.mix = 0.2
        (options.rows.learningRate, options.rows.biasLearningRate) = (0.01, 0.003)
        (options.rows.regularization, options.rows.biasRegularization) = (0.036, 0.0024)
        options.network.learningRate = 0.00034
        options.blockEvents = 512
        return Algorithm.Preset(algorithm: .mlp(options), epochs: 35, initialScale: 0.5)
    }

    /// Users are weighed by their last events, as on the stream: for what a user takes next, where times are known.
    private static var als: Algorithm.Preset {
        var options = ALS.Options()
        (options.alpha, options.regularization, options.regularizationPower) = (30, 0.01, 1)
        options.halfLifeEvents = 5
        return Algorithm.Preset(algorithm: .als(options), epochs: 6)
    }

    /// ALS whose users weigh all events alike: where times mean nothing, or what is held out is not the latest.
    public static var alsClassical: Algorithm.Preset {
        var options = ALS.Options()
        (options.alpha, options.regularization, options.regularizationPower) = (4, 0.006, 1)
        return Algorithm.Preset(algorithm: .als(options), epochs: 10)
    }
}
