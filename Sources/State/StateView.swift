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
    package func readUser<Result>(_ id: EntityID, _ body: (borrowing UserView) -> Result) -> Result? {
        guard let row = readUserIDs({ $0.row(of: id) }) else { return nil }
        // Meanwhile the user may have been forgotten, and the row given to another.
        return readUser(at: row) { $0.id == id ? body($0) : nil }
    }

    /// The same by row; `nil` where there is no user, or where `body` says so.
    package func readUser<Result>(at row: Int32, _ body: (borrowing UserView) -> Result?) -> Result? {
        let shard = state.shard(of: row)
        let local = shard.local(row)
        return shard.lookUp(local) { body(UserView(user: $0, shard: shard, local: local)) }
    }

    /// Calls `body` with each user, as a model knows them: nobody changes them meanwhile, and it may read nothing else of the
    /// state. Keep it short: it holds up learning.
    package func forEachUser(ofModel number: Int, _ body: (borrowing UserGlimpse) -> Void) {
        for shard in state.shards { shard.forEachUser(ofModel: number, body) }
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
    fileprivate let shard: UserShard
    fileprivate let local: Int

    package var id: EntityID? { user.id }
    package var history: History { user.history }
    package var hidden: HiddenItems { user.hidden }
    package var tags: [String] { user.tags.list.tags }

    /// The user's row in a model: valid until the read ends, so copy what is to be kept.
    package func row(ofModel number: Int) -> Row { shard.tables[number].row(local) }

    /// What a model that counts keeps of the user; `nil` for others.
    package func trail(ofModel number: Int) -> UserTrail? { shard.trails[number]?[local] }
}
