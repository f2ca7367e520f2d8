package import Blending
package import Counting
public import Dispatch
package import Events
package import Factors
internal import Histories
package import Learners
public import Locking

/// A serial queue and the users that live on it: row u belongs to shard u mod S, with the number u / S, which is its place in
/// the columns too, unless users may leave memory (`Residence`).
///
/// Only `queue` writes what is here, and a user's part of it (`users`, `tables`) only while it holds the user's lock;
/// so it reads without. A look-up reads a user from any thread while it holds that lock, and so waits at most for one event,
/// of this user or one in 48 others, and never for the queue. `@unchecked Sendable` stands on these.
/// The engine reads `report` after the group of a round has ended, when nothing learns.
@usableFromInline
package final class UserShard: @unchecked Sendable {
    @usableFromInline package let number: Int
    @usableFromInline package let shards: Int
    @usableFromInline package let queue: DispatchQueue
    @usableFromInline let locks = StripedLock(stripes: 48)
    package let scratch: Scratch
    /// Of each model whether it learns a row of numbers for each user, and whether it keeps anything of users that is saved.
    let learnsRows: [Bool]
    let savesUsers: [Bool]
    /// One table per model, in the order of the models.
    package let tables: [FactorTable]
    /// Which users are in memory; `nil` where all are, for good.
    @usableFromInline package let residence: Residence?
    /// Of models by alternating least squares, the users' long-term rows, by number: items are solved from them all, so that
    /// they stay in memory whoever leaves. `tables` has those that are served.
    package let longTerm: [FactorTable?]
    /// Of models that count, what they keep of users.
    package let trails: [RowColumn<UserTrail>?]
    /// Of blends, which items their counts put first, as far as this shard has seen. Not saved: found anew from the counts.
    package var leaders: [CountLeaders?]
    package let workspace: ALSWorkspace
    /// Of models with a network, what this queue learns it with.
    package let networks: [ShardNetwork?]
    @usableFromInline package let users = UserColumn()
    /// Users copied for the checkpoint that is being written, because they changed before their turn came.
    let keptUsers = Lock(KeptUsers())
    /// Of all models of a user: vectors with their bias and step, and long-term vectors.
    let numbersPerUser: Int
    package var report: ShardReport
    private static let spareRows = 4096
    /// Of each count: many more than are asked for, because those that the user has seen are left out.
    private static let leadersMax = 128
    private var heap = HeapMeasure()

    package init(
        number: Int, shards: Int, factors: Int, models: [ModelOptions], usersMayLeave: Bool = false
    ) {
        residence = usersMayLeave ? Residence() : nil
        self.number = number
        self.shards = shards
        queue = DispatchQueue(label: "freshet.shard.\(number)", qos: .userInitiated)
        scratch = Scratch(factors: factors)
        tables = models.map { FactorTable(factors: $0.factors(of: factors)) }
        longTerm = models.map { $0.isAlternating ? FactorTable(factors: factors) : nil }
        trails = models.map { model in
            model.keepsTrails ? RowColumn<UserTrail>() : nil
        }
        numbersPerUser = models.filter { !$0.keepsTrails }.reduce(0) {
            $0 + ($1.isAlternating ? 2 : 1) * $1.factors(of: factors) + 2
        }
        learnsRows = models.map(\.learnsRows)
        savesUsers = models.map { $0.learnsRows || $0.keepsTrails }
        leaders = models.map {
            if case .blend(let options, _) = $0.learner {
                CountLeaders(counts: options.halfLives.count, limit: Self.leadersMax)
            } else {
                nil
            }
        }
        workspace = ALSWorkspace(factors: factors)
        networks = models.map { model in
            guard case .mlp(let options) = model.learner else { return nil }
            return ShardNetwork(options, factors: factors, shards: shards)
        }
        report = ShardReport(models: models.count)
    }

    /// What a look-up of a user comes to.
    package enum Found<Result> {
        /// What was read; `nil` where there is no such user.
        case read(Result?)
        /// The user has left memory, with this ticket.
        case away(Int32)
    }

    /// Reads a user, from any thread. Keep `read` short: it holds up learning.
    package func lookUp<Result>(_ row: Int32, _ read: (Int, UserState) -> Result?) -> Found<Result> {
        let userNumber = userNumber(ofRow: row)
        return locks.withLock(of: userNumber) {
            if let ticket = residence?.ticket(userNumber) { return .away(ticket) }
            let local = local(row)
            guard local >= 0, local < users.count, users[local].isSomebody else { return .read(nil) }
            return .read(read(local, users[local]))
        }
    }

    /// Users that are visited under one lock.
    private static let usersPerLock = 16

    /// Calls `body` with each user, from any thread: some users at a time under the lock of each, so that
    /// to lock costs little beside the look, and learning is held up for no more than a microsecond.
    func forEachUser(ofModel number: Int, _ body: (borrowing UserGlimpse) -> Void) {
        let (stripes, table) = (locks.stripes, tables[number])
        var (first, isDone) = (0, false)
        while !isDone {
            let end = first + stripes * Self.usersPerLock
            for stripe in 0..<stripes {
                locks.withLock(of: stripe) {
                    isDone = users.count <= end
                    for local in stride(from: first + stripe, to: min(end, users.count), by: stripes) {
                        // They are some rows apart, which no processor foresees.
                        if local + stripes < users.count { table.prefetch(local + stripes) }
                        guard users[local].isSomebody else { continue }
                        body(UserGlimpse(row(local), vector: table.row(local), users.address(of: local)))
                    }
                }
            }
            first = end
        }
    }

    /// Changes a user, on the queue. What the checkpoint that is being written has yet to say of the user is copied first.
    @inlinable
    package func change<Result>(_ local: Int, _ body: () -> Result) -> Result {
        dispatchPrecondition(condition: .onQueue(queue))
        return locks.withLock(of: userNumber(local)) {
            if users.isWaiting(local) { keep(local) }
            return body()
        }
    }

    @inlinable package func userNumber(ofRow row: Int32) -> Int { Int(row) / shards }

    /// Of the user at a place.
    @inlinable
    package func userNumber(_ local: Int) -> Int {
        guard let residence else { return local }
        return residence.number(local)
    }

    /// Where the user stands; -1 for one who is not in memory.
    @inlinable
    package func local(_ row: Int32) -> Int {
        guard let residence else { return Int(row) / shards }
        return residence.place(Int(row) / shards)
    }

    @inlinable package func row(_ local: Int) -> Int32 { Int32(userNumber(local) * shards + number) }

    /// Takes a new user in: rows drawn by the user's id, so that they do not depend on who came before. Where a row
    /// is solved rather than learned step by step, it starts at zero.
    package func admit(_ id: EntityID, row: Int32, seeds: [UInt64]) {
        dispatchPrecondition(condition: .onQueue(queue))
        enter(row) { local in
            users[local] = UserState(id: id)
            users.markUnsaved(local)
            for (number, table) in tables.enumerated() {
                if longTerm[number] == nil, learnsRows[number] {
                    var random = KeyedRandom(seed: seeds[number], bytes: id.string.utf8)
                    random.initialise(table.row(local))
                }
                if savesUsers[number] { table.markChanged(local) }
            }
        }
    }

    /// Zeroes all that is known of the user, who is in memory.
    package func erase(_ row: Int32) {
        let (local, userNumber) = (local(row), userNumber(ofRow: row))
        change(local) {
            wipe(local)
            for table in longTerm { table?.erase(userNumber) }
            residence?.erase(userNumber)
        }
    }

    /// Leaves nothing at the place. Under the lock of the user who stands there.
    func wipe(_ local: Int) {
        users[local] = UserState()
        users.clear([.unsaved, .frozen, .rowsFrozen], at: local)
        for (table, learnsRows) in zip(tables, learnsRows) {
            if learnsRows { table.erase(local) }
            table.clear([.both, .frozen, .unshared], at: local)
        }
        for trail in trails { trail?[local] = UserTrail() }
    }

    /// Gives the user a place, empty, and calls `fill` with it under the user's lock.
    package func enter(_ row: Int32, _ fill: (Int) -> Void) {
        let userNumber = userNumber(ofRow: row)
        expect(users: userNumber + 1)
        guard let residence else { return change(userNumber) { fill(userNumber) } }
        if !residence.hasRoom { grow(to: users.count + 1) }
        locks.withLock(of: userNumber) {
            let local = residence.enter(userNumber)
            wipe(local)
            fill(local)
        }
    }

    /// Makes room for users of lower numbers.
    package func expect(users count: Int) {
        guard let residence else { return grow(to: count) }
        guard count > residence.count else { return }
        let roomy = max(count, min(residence.count * 3 / 2, residence.count + Self.spareRows), 16)
        locks.withLockOfAll {
            residence.grow(numbers: roomy)
            for table in longTerm { table?.grow(to: roomy) { _, _ in } }
        }
    }

    /// Makes room for some more, because look-ups wait meanwhile. Rows beyond those asked for belong to nobody.
    package func grow(to wanted: Int) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard wanted > users.count else { return }
        let count = max(wanted, min(users.count * 3 / 2, users.count + Self.spareRows), 16)
        locks.withLockOfAll {
            users.grow(to: count)
            for table in tables {
                let old = table.count
                table.grow(to: count) { _, _ in }
                for local in old..<count { table.clear(.both, at: local) }
            }
            for trail in trails { trail?.grow(to: count, with: UserTrail()) }
            if let residence {
                residence.grow(places: count)
            } else {
                for table in longTerm { table?.grow(to: count) { _, _ in } }
            }
        }
    }

    /// Bytes of histories and of what else users own on the heap: exact at first, and where little changes.
    package func measureHistories(usersMax: Int = 24_576) -> Int {
        dispatchPrecondition(condition: .onQueue(queue))
        return heap.measure(users: users.count, usersPerPart: usersMax) { local in
            users[local].heapBytes + trails.reduce(0) { $0 + ($1?[local].bytes ?? 0) }
        }
    }

    /// Of a user beside the rows of the tables.
    package static func bytesPerUser(of models: [ModelOptions]) -> Int {
        let personal = models.count(where: \.keepsTrails)
        return UserColumn.bytesPerUser + personal * MemoryLayout<UserTrail>.stride
            + MemoryLayout<Int32>.stride
    }

    /// Of a table whose numbers nobody touches nothing but its marks is ever in memory.
    private static func bytes(of table: FactorTable, learnsRows: Bool) -> Int {
        learnsRows ? table.bytes : table.count
    }

    /// What stays whoever leaves memory.
    var unleavableBytes: Int {
        longTerm.reduce(residence?.bytes ?? 0) { $0 + ($1?.bytes ?? 0) }
    }

    package var tableBytes: Int {
        zip(tables, learnsRows).reduce(0) { $0 + Self.bytes(of: $1.0, learnsRows: $1.1) }
            + longTerm.reduce(0) { $0 + ($1?.bytes ?? 0) }
            + trails.reduce(0) { $0 + ($1?.count ?? 0) * MemoryLayout<UserTrail>.stride }
            + (residence?.bytes ?? 0) + networks.reduce(0) { $0 + ($1?.bytes ?? 0) }
    }
}
