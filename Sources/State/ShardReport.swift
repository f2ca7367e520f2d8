package import Blending
package import Counting
internal import Histories
package import Learners
package import Quarantine

/// What a shard has done in one segment of a batch.
package struct ShardReport {
    /// Item rows changed and not yet published, per model.
    package var changedItems: [[Int32]]
    /// The same of rows that were only drawn beside events of others, of which look-ups may hear later.
    package var drawnItems: [[Int32]]
    /// What users like, dislike or no longer do, in the order of events; per model, of alternating ones alone.
    package var takings: [[Taking]]
    /// Item rows whose counts changed and are not yet published.
    package var changedStats: [Int32] = []
    /// Of models that count, transitions from items of other leases, and what was counted of takings again.
    package var transitions: [[Transition]]
    package var retakes: [RetakeTable?]
    /// All transitions, where other machines are told of them.
    package var shared: [[Transition]]
    /// Of blends, where several shards learn.
    package var blendSteps: [[BlendStep]]
    package var updates: [Int]
    /// The same by steps of events, as far as steps have ended (`endStep`).
    package private(set) var steps: [StepUpdates] = []
    private var updatesInSteps: [Int]
    package var rejections: [Rejection] = []
    package var duplicates = 0
    /// Events that say less than what was known already, because they are older.
    package var late = 0
    package var retracted = 0
    /// Tags of users left out, because there are too many.
    package var droppedTags = 0
    /// History entries dropped because the history was full.
    package var dropped = 0
    /// Local rows whose history is past its bound.
    package var overfull: [Int] = []

    package init(models: Int) {
        changedItems = Array(repeating: [], count: models)
        drawnItems = changedItems
        takings = Array(repeating: [], count: models)
        transitions = Array(repeating: [], count: models)
        shared = Array(repeating: [], count: models)
        retakes = Array(repeating: nil, count: models)
        blendSteps = Array(repeating: [], count: models)
        updates = Array(repeating: 0, count: models)
        updatesInSteps = updates
    }

    /// What was updated since the last call was so by events of this step.
    package mutating func endStep(_ step: Int64) {
        guard updates != updatesInSteps else { return }
        steps.append(StepUpdates(step: step, updates: zip(updates, updatesInSteps).map { $0 - $1 }))
        updatesInSteps = updates
    }
}

/// How many updates of each model the events of one step took (`ModelHealth`).
package struct StepUpdates: Sendable {
    package let step: Int64
    package let updates: [Int]
}

/// A change of what a user likes, as a shard reports it.
package struct Taking {
    package var user: Int32
    package var item: Int32
    /// Below 0: disliked; 0: nothing any more.
    package var weight: Float

    package init(user: Int32, item: Int32, weight: Float) {
        self.user = user
        self.item = item
        self.weight = weight
    }
}
