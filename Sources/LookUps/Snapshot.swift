internal import Factors
internal import Foundation
package import Learners
internal import Retrieval
package import State

/// What the state last told of itself, for `STATUS` and for look-ups that must not wait behind batches.
package struct Snapshot: Sendable {
    package struct Model: Sendable {
        package var updates = 0
        package var rejected = 0
        package var score = PrequentialScore(windowEvents: 1)
        /// Over the window, by more than noise.
        package var losesToBaseline = false
    }

    package var positions: [Int32: Int64] = [:]
    package var counters = LearnedState.Counters()
    package var models: [Model] = []
    /// Of ratings, at the last publication.
    package var scale = RatingMoments().scale
    /// The newest time of an event, at the last publication.
    package var newestTime: Int64?
    package var memory = StateMemory()
    /// Bytes of what is published: indexes and counts.
    package var indexBytes = 0

    mutating func take(_ state: LearnedState, memory measured: StateMemory?) {
        positions = state.positions
        counters = state.counters
        models = state.models.map {
            Model(
                updates: $0.updates, rejected: $0.rejected, score: $0.score,
                losesToBaseline: $0.losesToBaseline)
        }
        if let measured { memory = measured }
    }
}
