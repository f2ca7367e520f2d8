internal import Events
public import Learners

/// How a stream is learned: bounds, and when solved models solve. Validated by the configuration.
public struct LearningOptions: Sendable {
    /// What a retraction does beside taking the item out of the user's history and the counts.
    public enum Retraction: String, Sendable, CaseIterable {
        /// Nothing: what was learned fades as other events come.
        case forget
        /// Models by `sgd` and `bpr` take a step back.
        case correct
    }

    public var retraction = Retraction.forget
    /// Items kept in a user's history; past it the oldest is dropped.
    public var historyMax = 10_000
    /// Users kept; past it those heard of least recently are erased. 0 for no bound.
    public var usersMax = 0
    /// Items kept; past it events on items never seen before are counted and left out. 0 for no bound.
    public var itemsMax = 0
    /// Events after which models by alternating least squares solve the rows that changed; counted by ordinals, so that
    /// what is solved when depends on the log alone.
    public var blockEvents = 512
    /// The acts that count, and how much: name to weight. `EventOptions.signals` of the events that come.
    public var signals = EventOptions().signals
    /// After how long a signal's weight counts half in what a user's signals on an item come to: by their times, or in
    /// events of the user.
    public var signalHalfLife = HalfLife.never

    public init() {}
}
