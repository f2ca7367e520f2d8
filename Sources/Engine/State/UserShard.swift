internal import Dispatch
internal import Events
internal import Factors
internal import Learners
internal import Locking

/// A user as the shard keeps it.
struct UserState {
    /// Kept here too, so that a look-up that comes while the user is forgotten and the row given to another does not
    /// answer with the other's taste.
    var id: EntityID?
    var history = History()
    /// Items that the user never wants to see.
    var hidden = HiddenItems()
    /// Σ(r − μ − b_i) of the means baseline, and its count.
    var residualSum = 0.0
    var ratings = 0
    var nextOrder: UInt32 = 0
    /// `nextOrder` as it was when the segment began whose first event has the ordinal `segment`.
    var segmentOrder: UInt32 = 0
    var segment: Int64 = 0
    /// The ordinal, over the whole life of the state, of the user's last event.
    var lastEvent: Int64 = 0
    /// To be written with the next checkpoint.
    var unsaved = false
}

extension UserState {
    /// The order of the example among all of this user's, in the log's sense.
    mutating func order(of example: Example) -> UInt32 {
        guard let place = example.place else {
            nextOrder &+= 1
            return nextOrder &- 1
        }
        if segment != place.segment { (segment, segmentOrder) = (place.segment, nextOrder) }
        let order = segmentOrder &+ place.index
        nextOrder = max(nextOrder, order &+ 1)
        return order
    }
}

/// A serial queue and the users that live on it: row u belongs to shard u mod S, at u / S.
///
/// Only `queue` writes what is here, and a user's part of it (`users`, `tables`) only while it holds the user's lock;
/// so it reads without. A look-up reads a user from any thread while it holds that lock, and so waits at most for one event,
/// of this user or one in 48 others, and never for the queue. `@unchecked Sendable` stands on these.
/// The engine reads `report` after the group of a round has ended, when nothing learns.
final class UserShard: @unchecked Sendable {
    let number: Int
    let shards: Int
    let queue: DispatchQueue
    private let locks = StripedLock(stripes: 48)
    let scratch: Scratch
    /// One table per model, in the order of the models.
    let tables: [FactorTable]
    /// Of models by alternating least squares, the users' long-term rows; `tables` has those that are served.
    let longTerm: [FactorTable?]
    let workspace: ALSWorkspace
    let users = UserColumn()
    var report: ShardReport

    init(number: Int, shards: Int, factors: Int, models: [ModelOptions]) {
        self.number = number
        self.shards = shards
        queue = DispatchQueue(label: "freshet.shard.\(number)", qos: .userInitiated)
        scratch = Scratch(factors: factors)
        tables = models.map { _ in FactorTable(factors: factors) }
        longTerm = models.map { $0.isAlternating ? FactorTable(factors: factors) : nil }
        workspace = ALSWorkspace(factors: factors)
        report = ShardReport(models: models.count)
    }

    /// Reads a user, from any thread; `nil` where there is none. Keep `read` short: it holds up learning.
    func lookUp<Result>(_ local: Int, _ read: (UserState) -> Result?) -> Result? {
        locks.withLock(of: local) {
            guard local < users.count, users[local].id != nil else { return nil }
            return read(users[local])
        }
    }

    /// Changes a user, on the queue.
    func change<Result>(_ local: Int, _ body: () -> Result) -> Result {
        dispatchPrecondition(condition: .onQueue(queue))
        return locks.withLock(of: local, body)
    }

    func local(_ row: Int32) -> Int { Int(row) / shards }
    func row(_ local: Int) -> Int32 { Int32(local * shards + number) }

    /// Takes a new user in: rows drawn by the user's id, so that they do not depend on who came before. Where a row
    /// is solved rather than learned step by step, it starts at zero.
    func admit(_ id: EntityID, row: Int32, seeds: [UInt64]) {
        dispatchPrecondition(condition: .onQueue(queue))
        let local = local(row)
        grow(to: local + 1)
        change(local) {
            users[local] = UserState(id: id, unsaved: true)
            for (number, table) in tables.enumerated() {
                if longTerm[number] == nil {
                    var random = KeyedRandom(seed: seeds[number], bytes: id.string.utf8)
                    random.initialise(table.row(local))
                }
                table.markChanged(local)
            }
        }
    }

    /// Zeroes all that is known of the user.
    func erase(_ row: Int32) {
        let local = local(row)
        change(local) {
            users[local] = UserState()
            for table in tables {
                table.erase(local)
                table.clear(.both, at: local)
            }
            for table in longTerm { table?.erase(local) }
        }
    }

    /// Makes room by half as much again, because everything moves and look-ups wait meanwhile. Rows beyond those asked
    /// for belong to nobody.
    func grow(to wanted: Int) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard wanted > users.count else { return }
        let count = max(wanted, users.count * 3 / 2, 16)
        locks.withLockOfAll {
            users.grow(to: count)
            for table in tables {
                let old = table.count
                table.grow(to: count) { _, _ in }
                for local in old..<count { table.clear(.both, at: local) }
            }
            for table in longTerm { table?.grow(to: count) { _, _ in } }
        }
    }

    var historyBytes: Int {
        users.indices.reduce(0) {
            $0 + users[$1].history.entries.capacity * MemoryLayout<HistoryEntry>.stride
                + users[$1].hidden.rows.capacity * MemoryLayout<Int32>.stride
        }
    }
    var tableBytes: Int {
        tables.reduce(0) { $0 + $1.bytes } + longTerm.reduce(0) { $0 + ($1?.bytes ?? 0) }
    }
}

/// What a shard has done in one segment of a batch.
struct ShardReport {
    /// Item rows changed and not yet published, per model.
    var changedItems: [[Int32]]
    /// What users took, or no longer do, in the order of events; per model, of alternating ones alone.
    var takings: [[Taking]]
    /// Item rows whose counts changed and are not yet published.
    var changedStats: [Int32] = []
    var updates: [Int]
    var rejections: [Rejection] = []
    var duplicates = 0
    var retracted = 0
    /// History entries dropped because the history was full.
    var dropped = 0
    /// Local rows whose history is past its bound.
    var overfull: [Int] = []

    init(models: Int) {
        changedItems = Array(repeating: [], count: models)
        takings = Array(repeating: [], count: models)
        updates = Array(repeating: 0, count: models)
    }
}

/// An update that the guard refused.
struct Rejection {
    let model: Int
    let partition: Int32
    let offset: Int64
}
