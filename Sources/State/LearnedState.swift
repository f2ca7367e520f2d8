// State: what is learned, and nothing that moves it.
//
// Here live counts, the catalogue, recent events, users by shard with their histories, and the models' tables;
// who owns which of them; what a look-up may read of them (`StateView`); digest and invariants; the way to and from the
// state file. Changes come in from StreamLearning and HistoryTraining. What never comes in: logs, the clock, and how a
// look-up is answered.

package import Checkpoints
package import ContentVectors
internal import Dispatch
package import Events
internal import Factors
package import FeatureMaps
package import Foundation
internal import Histories
package import Identities
package import Learners
package import LiveScores
package import Locking
package import Quarantine

/// All that is learned, and the positions it was learned from.
///
/// Three owners: user rows and histories belong to their shard (`UserShard`); item rows and counts to the lease holder during
/// a round and to the engine's queue between rounds; the ids and the catalogue, which look-ups read too, stand behind a
/// lock each and are changed on the engine's queue alone. Everything else is confined to the engine's queue. `@unchecked Sendable` stands on these.
package final class LearnedState: @unchecked Sendable {
    package let options: StateOptions
    package let shards: [UserShard]
    package let models: [ModelState]
    package let stats = ItemColumn<ItemStats>()
    package let users = SharedLock(IDTable())
    package let items = SharedLock(IDTable())
    package let catalogue = SharedLock(Catalogue())
    /// What items' features say of their rows. Between rounds only; solvers of rows read it.
    package let priors: ItemPriors

    /// Next offset per partition: the consistent cut that this state stands at.
    package var positions: [Int32: Int64] = [:]
    /// By what the log is known again.
    package var logMemory = LogMemory()
    package var counters = Counters()
    /// What came last, so that it is known again.
    package var recent: RecentEvents
    /// Of rating events as they came.
    package var ratings = RatingMoments()
    /// The newest time of a rating or signal, in milliseconds since 1970; `nil` before the first. The greatest of the items'.
    package var newestTime: Int64?
    /// The models on the same events, and which of them is the default.
    package var comparison: ModelComparison
    /// Vectors of items by their tags; `nil` where none are wanted. Changed as descriptions are taken in, on the engine's
    /// queue.
    package var content: ContentVectors?
    /// The latest updates that the guard dropped.
    package let quarantine: QuarantineList
    /// Rows erased since the last checkpoint.
    package var forgotten: [Int32] = []
    /// Who of them asked for it, since the last checkpoint.
    package var erasures: [ErasedID] = []
    /// Of several machines: who was forgotten, for the others to forget; `nil` of a machine alone.
    package var forgottenIDs: [EntityID]?
    /// Of several machines: events of each partition that were applied, wherever; `nil` of a machine alone.
    package var partitionEvents: [Int32: Int64]?
    /// Of several machines: users who came from another one, by row, with the ordinal of their last event then.
    package var imported: [Int32: Int64] = [:]
    /// Of several machines: what is kept of the others, saved as the scalar `cluster`.
    package var membership: Data?
    /// Rows of users who have left memory.
    package var away = RowSet()
    /// Of the users who left last.
    var ticket: Int32 = 0
    /// Where they are; set before anybody leaves, and before look-ups begin.
    package var spill: SpillStore?
    /// Told of each row of items that its features have moved, with what it was before. That is nothing learned: each
    /// machine moves its own rows so.
    package var priorMoved: ((_ model: Int, _ item: Int, _ before: [Float], _ bias: Float) -> Void)?

    package init(options: StateOptions) {
        self.options = options
        recent = RecentEvents(capacity: options.duplicatesWindow)
        content = options.content.isOn ? ContentVectors(options: options.content, seed: options.seed) : nil
        let count = options.shardCount
        shards = (0..<count).map {
            UserShard(
                number: $0, shards: count, factors: options.factors, models: options.models,
                usersMayLeave: options.usersMayLeave)
        }
        models = options.models.map { ModelState(options: $0, state: options) }
        quarantine = QuarantineList(models: options.models.map(\.name))
        var priorOptions = options.priors
        priorOptions.normMax = options.normMax
        priors = ItemPriors(models: options.models.count, options: priorOptions)
        comparison = ModelComparison(
            models: models.map { ($0.options.name, $0.rule.predictsRatings) },
            configured: options.defaultModel,
            first: models.first { $0.blend != nil }?.options.name,
            rule: options.promotion, windowEvents: options.scoreWindowEvents
        )
    }

    /// μ.
    package var mean: Float { Float(ratings.mean) }

    /// The users whose last event is longest ago. Costs a pass over all users; between rounds only.
    package func leastRecentUsers(_ count: Int) -> [EntityID] {
        var all: [(lastEvent: Int64, row: Int32, id: EntityID)] = []
        for shard in shards {
            shard.queue.sync {
                for local in shard.users.indices {
                    guard let id = shard.users[local].id else { continue }
                    all.append((shard.users[local].lastEvent, shard.row(local), id))
                }
                all += awayUsers(of: shard)
            }
        }
        all.sort { ($0.lastEvent, $0.row) < ($1.lastEvent, $1.row) }
        return all.prefix(count).map(\.id)
    }

    private func awayUsers(of shard: UserShard) -> [(lastEvent: Int64, row: Int32, id: EntityID)] {
        guard let residence = shard.residence else { return [] }
        return users.read { ids in
            (0..<residence.count).compactMap { number in
                let row = Int32(number * shards.count + shard.number)
                guard residence.ticket(number) != nil, let id = ids.id(of: row) else { return nil }
                return (residence.lastEvent(number), row, id)
            }
        }
    }

    /// Adds rows for items that have their ids. Nobody learns, and the tables may move.
    package func growItems(to count: Int) {
        let before = stats.count
        guard count > before else { return }
        let ids = items.read { table in (before..<count).map { table.id(of: Int32($0)) } }
        stats.grow(to: count, with: ItemStats())
        for model in models {
            model.grow(to: count) { row in Array((ids[row - before]?.string ?? "").utf8) }
        }
    }

    package func shard(of user: Int32) -> UserShard { shards[Int(user) % shards.count] }

    /// Counts over the whole life of the state; saved with it.
    package struct Counters: Equatable {
        /// Events taken from the log and applied, of whatever kind.
        package var applied: Int64 = 0
        package var ratings: Int64 = 0
        package var signals: Int64 = 0
        package var retractions: Int64 = 0
        package var hides: Int64 = 0
        package var unhides: Int64 = 0
        package var forgets: Int64 = 0
        package var descriptions: Int64 = 0
        /// Asked for by the log.
        package var promotions: Int64 = 0
        /// Delivered before, and so not learned again.
        package var duplicates: Int64 = 0
        /// Older, by their own time, than what was known already of the same user and item, or of the same item.
        package var late: Int64 = 0
        /// Records that were no events.
        package var deadLetters: Int64 = 0
        /// Records that the log no longer held and `on-gap: skip` let go.
        package var skipped: Int64 = 0
        /// History entries dropped at the bound of a user's history.
        package var dropped: Int64 = 0
        /// Users erased at the bound of users.
        package var evicted: Int64 = 0
        /// Events left out at the bound of items: they named an item never seen before.
        package var refused: Int64 = 0
        /// Records without a payload, as compacted topics have them.
        package var tombstones: Int64 = 0
        /// How often a partition was found to be of another log, and `on-gap: skip` let it be learned from its
        /// beginning.
        package var logChanges: Int64 = 0
        /// Tags left out, because their item or user has as many as it may (`TagList.tagsMax`).
        package var droppedTags: Int64 = 0
        /// Events that other machines have learned and told of.
        package var peers: Int64 = 0
        /// Of the duplicates those that were known again before anything was made of them.
        package var repeated: Int64 = 0

        package init() {}

        /// Events applied that had not been delivered before.
        package var news: Int64 { applied - repeated }

        /// What half-lives in events go by: all events of the stream, whoever learned them. A second delivery ages nothing.
        package var clock: Int64 { news + peers }

        /// Each with the name under which `STATUS` and the state file have it.
        package static let fields: [(name: String, path: any WritableKeyPath<Counters, Int64> & Sendable)] = [
            ("applied", \.applied), ("ratings", \.ratings), ("signals", \.signals),
            ("retractions", \.retractions), ("hides", \.hides), ("unhides", \.unhides),
            ("forgets", \.forgets), ("descriptions", \.descriptions), ("promotions", \.promotions),
            ("duplicates", \.duplicates), ("late", \.late),
            ("dead-letters", \.deadLetters), ("skipped", \.skipped), ("dropped", \.dropped),
            ("evicted", \.evicted), ("refused", \.refused),
        ]

        /// What befell the log rather than the learning, and what a state of before has not: saved and shown like the others,
        /// and no part of the digest.
        package static let logFields:
            [(name: String, path: any WritableKeyPath<Counters, Int64> & Sendable)] = [
                ("tombstones", \.tombstones), ("log-changes", \.logChanges), ("dropped-tags", \.droppedTags),
                ("peers", \.peers), ("repeated", \.repeated),
            ]

        package static let all = fields + logFields

        package mutating func add(_ other: Counters) {
            for field in Self.all { self[keyPath: field.path] += other[keyPath: field.path] }
        }
    }
}
