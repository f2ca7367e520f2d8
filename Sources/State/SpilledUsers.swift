package import Checkpoints
package import Counting
internal import Events
package import Factors
internal import Foundation
internal import Histories
internal import Learners
internal import Locking
internal import Synchronization

/// Some users as the state file has them: columns as a shard's, by place. Nobody changes them once they are read; that is
/// what `@unchecked Sendable` stands on.
package final class SpilledUsers: @unchecked Sendable {
    /// Ascending.
    package let rows: [Int32]
    package fileprivate(set) var users: [UserState] = []
    /// One a model.
    package let tables: [FactorTable]
    package let trails: [RowColumn<UserTrail>?]

    fileprivate init(_ rows: [Int32], _ shape: SpillStore.Shape) {
        self.rows = rows
        users.reserveCapacity(rows.count)
        tables = shape.models.map { FactorTable(factors: $0.factors(of: shape.factors)) }
        trails = shape.models.map { model in
            model.keepsTrails ? RowColumn<UserTrail>() : nil
        }
        for table in tables { table.grow(to: rows.count) { _, _ in } }
        for trail in trails { trail?.grow(to: rows.count, with: UserTrail()) }
    }
}

/// Reads users who have left memory out of the state file, and keeps some for look-ups. Safe from any thread: learning and
/// look-ups have a connection each, so that neither waits for the other.
package final class SpillStore: Sendable {
    /// What a user is made of.
    struct Shape: Sendable {
        var models: [ModelOptions]
        var factors: Int
    }

    /// How often users came, and from where.
    package struct Counts: Sendable {
        /// Who left, and who came back because they were heard of.
        package var left: Int64 = 0
        package var cameBack: Int64 = 0
        /// Look-ups of users who were away, and those that found them kept from a look-up before.
        package var lookUps: Int64 = 0
        package var kept: Int64 = 0

        package init() {}
    }

    /// Users kept for look-ups, in two halves: whoever is not asked for while one fills goes with the other.
    private struct Kept {
        static let halfMax = 1_024
        var young: [Int32: (ticket: Int32, user: SpilledUsers)] = [:]
        var old: [Int32: (ticket: Int32, user: SpilledUsers)] = [:]

        mutating func find(_ row: Int32, _ ticket: Int32) -> SpilledUsers? {
            guard let found = young[row] ?? old[row], found.ticket == ticket else { return nil }
            put(row, ticket, found.user)
            return found.user
        }

        mutating func put(_ row: Int32, _ ticket: Int32, _ user: SpilledUsers) {
            if young.count >= Self.halfMax { (old, young) = (young, [:]) }
            young[row] = (ticket, user)
        }
    }

    private let shape: Shape
    /// Numbers of models as the file counts them.
    private let numbersByName: [Int]
    private let forLearning: UserRowReader
    private let forLookUps: UserRowReader
    private let kept = Lock(Kept())
    private let tally = Lock(Counts())
    private let lastTrouble = Lock<StateError?>(nil)
    private let onTrouble: @Sendable (StateError?) -> Void
    /// No user who is away has an item of this number or a higher one.
    private let items = Atomic<Int>(0)
    package var itemCount: Int {
        get { items.load(ordering: .acquiring) }
        set { items.store(newValue, ordering: .releasing) }
    }

    /// - Parameter onTrouble: told when users cannot be read for another reason than before, and when they can again.
    package init(
        _ file: StateFile, options: StateOptions,
        onTrouble: @escaping @Sendable (StateError?) -> Void = { _ in }
    ) {
        self.onTrouble = onTrouble
        let models = options.models
        shape = Shape(models: models, factors: options.factors)
        numbersByName = models.indices.sorted {
            models[$0].name.utf8.lexicographicallyPrecedes(models[$1].name.utf8)
        }
        let without = Set(models.filter { !$0.learnsRows }.map(\.name))
        forLearning = UserRowReader(of: file, withoutVectors: without)
        forLookUps = UserRowReader(of: file, withoutVectors: without)
    }

    package var counts: Counts { tally.withLock { $0 } }

    /// Why users cannot be read; `nil` while they can.
    package var trouble: StateError? { lastTrouble.withLock { $0 } }

    package func count(left: Int) { tally.withLock { $0.left += Int64(left) } }
    package func count(cameBack: Int) { tally.withLock { $0.cameBack += Int64(cameBack) } }

    /// - Parameter rows: ascending, of users who are in the file.
    package func read(_ rows: [Int32]) throws(StateError) -> SpilledUsers {
        try read(rows, forLearning)
    }

    /// A user who was found to be away with this ticket.
    package func lookUp(_ row: Int32, ticket: Int32) throws(StateError) -> SpilledUsers {
        let found = kept.withLock { $0.find(row, ticket) }
        tally.withLock {
            $0.lookUps += 1
            if found != nil { $0.kept += 1 }
        }
        if let found { return found }
        let user = try read([row], forLookUps)
        kept.withLock { $0.put(row, ticket, user) }
        return user
    }

    /// Many users for one look-up; none of them is kept.
    package func lookUp(_ rows: [Int32]) throws(StateError) -> SpilledUsers { try read(rows, forLookUps) }

    private func read(_ rows: [Int32], _ reader: UserRowReader) throws(StateError) -> SpilledUsers {
        do throws(StateError) {
            let users = try readWhole(rows, reader)
            note(nil)
            return users
        } catch {
            note(error)
            throw error
        }
    }

    private func note(_ trouble: StateError?) {
        let isNews = lastTrouble.withLock { last in
            defer { last = trouble }
            return last?.message != trouble?.message
        }
        if isNews { onTrouble(trouble) }
    }

    private func readWhole(_ rows: [Int32], _ reader: UserRowReader) throws(StateError) -> SpilledUsers {
        let (read, itemCount) = (SpilledUsers(rows, shape), itemCount)
        var cursor = 0
        try reader.read(rows) { (stored: ReadUser) throws(StateError) in
            read.users.append(try UserState(stored, itemCount: itemCount))
        } factors: { (stored: ReadRow) throws(StateError) in
            let model = numbersByName[stored.model]
            // Each model's rows come in the order of `rows`.
            if cursor >= rows.count || rows[cursor] > stored.row { cursor = 0 }
            while rows[cursor] < stored.row { cursor += 1 }
            if let trails = read.trails[model] {
                trails[cursor] = try UserTrail(stored, itemCount: itemCount)
            } else if shape.models[model].learnsRows {
                read.tables[model].row(cursor).load(
                    littleEndian: stored.vector, bias: stored.bias, step: stored.step)
            }
        }
        return read
    }

    /// No more is read.
    package func close() {
        forLearning.close()
        forLookUps.close()
    }
}

extension UserState {
    /// A user as the file has it.
    ///
    /// - Parameter itemCount: no item has this number or a higher one.
    /// - Throws: what is wrong, for a sentence that says where.
    package init(_ stored: ReadUser, itemCount: Int) throws(StateError) {
        self.init()
        guard let text = String(validating: stored.id, as: UTF8.self), let id = try? EntityID(text) else {
            throw StateError(.damaged, "the id of users row \(stored.row) is not 1 to 256 bytes of UTF-8")
        }
        guard stored.row >= 0,
            let history = History(blob: Data(stored.history), tallies: Data(stored.tallies)),
            let hidden = HiddenItems(blob: Data(stored.hidden)), hidden.all(below: itemCount),
            let marks = TimedMarks(blob: Data(stored.marks)), marks.all(below: itemCount),
            let tags = UserTags(text: Data(stored.tags), time: stored.tagsAt),
            history.entries.allSatisfy({
                $0.item >= 0 && $0.item < itemCount && $0.value.isFinite && StoredNumber.isMoment($0.time)
            })
        else {
            throw StateError(
                .damaged,
                "the history, the hidden items, the marks or the tags of users row \(stored.row) are malformed"
            )
        }
        guard (0...Int64(Int32.max)).contains(stored.ratings), StoredNumber.isOne(stored.residualSum),
            StoredNumber.isMoment(stored.lastEvent), stored.tagsAt.map(StoredNumber.isMoment) ?? true
        else {
            throw StateError(.damaged, "the counts of users row \(stored.row) are absurd")
        }
        (self.id, self.history) = (id, history)
        extras = UserExtras(hidden: hidden, marks: marks, tags: tags)
        (residualSum, ratings) = (stored.residualSum, Int(stored.ratings))
        nextOrder = UInt32(truncatingIfNeeded: stored.nextOrder)
        lastEvent = stored.lastEvent
    }
}

extension UserTrail {
    /// What a model that counts keeps of a user, as the file has it; empty in a file of before it stood in the user's row.
    init(_ stored: ReadRow, itemCount: Int) throws(StateError) {
        guard let bytes = stored.trail else {
            self.init()
            return
        }
        var reader = ByteReader(bytes)
        guard let trail = UserTrail(&reader, items: itemCount), reader.isAtEnd else {
            throw StateError(.damaged, "what user_factors row \(stored.row) says of a user is malformed")
        }
        self = trail
    }
}
