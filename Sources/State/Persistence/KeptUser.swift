internal import Checkpoints
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Locking

/// What a checkpoint says of a user who changed before the checkpoint came to the user.
struct KeptUser: Sendable {
    var user: StoredUser?
    var rows: [KeptRow] = []
}

/// A row of one model's table, with what stands beside it.
struct KeptRow: Sendable {
    var model: Int
    var vector: [Float] = []
    var bias: Float
    var step: Float
    var longTerm: [Float] = []
}

// On the shard's queue, or under the user's lock: nobody changes the user meanwhile.
extension UserShard {
    /// The user as the file has it; `nil` for nobody.
    func stored(_ local: Int) -> StoredUser? {
        guard let id = users[local].id else { return nil }
        return StoredUser(
            row: row(local), id: Data(id.string.utf8), history: users[local].history.blob,
            residualSum: users[local].residualSum, ratings: Int64(users[local].ratings),
            nextOrder: Int64(users[local].nextOrder), lastEvent: users[local].lastEvent,
            hidden: users[local].hidden.blob, marks: users[local].marks.blob)
    }

    /// Appends the user's row of a model to what is to be written.
    func append(_ local: Int, model: Int, to factors: inout StoredFactors) {
        factors.append(row(local), tables[model], local)
        longTerm[model]?.appendVector(local, to: &factors.longTerm)
    }
}

// A checkpoint that is being written. A user is changed under the user's lock alone, and what is frozen of it copied
// before that (`change`); the checkpoint copies under the same lock what still waits, and takes what was kept of others.
// So each user goes into the file once, as it stood when it was frozen.
extension UserShard {
    /// What is unsaved is frozen. On the queue, between rounds.
    ///
    /// - Returns: the marks of all users, to know without their locks whom to ask for.
    func freeze() -> [UserColumn.Mark.RawValue] {
        dispatchPrecondition(condition: .onQueue(queue))
        return locks.withLockOfAll {
            for table in tables { table.freeze() }
            users.freezeMarks(with: tables)
            return users.allMarks
        }
    }

    /// Copies what is frozen of a user who is about to change. On the queue, under the user's lock.
    @usableFromInline
    @inline(never)
    func keep(_ local: Int) {
        let mark = users.mark(local)
        var kept = KeptUser(user: mark.contains(.frozen) ? stored(local) : nil)
        if mark.contains(.rowsFrozen) {
            for (model, table) in tables.enumerated() where table.isMarked(.frozen, at: local) {
                var row = KeptRow(model: model, bias: table.bias(local), step: table.step(local))
                table.appendVector(local, to: &row.vector)
                longTerm[model]?.appendVector(local, to: &row.longTerm)
                kept.rows.append(row)
            }
        }
        users.clear(.waiting, at: local)
        keptUsers.withLock { $0[Int32(local)] = kept }
    }

    /// Appends what was frozen of the user. From any thread, once a user.
    func takeFrozen(_ local: Int, into page: inout StateDelta) {
        let isTaken = locks.withLock(of: local) {
            let mark = users.mark(local)
            guard mark.contains(.waiting) else { return false }
            if mark.contains(.frozen), let user = stored(local) { page.users.append(user) }
            if mark.contains(.rowsFrozen) {
                for model in tables.indices where tables[model].isMarked(.frozen, at: local) {
                    append(local, model: model, to: &page.userFactors[model])
                }
            }
            users.clear(.waiting, at: local)
            return true
        }
        guard !isTaken, let kept = keptUsers.withLock({ $0.removeValue(forKey: Int32(local)) }) else {
            return
        }
        if let user = kept.user { page.users.append(user) }
        for kept in kept.rows { page.userFactors[kept.model].append(row(local), kept) }
    }

    /// After the checkpoint; where it was not written, what was frozen is unsaved again. A user forgotten in the meantime
    /// stays unmarked: there is nothing left to write.
    func thaw(isSaved: Bool) {
        queue.sync {
            locks.withLockOfAll {
                if !isSaved {
                    for table in tables { table.thawUnsaved() }
                    users.thawUnsaved()
                }
                users.clearWaiting()
            }
            keptUsers.withLock { $0 = [:] }
        }
    }
}

extension StoredFactors {
    mutating func append(_ number: Int32, _ table: FactorTable, _ row: Int) {
        rows.append(number)
        table.appendVector(row, to: &vectors)
        biases.append(table.bias(row))
        steps.append(table.step(row))
    }

    fileprivate mutating func append(_ number: Int32, _ kept: KeptRow) {
        rows.append(number)
        vectors += kept.vector
        biases.append(kept.bias)
        steps.append(kept.step)
        longTerm += kept.longTerm
    }
}

extension UserColumn {
    var allMarks: [UInt8] { Array(UnsafeBufferPointer(start: marks, count: count)) }

    /// Passes over a byte a user, each simple enough for the compiler to do sixteen at once.
    func freezeMarks(with tables: [FactorTable]) {
        let (unsaved, rowsFrozen) = (Mark.unsaved.rawValue, Mark.rowsFrozen.rawValue)
        for local in 0..<count { marks[local] = (marks[local] & unsaved) << 1 }
        for table in tables {
            table.addFrozen(to: UnsafeMutableBufferPointer(start: marks, count: count), bit: rowsFrozen)
        }
        // Frozen is bit 2, rows frozen bit 3; waiting, bit 4, where either is.
        for local in 0..<count { marks[local] |= (marks[local] & 4) << 2 | (marks[local] & 8) << 1 }
    }

    func thawUnsaved() {
        for local in 0..<count { marks[local] |= (marks[local] & Mark.frozen.rawValue) >> 1 }
    }

    func clearWaiting() {
        for local in 0..<count { marks[local] &= ~Mark.waiting.rawValue }
    }
}
