import Learners
import Training

extension ModelSettings {
    /// The learner as it is trained in epochs: what is set holds, what is not has a default for many passes over the
    /// same data, which wants other rates than one pass over a stream.
    var batchAlgorithm: Algorithm {
        switch learner {
        case .sgd: .sgd(batchSGD)
        case .bpr: .bpr(batchBPR)
        }
    }

    private var batchSGD: BiasedSGD.Options {
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate) = (0.01, 0.005)
        (options.regularization, options.biasRegularization) = (0.06, 0.02)
        if let learningRate { options.learningRate = Float(learningRate) }
        if let biasLearningRate { options.biasLearningRate = Float(biasLearningRate) }
        if let regularization { options.regularization = Float(regularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        return options
    }

    private var batchBPR: BPR.Options {
        var options = BPR.Options()
        (options.learningRate, options.regularization, options.samples) = (0.05, 0.01, 1)
        if let learningRate { options.learningRate = Float(learningRate) }
        if let regularization { options.regularization = Float(regularization) }
        if let biasRegularization { options.biasRegularization = Float(biasRegularization) }
        if let samples { options.samples = samples }
        return options
    }

    /// Most epochs where `--epochs` says nothing; early stopping ends most trainings before.
    var epochsMax: Int {
        switch learner {
        case .sgd: 60
        case .bpr: 60
        }
    }
}
