internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Locking

/// A shard's users when a checkpoint began, by place.
struct FrozenUsers: Sendable {
    var marks: [UserColumn.Mark.RawValue] = []
    /// Empty where each user's number is the place.
    var numbers: [Int32] = []
}

// On the shard's queue, or under the user's lock: nobody changes the user meanwhile.
extension UserShard {
    /// The user as the file has it; `nil` for nobody.
    func stored(_ local: Int) -> StoredUser? { StoredUser(row(local), users[local]) }

    /// Appends the user's row of a model to what is to be written.
    func append(_ local: Int, model: Int, to factors: inout StoredFactors) {
        guard savesUsers[model] else { return }
        if let trail = trails[model] { return factors.append(row(local), trail[local]) }
        factors.append(row(local), tables[model], local)
        longTerm[model]?.appendVector(userNumber(local), to: &factors.longTerm)
    }
}

// A checkpoint that is being written. A user is changed under the user's lock alone, and what is frozen of it copied
// before that (`change`); the checkpoint copies under the same lock what still waits, and takes what was kept of others.
// So each user goes into the file once, as it stood when it was frozen.
extension UserShard {
    /// What is unsaved is frozen. On the queue, between rounds.
    ///
    /// - Returns: the marks of all users, to know without their locks whom to ask for.
    func freeze() -> FrozenUsers {
        dispatchPrecondition(condition: .onQueue(queue))
        return locks.withLockOfAll {
            for table in tables { table.freeze() }
            users.freezeMarks(with: tables)
            residence?.isFrozen = true
            return FrozenUsers(marks: users.allMarks, numbers: residence?.allNumbers ?? [])
        }
    }

    /// Copies what is frozen of a user who is about to change. On the queue, under the user's lock.
    @usableFromInline
    @inline(never)
    func keep(_ local: Int) {
        let mark = users.mark(local)
        let user = mark.contains(.frozen) ? users[local] : nil
        keptUsers.withLock { kept in
            kept.put(local, row: row(local), user: user, numbers: numbersPerUser) { rows in
                guard mark.contains(.rowsFrozen) else { return }
                for (model, table) in tables.enumerated() where table.isMarked(.frozen, at: local) {
                    if let trail = trails[model] {
                        rows.append(model, trail[local])
                    } else {
                        rows.append(
                            model, table, local, longTerm: longTerm[model].map { ($0, userNumber(local)) })
                    }
                }
            }
        }
        users.clear(.waiting, at: local)
    }

    /// Appends what was frozen of the user. From any thread, once a user.
    func takeFrozen(_ local: Int, userNumber: Int, into page: inout StateDelta) {
        let isTaken = locks.withLock(of: userNumber) {
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
        guard !isTaken, let kept = keptUsers.withLock({ $0.take(local) }) else { return }
        if let user = kept.user.flatMap({ StoredUser(kept.row, $0) }) { page.users.append(user) }
        var (numbers, trails) = (kept.numbers[...], kept.trails[...])
        for model in kept.models {
            if self.trails[Int(model)] != nil {
                page.userFactors[Int(model)].append(kept.row, trails.removeFirst())
                continue
            }
            page.userFactors[Int(model)].append(kept.row, &numbers, hasLongTerm: longTerm[Int(model)] != nil)
        }
    }

    /// After the checkpoint; where it was not written, what was frozen is unsaved again. A user forgotten in the meantime
    /// stays unmarked: there is nothing left to write.
    ///
    /// - Returns: what was kept and not taken.
    func thaw(isSaved: Bool) -> KeptUsers {
        queue.sync {
            locks.withLockOfAll {
                if !isSaved {
                    for table in tables { table.thawUnsaved() }
                    users.thawUnsaved()
                }
                users.clearWaiting()
                residence?.releaseHeld()
            }
        }
        return keptUsers.withLock { kept in
            defer { kept = KeptUsers() }
            return kept
        }
    }
}

extension StoredFactors {
    mutating func append(_ number: Int32, _ table: FactorTable, _ row: Int) {
        rows.append(number)
        if factors > 0 { table.appendVector(row, to: &vectors) }
        biases.append(table.bias(row))
        steps.append(table.step(row))
    }

    /// A row of a model that counts.
    fileprivate mutating func append(_ number: Int32, _ trail: UserTrail) {
        rows.append(number)
        biases.append(0)
        steps.append(0)
        trails.append(trail.blob)
    }

    /// Takes a row off the front of what was kept.
    fileprivate mutating func append(_ number: Int32, _ kept: inout ArraySlice<Float>, hasLongTerm: Bool) {
        rows.append(number)
        vectors += kept.prefix(factors)
        kept = kept.dropFirst(factors)
        biases.append(kept.removeFirst())
        steps.append(kept.removeFirst())
        guard hasLongTerm else { return }
        longTerm += kept.prefix(factors)
        kept = kept.dropFirst(factors)
    }

    /// Bytes of the rows.
    var bytes: Int {
        rows.capacity * MemoryLayout<Int32>.stride
            + (vectors.capacity + biases.capacity + steps.capacity + longTerm.capacity)
            * MemoryLayout<Float>.stride
            + popularity.capacity * MemoryLayout<StoredPopularity>.stride
    }
}

extension StoredUser {
    /// `nil` of nobody.
    init?(_ row: Int32, _ user: UserState) {
        guard let id = user.id else { return nil }
        self.init(
            row: row, id: Data(id.string.utf8), history: user.history.blob, residualSum: user.residualSum,
            ratings: Int64(user.ratings), nextOrder: Int64(user.nextOrder), lastEvent: user.lastEvent,
            hidden: user.hidden.blob, marks: user.marks.blob, tallies: user.history.tallyBlob,
            tags: user.tags.list.tags, tagsAt: user.tags.list.time)
    }
}

extension UserColumn {
    // Passes over a byte a user, each simple enough for the compiler to do sixteen at once: the marks' address and their count
    // stand in constants, which no write to a mark can change.
    var allMarks: [UInt8] { Array(UnsafeBufferPointer(start: marks, count: count)) }

    func freezeMarks(with tables: [FactorTable]) {
        let (marks, count) = (marks, count)
        let (unsaved, rowsFrozen) = (Mark.unsaved.rawValue, Mark.rowsFrozen.rawValue)
        for local in 0..<count { marks[local] = (marks[local] & unsaved) << 1 }
        for table in tables {
            table.add(
                .frozen, to: UnsafeMutableBufferPointer(start: marks, count: count), bit: rowsFrozen)
        }
        // Frozen is bit 2, rows frozen bit 3; waiting, bit 4, where either is.
        for local in 0..<count { marks[local] |= (marks[local] & 4) << 2 | (marks[local] & 8) << 1 }
    }

    func thawUnsaved() {
        let (marks, count) = (marks, count)
        for local in 0..<count { marks[local] |= (marks[local] & Mark.frozen.rawValue) >> 1 }
    }

    func clearWaiting() {
        let (marks, count) = (marks, count)
        for local in 0..<count { marks[local] &= ~Mark.waiting.rawValue }
    }
}
