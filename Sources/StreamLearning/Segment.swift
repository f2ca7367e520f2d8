internal import Events
internal import Factors
internal import State

/// Events of a batch that are learned together: interned, in log order, and not yet learned.
struct Segment {
    var examples: [Example] = []
    /// New users, by the shard that takes them in.
    var arrivals: [[(id: EntityID, row: Int32)]]
    /// What is said of users, each by one example.
    var userDescriptions: [UserDescription] = []
    /// Users who left memory and are heard of again; taken in before anything is learned.
    var back: SpilledUsers?
    /// Item rows there are once this is learned; those beyond what the tables hold are new.
    var itemCount = 0
    /// Items that were described, to be saved.
    var described: [Int32] = []
    /// In the order of the log, to be seen to among the examples.
    var promotions: [PromotionAsked] = []
    /// μ after these events.
    var mean: Float = 0

    init(shards: Int) { arrivals = Array(repeating: [], count: shards) }

    /// Nothing to be learned and nobody to be taken in.
    var isEmpty: Bool { examples.isEmpty && described.isEmpty && promotions.isEmpty && back == nil }
}

/// `PROMOTE`: a model is to be the default from here on.
struct PromotionAsked {
    var model: String
    var token: Token
    var ordinal: Int64
}
