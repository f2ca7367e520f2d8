// ForgettingRuns: what stays of what was taken back.
//
// Here live runs of a stream with and without some of its events or users, how far apart their rows are, and an attack
// that asks rows whether somebody was in the stream. Events come in; distances and areas under curves go out. What never
// comes in: files, logs, and anything that is served.

package import Events
internal import Factors
internal import Identities
internal import Learners
internal import Locking
internal import State
package import StreamLearning

/// A stream learned in one process: the rows of two models, `stars` and `likes`.
package struct LearnedRows {
    package static let models = ["stars", "likes"]

    private static let eventsPerBatch = 512
    private let state: LearnedState

    /// - Parameters:
    ///   - events: with their offsets, ascending.
    ///   - corrects: whether retractions take a step back.
    package init(_ events: [LoggedEvent], corrects: Bool = false, factors: Int = 64) {
        var options = StateOptions()
        options.factors = factors
        options.deterministic = true
        let positive = PositiveRule(ratingMin: 4)
        options.models = [
            ModelOptions(name: "stars", learner: .sgd(.live)),
            ModelOptions(name: "likes", learner: .bpr(.live, positive: positive)),
        ]
        options.defaultModel = "likes"
        state = LearnedState(options: options)
        var learning = LearningOptions()
        learning.retraction = corrects ? .correct : .forget
        let application = BatchApplication(state: state, options: learning)
        for start in stride(from: 0, to: events.count, by: Self.eventsPerBatch) {
            let part = Array(events[start..<min(events.count, start + Self.eventsPerBatch)])
            let next = (part.last?.token.offset ?? 0) + 1
            application.apply(IngestBatch(events: part, positions: [0: next]))
        }
    }

    /// Vector and bias of a user; `nil` of one that is not known.
    package func user(_ id: EntityID, model: Int) -> [Float]? {
        guard let row = state.users.withLock({ $0.row(of: id) }) else { return nil }
        let shard = state.shard(of: row)
        return Self.numbers(shard.tables[model].row(shard.local(row)))
    }

    package func item(_ id: EntityID, model: Int) -> [Float]? {
        guard let row = state.items.withLock({ $0.row(of: id) }) else { return nil }
        return Self.numbers(state.models[model].items.row(Int(row)))
    }

    private static func numbers(_ row: Row) -> [Float] {
        var numbers: [Float] = []
        for lane in row.indices {
            for place in 0..<8 { numbers.append(row[lane][place]) }
        }
        return numbers + [row.bias]
    }
}
