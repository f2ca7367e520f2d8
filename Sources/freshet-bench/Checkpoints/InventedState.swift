internal import BenchmarkSupport
internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Learners
internal import Locking
internal import State

/// A state of the default models with as many rows as wanted, as events would have made it but for what the rows say.
struct InventedState {
    static let itemsShare = 10
    /// Items that each user remembers.
    static let remembered = 6
    /// What follows each item.
    static let successors = 40

    let state: LearnedState
    let userCount: Int
    let itemCount: Int

    /// - Parameter rows: of users, items and both models' tables together, about; a tenth of them items'.
    init(rows: Int, shards: Int, factors: Int) throws {
        var options = StateOptions()
        options.factors = factors
        options.shards = shards
        let state = LearnedState(options: options)
        let perOwner = 1 + options.models.count
        itemCount = max(1, rows / perOwner / Self.itemsShare)
        userCount = max(1, rows / perOwner - itemCount)
        self.state = state
        for item in 0..<itemCount { try add(item: item) }
        for user in 0..<userCount { try add(user: user) }
        state.positions = [0: Int64(userCount * Self.remembered)]
    }

    static func identity(of state: LearnedState) -> StateIdentity {
        StateIdentity(
            factors: state.options.factors,
            models: Dictionary(
                state.options.models.map { ($0.name, $0.learnerName) },
                uniquingKeysWith: { first, _ in first }),
            source: "invented")
    }

    private func add(item: Int) throws {
        let id = try EntityID("item-\(item)")
        let (row, _) = state.items.intern(id)
        state.stats.grow(to: Int(row) + 1, with: ItemStats())
        for model in state.models { model.grow(to: Int(row) + 1) { _ in id.string.utf8 } }
        for counter in state.models.compactMap(\.counter) where counter.rule.options.kind == .next {
            let entries = (1...Self.successors).map { step in
                SuccessorSketch.Entry(
                    item: Int32((item + step * 31) % itemCount), count: Float(step), error: 0, near: 0)
            }
            counter.successors[Int(row)] = SuccessorSketch(
                entries: entries, sum: Float(Self.successors), nearSum: 0, at: 1, unit: 1)
        }
        _ = state.catalogue.withLock {
            $0.describe(Int(row), title: "Title of \(item)", tags: ["tag\(item % 20)"], available: true)
        }
    }

    private func add(user: Int) throws {
        // Not in the order of rows: the index of ids is written here and there, as in life.
        let id = try EntityID("user-\(UInt32(truncatingIfNeeded: user) &* 2_654_435_761)")
        let (row, _) = state.users.intern(id)
        let shard = state.shard(of: row)
        shard.queue.sync {
            shard.admit(id, row: row, seeds: state.models.map(\.seed))
            let local = shard.local(row)
            shard.change(local) {
                for place in 0..<min(Self.remembered, itemCount) {
                    let item = (user &* 7919 &+ place &* (itemCount / Self.remembered + 1)) % itemCount
                    shard.users[local].history.set(
                        HistoryEntry(
                            item: Int32(item), value: 4, time: Int64(user), order: UInt32(place),
                            kind: .rating))
                    for trails in shard.trails.compactMap(\.self) {
                        trails[local].take(
                            Int32(item), at: Int64(user), ordinal: Int64(user), halfLife: .never)
                        trails[local].follow(Int32(item), limit: 5)
                        trails[local].events += 1
                    }
                }
            }
        }
    }

    /// Everything has changed since the last checkpoint.
    func touchAll() {
        for shard in state.shards {
            shard.queue.sync {
                for local in shard.users.indices where shard.users[local].id != nil {
                    shard.change(local) {
                        shard.users.markUnsaved(local)
                        for table in shard.tables { table.markChanged(local) }
                    }
                }
            }
        }
        for item in 0..<itemCount {
            state.stats[item].unsaved = true
            for model in state.models { model.items.markChanged(item) }
        }
    }

    /// Bytes of all rows as they lie in memory: vectors with their bias and step, and what is remembered.
    var rowBytes: Int {
        let vectors = (userCount + itemCount) * state.models.count * (state.options.factors * 4 + 8)
        return vectors + userCount * Self.remembered * History.entryBytes
            + itemCount
            * (MemoryLayout<ItemStats>.stride + Self.successors * MemoryLayout<SuccessorSketch.Entry>.stride)
    }
}
