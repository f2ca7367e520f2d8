public import Training

extension Algorithm.Preset {
    /// The same with what `settings` say; what the algorithm does not have is passed over.
    public func with(_ settings: ModelSettings) -> Self {
        var preset = self
        switch algorithm {
        case .sgd(let options): preset.algorithm = .sgd(settings.sgd(over: options))
        case .bpr(let options): preset.algorithm = .bpr(settings.bpr(over: options))
        case .warp(let options): preset.algorithm = .warp(settings.warp(over: options))
        case .als(let options): preset.algorithm = .als(settings.als(over: options))
        case .mlp(var options):
            // Beside the dot product a network wants other rates than alone.
            if let mix = settings.mix, mix > 0, case .mlp(let beside) = Self.mlpBeside.algorithm {
                (preset, options) = (.mlpBeside, beside)
            }
            preset.algorithm = .mlp(settings.mlp(over: options))
        }
        return preset
    }
}

extension ModelSettings.Learner {
    /// The same for training in epochs; `nil` for one that learns on the stream alone.
    public var algorithm: Algorithm.Name? {
        switch self {
        case .sgd: .sgd
        case .bpr: .bpr
        case .warp: .warp
        case .als: .als
        case .mlp: .mlp
        case .popular, .trending, .repeat, .next, .blend: nil
        }
    }
}

extension Algorithm.Name {
    /// The same in the configuration.
    public var learner: ModelSettings.Learner {
        switch self {
        case .sgd: .sgd
        case .bpr: .bpr
        case .warp: .warp
        case .als: .als
        case .mlp: .mlp
        }
    }
}
