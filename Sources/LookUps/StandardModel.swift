internal import LiveScores
internal import Quarantine
package import State

/// Which model answers where a query names none: the default, or who stands in for it while it is unhealthy.
///
/// That is the first healthy model of the same kind (of ratings for one of ratings, one that ranks for one that ranks), a
/// blend before others, then in the order of the configuration. Where there is none, recommendations are what is popular,
/// which is counted and not learned, and all else is answered by the default itself.
package struct StandardModel: Sendable, Equatable {
    package let number: Int
    package let fallback: AnswerMeta.Fallback

    package init(of state: LearnedState) {
        let (models, number) = (state.models, state.comparison.defaultModel.number)
        guard models.indices.contains(number), !models[number].health.isHealthy else {
            (self.number, fallback) = (number, .none)
            return
        }
        let ofRatings = models[number].rule.predictsRatings
        let healthy = models.indices.filter {
            models[$0].health.isHealthy && models[$0].rule.predictsRatings == ofRatings
        }
        let next = healthy.first { models[$0].blend != nil } ?? healthy.first
        (self.number, fallback) = next.map { ($0, .model) } ?? (number, .popular)
    }

    /// What an answer says that stays with the default where nobody can stand in for it.
    var meta: AnswerMeta.Fallback { fallback == .model ? .model : .none }

    /// Asked by name: it answers whatever its health.
    init(named number: Int) { (self.number, fallback) = (number, .none) }

    /// In one number, to be read without a lock.
    init(bits: Int) {
        number = bits >> 2
        fallback = bits & 3 == 0 ? .none : bits & 3 == 1 ? .model : .popular
    }

    var bits: Int {
        switch fallback {
        case .none: number << 2
        case .model: number << 2 | 1
        case .popular: number << 2 | 2
        }
    }

    /// Of who answers, for people.
    package func name(in state: LearnedState) -> String {
        guard fallback != .popular, state.models.indices.contains(number) else { return "popular" }
        return state.models[number].options.name
    }
}
