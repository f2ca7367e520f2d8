internal import Dispatch
internal import EventLog
internal import Events
internal import Factors
internal import Locking

/// All that is learned, and the positions it was learned from.
///
/// Three owners: user rows and histories belong to their shard (`UserShard`); item rows and counts to the lease holder during
/// a round and to the engine's queue between rounds; the ids and the catalogue, which look-ups read too, stand behind a
/// lock each and are changed on the engine's queue alone. Everything else is confined to the engine's queue. `@unchecked Sendable` stands on these.
final class LearnedState: @unchecked Sendable {
    let options: EngineOptions
    let shards: [UserShard]
    let models: [ModelState]
    let stats = ItemColumn<ItemStats>()
    let users = SharedLock(IDTable())
    let items = SharedLock(IDTable())
    let catalogue = SharedLock(Catalogue())

    /// Next offset per partition: the consistent cut that this state stands at.
    var positions: [Int32: Int64] = [:]
    var counters = Counters()
    /// μ is `ratingSum / ratings`, over rating events as they came.
    var ratingSum = 0.0
    var ratings: Int64 = 0
    /// Rows erased since the last checkpoint.
    var forgotten: [Int32] = []

    init(options: EngineOptions) {
        self.options = options
        let count = options.shardCount
        shards = (0..<count).map {
            UserShard(number: $0, shards: count, factors: options.factors, models: options.models)
        }
        models = options.models.map { ModelState(options: $0, engine: options) }
    }

    var mean: Float { ratings > 0 ? Float(ratingSum / Double(ratings)) : 0 }

    /// The users whose last event is longest ago. Costs a pass over all users; between rounds only.
    func leastRecentUsers(_ count: Int) -> [EntityID] {
        var all: [(lastEvent: Int64, row: Int32, id: EntityID)] = []
        for shard in shards {
            shard.queue.sync {
                for local in shard.users.indices {
                    guard let id = shard.users[local].id else { continue }
                    all.append((shard.users[local].lastEvent, shard.row(local), id))
                }
            }
        }
        all.sort { ($0.lastEvent, $0.row) < ($1.lastEvent, $1.row) }
        return all.prefix(count).map(\.id)
    }

    func shard(of user: Int32) -> UserShard { shards[Int(user) % shards.count] }

    /// Counts over the whole life of the state; saved with it.
    struct Counters: Equatable {
        /// Events taken from the log and applied, of whatever kind.
        var applied: Int64 = 0
        var ratings: Int64 = 0
        var signals: Int64 = 0
        var retractions: Int64 = 0
        var hides: Int64 = 0
        var unhides: Int64 = 0
        var forgets: Int64 = 0
        var descriptions: Int64 = 0
        /// Equal to what was already known in every field, and so not learned again.
        var duplicates: Int64 = 0
        /// Records that were no events.
        var deadLetters: Int64 = 0
        /// Records that the log no longer held and `on-gap: skip` let go.
        var skipped: Int64 = 0
        /// History entries dropped at the bound of a user's history.
        var dropped: Int64 = 0
        /// Users erased at the bound of users.
        var evicted: Int64 = 0
        /// Events left out at the bound of items: they named an item never seen before.
        var refused: Int64 = 0

        static let fields: [(name: String, path: any WritableKeyPath<Counters, Int64> & Sendable)] = [
            ("applied", \.applied), ("ratings", \.ratings), ("signals", \.signals),
            ("retractions", \.retractions), ("hides", \.hides), ("unhides", \.unhides),
            ("forgets", \.forgets), ("descriptions", \.descriptions), ("duplicates", \.duplicates),
            ("dead-letters", \.deadLetters), ("skipped", \.skipped), ("dropped", \.dropped),
            ("evicted", \.evicted), ("refused", \.refused),
        ]
    }
}
