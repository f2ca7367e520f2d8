internal import Dispatch
internal import Events
internal import Factors
internal import FeatureMaps
internal import Identities
internal import Learners
internal import Locking
package import State

/// Solves the rows of an ALS model in two phases: first users' long-term rows, while nobody writes an item, then items,
/// while nobody writes a user. At the end of each block of events, and in idle time.
///
/// Why no two queues touch one row: a user's rows are written on the queue of the shard that owns the user, and items
/// by one solver each (item i by solver i mod S), which the engine's queue starts and waits for. The engine's queue
/// starts neither phase before all of the one before, and every round of learning, has ended; so what a phase reads,
/// items in the first and users in the second, nobody writes.
package struct Alternation {
    /// An item is solved again once its takers have changed in at least one of so many: a change among thousands does
    /// hardly move it, and an event then costs about this many rows however popular the item.
    static let takersPerChange = 64
    /// Rows that each block solves in turn beside those that changed.
    static let sweptUsers = 8
    static let sweptItems = 16
    /// Takers that the swept items of a block may have together.
    static let sweptTakersMax = 8192
    /// Blocks after which the Gramians are summed anew.
    static let blocksPerSum: Int64 = 1024
    /// Users that a slice of idle work solves.
    static let usersPerTurn = 16

    let state: LearnedState
    let number: Int
    let model: ModelState
    let learner: AlternatingLearner
    let alternating: AlternatingState

    package private(set) var changedItems: [Int32] = []
    package private(set) var rejected = 0

    /// `nil` for a model of another kind.
    package init?(_ state: LearnedState, number: Int) {
        model = state.models[number]
        guard case .als(let als, let positive) = model.rule, let alternating = model.alternating else {
            return nil
        }
        self.state = state
        self.number = number
        learner = AlternatingLearner(als: als, positive: positive)
        self.alternating = alternating
    }

    // MARK: - At the end of a block

    /// On the engine's queue, between rounds, after the event of this ordinal, which ends a block of `blockEvents`.
    mutating func endBlock(at ordinal: Int64, blockEvents: Int) {
        let users = dueUsers()
        solveUsers(users)
        solveItems(dueItems())
        serve(users)
        if ordinal % (Int64(blockEvents) * Self.blocksPerSum) == 0 { state.sumGramiansAnew(of: number) }
    }

    private func dueUsers() -> [Int32] {
        var due = alternating.pendingUsers
        alternating.pendingUsers = []
        let count = Int32(state.users.read { $0.rowCount })
        for _ in 0..<min(Self.sweptUsers, Int(count)) { due.insert(nextUser(of: count)) }
        return due.sorted()
    }

    private func dueItems() -> [Int32] {
        var due: Set<Int32> = []
        for (item, changes) in alternating.pendingItems {
            // Settling moves the whole list: not for one that cannot be due, however its changes turn out.
            let listed = alternating.takers.count(of: Int(item))
            if Int(changes) * (Self.takersPerChange + 1) < listed { continue }
            alternating.takers.settle(Int(item))
            if Int(changes) * Self.takersPerChange >= alternating.takers.count(of: Int(item)) {
                due.insert(item)
            }
        }
        for item in due { alternating.pendingItems[item] = nil }
        var takers = 0
        for _ in 0..<min(Self.sweptItems, model.items.count) where takers < Self.sweptTakersMax {
            let item = nextItem()
            takers += alternating.takers.count(of: Int(item))
            due.insert(item)
        }
        return due.sorted()
    }

    private func nextUser(of count: Int32) -> Int32 {
        let user = alternating.userCursor < count ? alternating.userCursor : 0
        alternating.userCursor = user + 1
        return user
    }

    private func nextItem() -> Int32 {
        let item = alternating.itemCursor < model.items.count ? alternating.itemCursor : 0
        alternating.itemCursor = item + 1
        alternating.takers.settle(Int(item))
        return item
    }

    // MARK: - Users

    /// Solves users' long-term rows, each on its shard's queue.
    private mutating func solveUsers(_ users: [Int32]) {
        let perShard = onShards(users) { [learner, model, number] shard, local in
            learner.solveLongTerm(shard, local: local, model: model, number: number)
        }
        for shard in perShard.indices {
            for solved in perShard[shard] { take(user: solved) }
        }
    }

    private mutating func take(user solved: SolvedRow) {
        let shard = state.shard(of: solved.row)
        guard let table = shard.longTerm[number], count(solved) else { return }
        alternating.userGramian.update(
            from: solved.before, to: table.row(shard.userNumber(ofRow: solved.row)))
    }

    /// Folds users in again, after the items have changed.
    private mutating func serve(_ users: [Int32]) {
        let perShard = onShards(users) { [learner, model, number] shard, local in
            let result = shard.change(local) {
                learner.serve(shard, local: local, model: model, number: number)
            }
            return SolvedRow(row: shard.row(local), before: [], result: result)
        }
        for solved in perShard.joined() { _ = count(solved) }
    }

    /// What `solve` gives for each user that is there, per shard and in their order. The shards work side by side.
    private func onShards(
        _ users: [Int32], _ solve: @escaping @Sendable (UserShard, Int) -> SolvedRow?
    ) -> [[SolvedRow]] {
        state.bringBack(users)
        let group = DispatchGroup()
        let parts = state.shards.map { shard in
            SolvedUsers(shard, users.filter { Int($0) % state.shards.count == shard.number })
        }
        for part in parts where !part.users.isEmpty {
            part.shard.queue.async(group: group) { part.run(solve) }
        }
        group.wait()
        return parts.map(\.solved)
    }

    /// One shard's part. Confined to its queue; read by the engine's queue once the group has ended.
    private final class SolvedUsers: @unchecked Sendable {
        let shard: UserShard
        let users: [Int32]
        private(set) var solved: [SolvedRow] = []

        init(_ shard: UserShard, _ users: [Int32]) {
            self.shard = shard
            self.users = users
        }

        func run(_ solve: (UserShard, Int) -> SolvedRow?) {
            ThreadPriority.yieldToLookUps()
            for user in users {
                let local = shard.local(user)
                guard local >= 0, local < shard.users.count, shard.users[local].isSomebody else { continue }
                if let row = solve(shard, local) { solved.append(row) }
            }
        }
    }

    // MARK: - Items

    /// Solves items, each by one of the solvers. Not on the shards' queues, so that look-ups do not wait.
    private mutating func solveItems(_ items: [Int32]) {
        let taken = items.filter { !resetUntaken($0) }
        let solvers = taken.count < 8 ? 1 : alternating.workspaces.count
        let solved = Lock<[[SolvedRow]]>(Array(repeating: [], count: solvers))
        let work: @Sendable (Int) -> Void = {
            [learner, model, number, alternating, shards = state.shards] solver in
            let mine = taken.filter { Int($0) % solvers == solver }
            let rows = mine.compactMap {
                learner.solveItem(
                    $0, model: model, number: number, shards: shards,
                    workspace: alternating.workspaces[solver])
            }
            solved.withLock { $0[solver] = rows }
        }
        if solvers == 1 {
            work(0)
        } else {
            DispatchQueue.concurrentPerform(iterations: solvers, execute: work)
        }
        for row in solved.withLock({ $0 }).joined() { take(item: row) }
    }

    private mutating func take(item solved: SolvedRow) {
        guard count(solved) else { return }
        alternating.itemGramian.update(from: solved.before, to: model.items.row(Int(solved.row)))
        if model.items.markChanged(Int(solved.row)) { changedItems.append(solved.row) }
    }

    /// An item that nobody likes is as it was born: solved, it would be zero or of dislikes alone, and could not be learned from again.
    private mutating func resetUntaken(_ item: Int32) -> Bool {
        guard alternating.takers.takers(of: Int(item)).allSatisfy({ $0.weight < 0 }) else { return false }
        guard let id = state.items.read({ $0.id(of: item) }) else { return true }
        let row = model.items.row(Int(item))
        let before = row.vector
        if let prior = state.priors.prior(ofItem: Int(item), model: number) {
            row.set(vector: prior.prefix(before.count), bias: 0)
        } else {
            var random = KeyedRandom(seed: model.seed, bytes: id.string.utf8)
            random.initialise(row)
        }
        if row.vector != before {
            alternating.itemGramian.update(from: before, to: row)
            if model.items.markChanged(Int(item)) { changedItems.append(item) }
        }
        return true
    }

    /// Counts what became of a row; false if it stayed as it was.
    private mutating func count(_ solved: SolvedRow) -> Bool {
        if solved.result == .applied { model.updates += 1 } else { rejected += 1 }
        return solved.result == .applied
    }
}

// MARK: - After a training

extension Alternation {
    /// All rows were replaced by trained ones: nothing waits to be solved any more, the sums are those of these rows, and
    /// users are served from them.
    package func settleAfterTraining() {
        alternating.pendingUsers = []
        alternating.pendingItems = [:]
        state.sumGramiansAnew(of: number)
        for shard in state.shards {
            shard.queue.sync {
                for local in shard.users.indices where shard.users[local].id != nil {
                    _ = learner.serve(shard, local: local, model: model, number: number)
                }
            }
        }
    }
}

// MARK: - In idle time

extension Alternation {
    /// Idle rows that an event earns.
    static let idleRowsPerEvent = 32

    /// Takes note of events learned: they allow for so much more work in idle time, up to all rows.
    package func earn(events: Int) {
        let all = model.items.count + state.users.read { $0.rowCount }
        alternating.idleRows = min(all, alternating.idleRows + events * Self.idleRowsPerEvent)
    }

    package var hasIdleWork: Bool {
        alternating.idleRows > 0 || !alternating.pendingUsers.isEmpty || !alternating.pendingItems.isEmpty
    }

    /// Solves a few rows: those that changed first, then those whose turn it is. On the engine's queue, between rounds.
    package mutating func workIdly() {
        if !alternating.pendingUsers.isEmpty || !alternating.pendingItems.isEmpty {
            let users = Array(alternating.pendingUsers.prefix(Self.usersPerTurn))
            alternating.pendingUsers.subtract(users)
            solveUsers(users)
            if alternating.pendingUsers.isEmpty {
                let items = Array(alternating.pendingItems.keys.prefix(Self.usersPerTurn))
                for item in items {
                    alternating.pendingItems[item] = nil
                    alternating.takers.settle(Int(item))
                }
                solveItems(items)
            }
            serve(users)
            return
        }
        let count = Int32(state.users.read { $0.rowCount })
        if count > 0 {
            let user = nextUser(of: count)
            solveUsers([user])
            serve([user])
        }
        if model.items.count > 0 { solveItems([nextItem()]) }
        alternating.idleRows = max(0, alternating.idleRows - 2)
    }
}
