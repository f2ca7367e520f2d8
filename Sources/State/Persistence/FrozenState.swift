package import Checkpoints
internal import Dispatch
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Locking

/// A state as it stood between two batches, while learning goes on: what a checkpoint writes.
///
/// Rows of items are copied when it is made, those of users and the items' descriptions page by page as they are written
/// (`UserShard.takeFrozen`, `Catalogue.frozenEntry`). Confined to the one who writes, until it is thawed; that is what
/// `@unchecked Sendable` stands on.
package final class FrozenState: @unchecked Sendable {
    /// Users in a page, about: some megabytes with all their rows.
    package static let usersPerPage = 2048
    static let itemsPerPage = 1024

    /// Positions, counters, forgotten users and the rows of items: all but users and descriptions.
    package let head: StateDelta
    fileprivate let items: [FrozenItem]
    private let blocks: [FrozenBlocks]
    private var recent: RecentChanges
    private let state: LearnedState
    /// By shard and place, as they were: marks, and users' numbers where users may leave.
    private let marks: [[UInt8]]
    private let numbers: [[Int32]]
    private let userCount: Int
    private let usersPerPage: Int
    private var nextBlocks = (list: 0, place: 0)
    private var nextItem = 0
    private var nextUser = 0

    fileprivate init(
        _ state: LearnedState, head: StateDelta, recent: RecentChanges, blocks: [FrozenBlocks],
        items: [FrozenItem], users: [FrozenUsers], usersPerPage: Int
    ) {
        self.blocks = blocks
        self.recent = recent
        (marks, numbers) = (users.map(\.marks), users.map(\.numbers))
        self.state = state
        self.usersPerPage = usersPerPage
        self.head = head
        self.items = items
        userCount = (marks.map(\.count).max() ?? 0) * marks.count
    }

    /// Bytes held beside the live state. From any thread.
    package var bytes: Int {
        let rows = head.itemFactors.reduce(0) { $0 + $1.bytes }
        let kept = state.shards.reduce(0) { sum, shard in sum + shard.keptUsers.withLock { $0.bytes } }
        return rows + kept + blocks.reduce(0) { $0 + $1.bytes } + marks.reduce(0) { $0 + $1.count } + items
            .count * MemoryLayout<FrozenItem>.stride
    }

    /// The next rows, ascending: recent events, what is counted of items, their descriptions, then users; `nil` after the last
    /// ones.
    package func nextPage() -> StateDelta? {
        if let scalars = recent.nextPage() {
            var page = StateDelta()
            page.scalars = scalars
            return page
        }
        if nextBlocks.list < blocks.count { return blockPage() }
        if nextItem < items.count { return itemPage() }
        return userPage()
    }

    private func blockPage() -> StateDelta {
        let (list, model) = (blocks[nextBlocks.list], state.models[blocks[nextBlocks.list].model])
        var page = StateDelta()
        page.models = [
            StoredModel(
                name: model.options.name, learner: model.options.learnerName,
                scalars: list.scalars(from: nextBlocks.place))
        ]
        nextBlocks.place += FrozenBlocks.perPage
        if nextBlocks.place >= list.numbers.count { nextBlocks = (nextBlocks.list + 1, 0) }
        return page
    }

    private func itemPage() -> StateDelta {
        let part = items[nextItem..<min(items.count, nextItem + Self.itemsPerPage)]
        nextItem = part.endIndex
        var page = StateDelta()
        state.catalogue.read { catalogue in
            state.items.read { ids in
                for item in part {
                    guard let id = ids.id(of: item.row) else { continue }
                    page.items.append(
                        StoredItem(
                            row: item.row, id: Data(id.string.utf8), item.stats,
                            catalogue.frozenEntry(Int(item.row))))
                }
            }
        }
        return page
    }

    private func userPage() -> StateDelta? {
        guard nextUser < userCount else { return nil }
        var page = StateDelta()
        page.userFactors = state.models.map(\.emptyFactors)
        var found = 0
        while nextUser < userCount, found < usersPerPage {
            let (local, shard) = nextUser.quotientAndRemainder(dividingBy: marks.count)
            if local < marks[shard].count, marks[shard][local] != 0 {
                let number = numbers[shard].isEmpty ? local : Int(numbers[shard][local])
                state.shards[shard].takeFrozen(local, userNumber: number, into: &page)
                found += 1
            }
            nextUser += 1
        }
        return page
    }
}

/// What was held of users beside the live state and nobody needs any more. After a backlog that is hundreds of megabytes, which
/// take a while to free: let go of it where nobody waits.
package struct ThawedState: Sendable {
    fileprivate let users: [KeptUsers]
}

/// An item's counts as they were.
private struct FrozenItem {
    var row: Int32
    var stats: ItemStats
}

extension LearnedState {
    /// From now on the returned state stands still, and what changes is unsaved anew. On the engine's queue, between
    /// rounds: learning pauses for this. Only one at a time; it has to be thawed.
    ///
    /// - Parameter room: made before, so that the pause is short; where it is too small it is made anew.
    package func freeze(
        into room: CopyRoom = CopyRoom(), usersPerPage: Int = FrozenState.usersPerPage
    ) -> FrozenState {
        var head = collectHead(withBlocks: false)
        let blocks = models.indices.compactMap(frozenBlocks)
        let users = Lock(Array(repeating: FrozenUsers(), count: shards.count))
        DispatchQueue.concurrentPerform(iterations: shards.count) { number in
            let frozen = shards[number].queue.sync { shards[number].freeze() }
            users.withLock { $0[number] = frozen }
        }
        head.itemFactors = models.indices.map {
            copyItemRows(of: models[$0], into: room.take(model: $0))
        }
        catalogue.withLock { $0.freeze() }
        return FrozenState(
            self, head: head, recent: recent.takeChanges(), blocks: blocks, items: freezeItems(),
            users: users.withLock { $0 },
            usersPerPage: usersPerPage)
    }

    /// What `freeze` gave was written, or could not be. On the engine's queue.
    @discardableResult
    package func thaw(_ frozen: FrozenState, isSaved: Bool) -> ThawedState {
        let thawed = ThawedState(users: shards.map { $0.thaw(isSaved: isSaved) })
        catalogue.withLock { $0.thaw() }
        guard !isSaved else { return thawed }
        restoreMarks(of: frozen.head)
        for item in frozen.items { stats[Int(item.row)].unsaved = true }
        return thawed
    }

    private func freezeItems() -> [FrozenItem] {
        var changed: [FrozenItem] = []
        for row in 0..<stats.count where stats[row].unsaved {
            changed.append(FrozenItem(row: Int32(row), stats: stats[row]))
            stats[row].unsaved = false
        }
        return changed
    }

    /// The unsaved rows of a model's items, copied by all cores; they count as saved from now on.
    private func copyItemRows(of model: ModelState, into room: consuming [Float]) -> StoredFactors {
        let table = model.items
        var copy = model.emptyFactors
        copy.rows = table.rows(marked: .unsaved)
        let rows = copy.rows
        // An empty array made so writes its count into the one that all empty arrays share, which is a data race.
        guard !rows.isEmpty else { return copy }
        defer { for row in rows { table.clear(.unsaved, at: Int(row)) } }
        if model.options.learnsRows { copy.vectors = copyVectors(of: rows, in: table, into: room) }
        copy.biases = rows.map { table.bias(Int($0)) }
        copy.steps = rows.map { table.step(Int($0)) }
        copy.popularity = rows.map { model.storedPopularity(of: Int($0)) }
        return copy
    }

    private func copyVectors(
        of rows: [Int32], in table: FactorTable, into room: consuming [Float]
    ) -> [Float] {
        let numbers = rows.count * table.factors
        var copies = room
        if copies.count < numbers { copies = Array(repeating: 0, count: numbers) }
        copies.withUnsafeMutableBufferPointer { copies in
            // Each iteration has rows of its own. Nobody else looks at the copies before all have ended.
            nonisolated(unsafe) let start = copies.baseAddress
            let perPart = 4096
            DispatchQueue.concurrentPerform(iterations: (rows.count + perPart - 1) / perPart) { part in
                guard let start else { return }
                let (first, end) = (part * perPart, min(rows.count, (part + 1) * perPart))
                table.copyVectors(rows[first..<end], to: start + first * table.factors)
            }
        }
        copies.removeLast(copies.count - numbers)
        return copies
    }
}

extension StoredItem {
    init(row: Int32, id: Data, _ stats: ItemStats, _ entry: Catalogue.Entry) {
        self.init(
            row: row, id: id, title: entry.title.map { Data($0.utf8) }, tags: entry.tags,
            available: entry.available, users: Int64(stats.users), ratings: Int64(stats.ratings),
            ratingSum: stats.ratingSum, lastEvent: stats.lastEvent)
        (titleAt, tagsAt, availableAt) = (entry.times.title, entry.times.tags, entry.times.available)
    }
}
