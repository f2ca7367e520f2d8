internal import ContentVectors
public import Events
internal import Identities
internal import Locking
public import State

/// Events learned by the engine's own learners, in the order given and on one shard, each tested first: without a
/// log, without checkpoints, so that what a prequential evaluation reports is what the daemon would have shown
/// (Dawid 1984; Gama, Sebastião, Rodrigues 2013).
///
/// Confined to one thread.
public struct Replay {
    public struct Options: Sendable {
        /// Models, factors, seed; deterministic mode is used whatever it says of shards.
        public var state = StateOptions()
        public var learning = LearningOptions()
        /// What the ranking is tested on, over all models.
        public var positive = PositiveRule(ratingMin: 4)
        /// Liked events after which one weighs half in `decayedPopularity`; 0 for no decay.
        public var popularityHalfLife = 0.0
        /// One liked event in so many is ranked, drawn by the state's seed; all are learned.
        public var rankEvery = 1

        public init() {}
    }

    let state: LearnedState
    private let application: BatchApplication
    let observer: ReplayObserver
    private var offset: Int64 = 0
    /// Descriptions taken in. None is tested, and the places of events are those of events alone.
    public private(set) var descriptions = 0

    public init(options: Options) {
        var shape = options.state
        shape.deterministic = true
        // Nobody searches a replay.
        shape.content.isOn = false
        state = LearnedState(options: shape)
        observer = ReplayObserver(options: options, state: state)
        application = BatchApplication(state: state, options: options.learning, observer: observer)
    }

    /// Learns the events as one batch of the log, and tells what was thought of each rating and signal before.
    ///
    /// Events equal to one already learned in every field are passed over, as the daemon does. Times do not matter:
    /// the order is that of `events`.
    public mutating func learn(_ events: some Collection<Event>) throws(ReplayError) -> [ReplayedEvent] {
        try pass(events)
    }

    /// Tells what is thought of each rating and signal, and learns none of them. Users and items never heard of before
    /// get their rows.
    public mutating func test(_ events: some Collection<Event>) throws(ReplayError) -> [ReplayedEvent] {
        observer.learns = false
        defer { observer.learns = true }
        return try pass(events)
    }

    private mutating func pass(_ events: some Collection<Event>) throws(ReplayError) -> [ReplayedEvent] {
        var batch = IngestBatch()
        for event in events {
            let token: Token
            switch event.kind {
            case .item, .user:
                token = Token(partition: 1, offset: Int64(descriptions))
                descriptions += 1
            default:
                token = Token(partition: 0, offset: offset)
                offset += 1
            }
            batch.events.append(LoggedEvent(token: token, logTime: 0, event: event))
        }
        batch.positions = [0: offset]
        if descriptions > 0 { batch.positions[1] = Int64(descriptions) }
        application.apply(batch)
        return try observer.take(userID: { [state] row in
            state.users.read { $0.id(of: row)?.string } ?? "?"
        })
    }

    public var users: Int { state.users.read { $0.count } }
    public var items: Int { state.items.read { $0.count } }
    /// Events equal in every field to one learned before.
    public var duplicates: Int64 { state.counters.duplicates }
    /// Updates that the guard refused, per model.
    public var rejected: [Int] { state.models.map(\.rejected) }
}
