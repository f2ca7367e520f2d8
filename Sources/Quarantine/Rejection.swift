// Quarantine: what the guard has dropped, and what that says of a model.
//
// Here live an update that was dropped and why, the list of the latest ones, and the rule by which a model of which too
// many are dropped is unhealthy. What never comes in: rows, learners, look-ups.

/// An update that the guard refused: of one event and model, however many of its steps.
package struct Rejection: Sendable {
    package enum Reason: String, Sendable, CaseIterable {
        /// A row that it was to change, or what it was worked out from, holds what is no number.
        case notFinite = "not-finite"
        /// A row would have become longer than `engine.norm-max`, or infinite.
        case pastNorm = "past-norm"
        /// Least squares had no solution within the norm.
        case noSolution = "no-solution"
    }

    package let model: Int
    package let partition: Int32
    package let offset: Int64
    /// Of the event.
    package let ordinal: Int64
    /// Of the event, in milliseconds since 1970.
    package let time: Int64
    /// Rows; `nil` of an update that is of no one event, as when rows are solved in blocks.
    package let user: Int32?
    package let item: Int32?
    package let reason: Reason
    /// Steps that were dropped.
    package var steps = 1

    package init(
        model: Int, partition: Int32, offset: Int64, ordinal: Int64, time: Int64, user: Int32? = nil,
        item: Int32? = nil, reason: Reason, steps: Int = 1
    ) {
        (self.model, self.partition, self.offset) = (model, partition, offset)
        (self.ordinal, self.time, self.user, self.item) = (ordinal, time, user, item)
        (self.reason, self.steps) = (reason, steps)
    }

    /// Whether it is of the same event and model.
    func isOfOneEvent(with other: Rejection) -> Bool {
        model == other.model && partition == other.partition && offset == other.offset
    }
}

extension [Rejection] {
    /// Adds one; of one event and model there is one entry, so that a model all of whose steps are dropped brings no
    /// more than there are events.
    package mutating func note(_ rejection: Rejection) {
        if let last, last.isOfOneEvent(with: rejection) {
            self[count - 1].steps += rejection.steps
        } else {
            append(rejection)
        }
    }
}
