internal import Factors
internal import Foundation
package import Learners
package import LiveScores
internal import Quarantine
internal import Retrieval
package import State

/// What the state last told of itself, for `STATUS` and for look-ups that must not wait behind batches.
package struct Snapshot: Sendable {
    package struct Model: Sendable {
        package var updates = 0
        package var rejected = 0
        package var isHealthy = true
        package var score = PrequentialScore(windowEvents: 1)
        /// Over the window, by more than noise.
        package var losesToBaseline = false
        /// Over the default; `nil` of the default itself.
        package var lead: ModelComparison.Lead?
    }

    package var positions: [Int32: Int64] = [:]
    package var counters = LearnedState.Counters()
    package var models: [Model] = []
    /// The model that is asked where a query names none.
    package var defaultModel: DefaultModel?
    /// Of ratings, at the last publication.
    package var scale = RatingMoments().scale
    /// The newest time of an event, at the last publication.
    package var newestTime: Int64?
    package var memory = StateMemory()
    /// Users in memory.
    package var residents = 0
    /// Bytes of what is published: indexes and counts.
    package var indexBytes = 0

    mutating func take(_ state: LearnedState, memory measured: StateMemory?) {
        positions = state.positions
        counters = state.counters
        models = state.models.enumerated().map { number, model in
            Model(
                updates: model.updates, rejected: model.rejected, isHealthy: model.health.isHealthy,
                score: model.score,
                losesToBaseline: model.losesToBaseline, lead: state.comparison.lead(of: number))
        }
        defaultModel = state.comparison.defaultModel
        if let measured {
            memory = measured
            residents = state.residentCount
        }
    }
}
