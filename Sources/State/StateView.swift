package import Checkpoints
package import Counting
package import Events
package import Factors
package import Histories
package import Identities
internal import Locking

/// What may be read of a state from any thread while it is learned: ids, the catalogue, and users one at a time.
/// Nothing else of a state is in reach of who holds this.
///
/// Each read takes the lock it needs and gives it back. Ids and the catalogue wait for a new item or user at most; a user
/// for one event, of this user or one in 48 others. None waits for a queue that learns.
package struct StateView: Sendable {
    private let state: LearnedState

    package init(_ state: LearnedState) { self.state = state }

    package var modelCount: Int { state.models.count }

    /// Calls `body` with the ids of users and their rows. Keep it short: new users wait meanwhile.
    package func readUserIDs<Result>(_ body: (borrowing IDTable) -> Result) -> Result {
        state.users.read(body)
    }

    /// Calls `body` with the ids of items and their rows. Keep it short: new items wait meanwhile.
    package func readItemIDs<Result>(_ body: (borrowing IDTable) -> Result) -> Result {
        state.items.read(body)
    }

    /// Calls `body` with titles, tags and availability. Keep it short: descriptions wait meanwhile.
    package func readCatalogue<Result>(_ body: (borrowing Catalogue) -> Result) -> Result {
        state.catalogue.read(body)
    }

    /// Reads a user where nobody changes it meanwhile; `nil` for an unknown one. Keep `body` short: it holds up learning.
    ///
    /// - Throws: where a user who has left memory cannot be read.
    package func readUser<Result>(
        _ id: EntityID, _ body: (borrowing UserView) -> Result
    ) throws(StateError) -> Result? {
        guard let row = readUserIDs({ $0.row(of: id) }) else { return nil }
        // Meanwhile the user may have been forgotten, and the row given to another.
        return try readUser(at: row) { $0.id == id ? body($0) : nil }
    }

    /// The same by row; `nil` where there is no user, or where `body` says so.
    package func readUser<Result>(
        at row: Int32, _ body: (borrowing UserView) -> Result?
    ) throws(StateError) -> Result? {
        switch read(row, body) {
        case .read(let result): return result
        case .away(let ticket):
            guard let spilled = try state.spill?.lookUp(row, ticket: ticket) else { return nil }
            return body(UserView(spilled, 0))
        }
    }

    private func read<Result>(
        _ row: Int32, _ body: (borrowing UserView) -> Result?
    ) -> UserShard.Found<Result> {
        let shard = state.shard(of: row)
        return shard.lookUp(row) { local, user in body(UserView(user: user, shard: shard, local: local)) }
    }

    /// Calls `body` with each user, as a model knows them: nobody changes them meanwhile, and it may read nothing else of the
    /// state. Keep it short: it holds up learning.
    ///
    /// - Throws: where users who have left memory cannot be read.
    package func forEachUser(
        ofModel number: Int, _ body: (borrowing UserGlimpse) -> Void
    ) throws(StateError) {
        guard state.options.usersMayLeave else {
            for shard in state.shards { shard.forEachUser(ofModel: number, body) }
            return
        }
        let rowCount = Int32(readUserIDs { $0.rowCount })
        for start in stride(from: 0, to: rowCount, by: Self.usersAtATime) {
            let away = (start..<min(rowCount, start + Int32(Self.usersAtATime))).filter { row in
                if case .away = glance(row, ofModel: number, body) { true } else { false }
            }
            guard !away.isEmpty, let spilled = try state.spill?.lookUp(away) else { continue }
            spilled.users.withUnsafeBufferPointer { users in
                guard let base = users.baseAddress else { return }
                for (place, row) in spilled.rows.enumerated() {
                    body(UserGlimpse(row, vector: spilled.tables[number].row(place), base + place))
                }
            }
        }
    }

    /// Of those who have left memory, so many are read together.
    private static let usersAtATime = 1_024

    private func glance(
        _ row: Int32, ofModel number: Int, _ body: (borrowing UserGlimpse) -> Void
    ) -> UserShard.Found<Void> {
        let shard = state.shard(of: row)
        return shard.lookUp(row) { local, _ in
            body(UserGlimpse(row, vector: shard.tables[number].row(local), shard.users.address(of: local)))
        }
    }
}

/// A user for the length of one look in a pass over all: what is not asked for is not even copied.
///
/// Unsafe by nature: it points at the user, whose lock is held while it is lent, and cannot be kept.
package struct UserGlimpse: ~Copyable {
    /// The user's row over all shards.
    package let number: Int32
    /// In the model asked for.
    package let row: Row
    private let user: UnsafePointer<UserState>

    init(_ number: Int32, vector row: Row, _ user: UnsafePointer<UserState>) {
        (self.number, self.row, self.user) = (number, row, user)
    }

    package var id: EntityID? { user.pointee.id }
}

/// A user for the length of one read.
package struct UserView: ~Copyable {
    fileprivate let user: UserState
    /// Where the user's rows are: in a shard, or among those read from the file.
    private let shard: UserShard?
    private let spilled: SpilledUsers?
    private let local: Int

    fileprivate init(user: UserState, shard: UserShard, local: Int) {
        (self.user, self.shard, self.local) = (user, shard, local)
        spilled = nil
    }

    fileprivate init(_ spilled: SpilledUsers, _ place: Int) {
        (user, self.spilled, local) = (spilled.users[place], spilled, place)
        shard = nil
    }

    package var id: EntityID? { user.id }
    package var history: History { user.history }
    package var hidden: HiddenItems { user.hidden }
    package var tags: [String] { user.tags.list.tags }

    /// The user's row in a model: valid until the read ends, so copy what is to be kept.
    package func row(ofModel number: Int) -> Row {
        table(number).row(local)
    }

    private func table(_ number: Int) -> FactorTable {
        if let shard { return shard.tables[number] }
        guard let spilled else { preconditionFailure("a user is in memory or was read") }
        return spilled.tables[number]
    }

    /// What a model that counts keeps of the user; `nil` for others.
    package func trail(ofModel number: Int) -> UserTrail? {
        if let shard { return shard.trails[number]?[local] }
        return spilled?.trails[number]?[local]
    }
}
