internal import Factors
internal import Learners

/// What never changes about a model while it lives, and so may be read from any thread.
package struct ModelTraits: Sendable {
    package let options: ModelOptions
    package let rule: UpdateRule
    /// Of a model that combines others.
    package let blend: BlendRule?
    package let decay: PopularityDecay
    /// Keys rows and draws of this model.
    package let seed: UInt64

    package init(options: ModelOptions, state: StateOptions) {
        self.options = options
        rule = UpdateRule(options.learner, updateGuard: UpdateGuard(normMax: state.normMax))
        blend =
            if case .blend(let own, let positive) = options.learner {
                BlendRule(own, positive: positive, parts: options.parts, among: state.models)
            } else {
                nil
            }
        decay = PopularityDecay(of: options, state: state)
        var hash: UInt64 = 0
        for byte in options.name.utf8 { hash = KeyedRandom.mix(hash ^ UInt64(byte)) }
        seed = state.seed ^ hash
    }

    package var name: String { options.name }
    package var isAlternating: Bool { options.isAlternating }
    package var predictsRatings: Bool { rule.predictsRatings }
}
