public import ContentVectors
package import FeatureMaps
public import LiveScores

/// The shape of a state, and what its models are. Validated by the configuration; a state takes it as it is.
public struct StateOptions: Sendable {
    /// K, a multiple of eight.
    public var factors = 64
    /// Keys every random choice: first rows of new ids, negatives, which items share a shard.
    public var seed: UInt64 = 1
    /// Queues that learn side by side, each with users of its own.
    public var shards = 1
    /// Learn in log order on one shard: the state is then a function of the log alone, however batches were cut.
    public var deterministic = false
    /// Guard: largest norm of a row.
    public var normMax: Float = 100
    /// The models learned side by side, in the order in which `STATUS` shows them.
    public var models: [ModelOptions] = ModelOptions.defaults
    /// Half-life of an item's popularity, in events of the stream; 0 never fades.
    public var popularityHalfLifeEvents = 20_000.0
    /// Half-life of the fast count that `trending` sets against the slow one, in events; above 0.
    public var trendingHalfLifeEvents = 1_000.0
    /// Whether what a user took may be recommended again, where a look-up does not say; live scores go by it too.
    public var seen = SeenRule.exclude
    /// The model that is asked where a look-up names none, until another is promoted; or `best`: whichever leads for sure.
    public var defaultModel = "blend"
    public var promotion = PromotionRule()
    /// Length of the prequential score's moving window, in events.
    public var scoreWindowEvents = 100_000
    /// Events of each partition by which a second delivery is known; 16 bytes each. 0 knows none.
    public var duplicatesWindow = 262_144
    /// How items' tags become vectors.
    public var content = ContentOptions()

    /// What items' features say of their rows.
    package var priors = ItemPriors.Options()
    /// Whether users may leave memory for the state file, as `memory.limit` has them.
    public var usersMayLeave = false

    public init() {}

    /// Shards that there really are: one in deterministic mode, whatever `shards` says.
    public var shardCount: Int { deterministic ? 1 : shards }
}
