public import Checkpoints
public import Events
internal import Identities
public import Learners
internal import Locking
public import State
public import StreamLearning

/// A state made from history: filled with events, trained, and written for a daemon to go on from.
///
/// Events pass through the same code as in the daemon (ids, histories, catalogue, counts, duplicates, bounds), with
/// learning left out; the models are trained afterwards on the histories that stand. Confined to one thread.
public final class StateBuilder {
    public let options: StateOptions
    public let learning: LearningOptions
    let state: LearnedState
    private let application: BatchApplication
    private let batchEventsMax: Int
    private var batch = IngestBatch()
    /// Stands in for the offset of events that come from no log.
    private var nextOrdinal: Int64 = 0

    /// - Parameter batchEventsMax: events applied together; the state does not depend on it.
    public init(options: StateOptions, learning: LearningOptions, batchEventsMax: Int = 8192) {
        self.options = options
        self.learning = learning
        self.batchEventsMax = batchEventsMax
        state = LearnedState(options: options)
        application = BatchApplication(state: state, options: learning, learns: false)
    }

    /// Takes an event of a file. One without a time gets `time`, milliseconds since 1970.
    public func take(_ event: Event, time: Int64) {
        batch.events.append(
            LoggedEvent(token: Token(partition: 0, offset: nextOrdinal), logTime: time, event: event))
        nextOrdinal += 1
        if batch.events.count >= batchEventsMax { applyBatch() }
    }

    /// Takes an event of a log, whose positions `standAt` makes known later.
    public func take(_ event: Event, token: Token, time: Int64) {
        batch.events.append(LoggedEvent(token: token, logTime: time, event: event))
        if batch.events.count >= batchEventsMax { applyBatch() }
    }

    /// Counts a record that was no event.
    public func countDeadLetter(_ token: Token) { batch.deadLetters.append(token) }

    /// Counts a record without a payload.
    public func countTombstone(_ token: Token) { batch.tombstones.append(token) }

    /// The state stands at these positions of its log, by which `memory` knows it again: a daemon goes on from them.
    public func stand(at positions: [Int32: Int64], of memory: LogMemory = LogMemory()) {
        applyBatch()
        state.positions = positions
        state.logMemory = memory
    }

    private func applyBatch() {
        guard batch.recordCount > 0 else { return }
        application.apply(batch)
        batch.events.removeAll(keepingCapacity: true)
        batch.deadLetters.removeAll()
        batch.tombstones.removeAll()
    }

    /// What a model's updates have to pass, on the stream and in epochs.
    public var updateGuard: UpdateGuard { UpdateGuard(normMax: options.normMax) }

    /// All that was taken is in the state. Call before looking at it.
    public func finishHistory() { applyBatch() }

    /// Writes the state; `source` names the log that a daemon will go on with (`EventLog.source`).
    ///
    /// - Throws: `StateError` where it cannot be written; what stood at `path` before is then still there.
    public func write(to path: String, source: String) throws(StateError) {
        applyBatch()
        let identity = StateIdentity(
            factors: options.factors,
            models: Dictionary(
                options.models.map { ($0.name, $0.learnerName) }, uniquingKeysWith: { first, _ in first }),
            source: source)
        try StateFile.create(path: path, identity: identity, delta: state.collectChanges())
    }
}

/// What the events came to.
public struct HistorySummary: Sendable, Equatable {
    public var users = 0
    public var items = 0
    /// Counters of the state by the name under which `STATUS` shows them, say `events.duplicates`.
    public var counters: [String: Int64] = [:]
    public var positions: [Int32: Int64] = [:]
}

extension StateBuilder {
    public var summary: HistorySummary {
        var summary = HistorySummary(
            users: state.users.read { $0.count }, items: state.items.read { $0.count },
            positions: state.positions)
        for field in LearnedState.Counters.all {
            summary.counters["events.\(field.name)"] = state.counters[keyPath: field.path]
        }
        return summary
    }
}
