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
        /// Whether ratings of what is not liked are ranked as well.
        public var ranksDisliked = false

        public init() {}
    }

    package let state: LearnedState
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

    /// The same of one part of a stream: `drawn` says of each event whether it is ranked, where it is liked.
    package mutating func learn(
        _ events: some Collection<Event>, drawn: [Bool]
    ) throws(ReplayError) -> [ReplayedEvent] {
        observer.drawn = (drawn, first: offset)
        defer { observer.drawn = nil }
        return try pass(events)
    }

    /// Items that others have told of are candidates too.
    package func hearOfAllItems() { observer.hearOfAll() }

    /// Tells what is thought of each rating and signal, and learns none of them. Users and items never heard of before
    /// get their rows.
    public mutating func test(_ events: some Collection<Event>) throws(ReplayError) -> [ReplayedEvent] {
        observer.learns = false
        defer { observer.learns = true }
        return try pass(events)
    }

    private mutating func pass(_ events: some Collection<Event>) throws(ReplayError) -> [ReplayedEvent] {
        var batch = IngestBatch()
        // Offsets count descriptions too, as in a log; places of events are those of events alone.
        let before = Int64(descriptions)
        var described: [Int64] = []
        for event in events {
            if event.isDescription { described.append(offset) }
            batch.events.append(
                LoggedEvent(token: Token(partition: 0, offset: offset), logTime: 0, event: event))
            offset += 1
        }
        descriptions += described.count
        batch.positions[0] = offset
        application.apply(batch)
        var replayed = try observer.take(userID: { [state] row in
            state.users.read { $0.id(of: row)?.string } ?? "?"
        })
        var passed = 0
        for index in replayed.indices {
            while passed < described.count, described[passed] < replayed[index].offset { passed += 1 }
            replayed[index].offset -= before + Int64(passed)
        }
        return replayed
    }

    public var users: Int { state.users.read { $0.count } }
    public var items: Int { state.items.read { $0.count } }
    /// Events equal in every field to one learned before.
    public var duplicates: Int64 { state.counters.duplicates }
    /// Updates that the guard refused, per model.
    public var rejected: [Int] { state.models.map(\.rejected) }
}

extension Event {
    /// What is said of an item or a user, rather than what a user did.
    fileprivate var isDescription: Bool {
        switch kind {
        case .item, .user: true
        default: false
        }
    }
}
