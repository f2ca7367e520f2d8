internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Locking

/// What a checkpoint says of a user who changed before the checkpoint came to the user.
///
/// While a large log is caught up with, that is most users: as small as may be. A history is shared until the live one
/// changes, which then changes a copy; that, and that nothing changes this, is what `@unchecked Sendable` stands on.
struct KeptUser: @unchecked Sendable {
    var row: Int32
    var user: UserState?
    /// Of each model whose row is to be written: its vector, bias and step, and the long-term vector where there is one.
    var numbers: [Float] = []
    /// Which models those are.
    var models: [UInt8] = []
    /// Of the models that count, what they keep of the user.
    var trails: [UserTrail] = []

    /// Bytes on the heap.
    var bytes: Int {
        AllocatedBytes.ofArray(numbers.count * MemoryLayout<Float>.stride)
            + AllocatedBytes.ofArray(models.count)
            + (user?.heapBytes ?? 0) + AllocatedBytes.ofArray(trails.count * MemoryLayout<UserTrail>.stride)
            + trails.reduce(0) { $0 + $1.bytes }
    }
}

/// A shard's users when a checkpoint began, by place.
struct FrozenUsers: Sendable {
    var marks: [UserColumn.Mark.RawValue] = []
    /// Empty where each user's number is the place.
    var numbers: [Int32] = []
}

/// The kept users of a shard.
struct KeptUsers: Sendable {
    private static let chunk = 1024

    /// Where each one lies, by local row.
    private var places: [Int32: Int32] = [:]
    /// In pieces, so that none is copied as more come.
    private var chunks: [[KeptUser?]] = []
    private var free: [Int32] = []
    private var ownBytes = 0

    var count: Int { places.count }

    var bytes: Int {
        places.capacity * 2 * MemoryLayout<Int32>.stride + free.capacity * MemoryLayout<Int32>.stride
            + chunks.count * Self.chunk * MemoryLayout<KeptUser?>.stride + ownBytes
    }

    mutating func put(_ user: KeptUser, _ local: Int) {
        if free.isEmpty {
            let start = Int32(chunks.count * Self.chunk)
            chunks.append(Array(repeating: nil, count: Self.chunk))
            free = (start..<start + Int32(Self.chunk)).reversed()
        }
        let place = free.removeLast()
        chunks[Int(place) / Self.chunk][Int(place) % Self.chunk] = user
        places[Int32(local)] = place
        ownBytes += user.bytes
    }

    mutating func take(_ local: Int) -> KeptUser? {
        guard let place = places.removeValue(forKey: Int32(local)) else { return nil }
        var user: KeptUser?
        swap(&user, &chunks[Int(place) / Self.chunk][Int(place) % Self.chunk])
        free.append(place)
        ownBytes -= user?.bytes ?? 0
        return user
    }
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
        var kept = KeptUser(row: row(local), user: mark.contains(.frozen) ? users[local] : nil)
        if mark.contains(.rowsFrozen) {
            for (model, table) in tables.enumerated() where table.isMarked(.frozen, at: local) {
                kept.models.append(UInt8(model))
                if let trail = trails[model] {
                    kept.trails.append(trail[local])
                    continue
                }
                table.appendVector(local, to: &kept.numbers)
                kept.numbers += [table.bias(local), table.step(local)]
                longTerm[model]?.appendVector(userNumber(local), to: &kept.numbers)
            }
        }
        users.clear(.waiting, at: local)
        keptUsers.withLock { $0.put(kept, local) }
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
    func thaw(isSaved: Bool) {
        queue.sync {
            locks.withLockOfAll {
                if !isSaved {
                    for table in tables { table.thawUnsaved() }
                    users.thawUnsaved()
                }
                users.clearWaiting()
                residence?.releaseHeld()
            }
            keptUsers.withLock { $0 = KeptUsers() }
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
