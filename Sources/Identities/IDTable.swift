// Identities: ids and the dense rows that stand for them.
//
// Here live the table of ids, the arena of their bytes and how they are hashed. Bytes or ids come in, rows go out. What
// never comes in: what is known of a row.

internal import CKernels
package import Events
internal import HeapModule
package import Locking

/// Ids and their dense row numbers. A row that is let go is given out again, lowest first, so that the rows are a
/// function of the events alone and the tables do not grow with users who have left.
///
/// Open addressing with linear probing and deletion by shifting back (Knuth, TAOCP 3, 6.4, algorithm R), at most three
/// quarters full, over the ids' bytes in an arena: 11 to 22 bytes of slots an id, 8 for its place, and the id itself.
/// A slot holds 32 bits of the id's hash, whose first bits say where it belongs: ids that do not match are told apart
/// without a look at their bytes, and growing needs none of them.
package struct IDTable: Sendable {
    /// The hash in the upper half, the row and one in the lower; 0 where nothing stands.
    private var slots: [UInt64] = []
    /// By row; 0 of a free one.
    private var places: [IDArena.Place] = []
    private var arena = IDArena()
    private var free = Heap<Int32>()

    package init() {}
    private let hash = IDHash()
    /// Ids in the table.
    package private(set) var count = 0

    /// One past the highest row in use: what a state that is read back finds, too.
    package var rowCount: Int { places.count }

    package var bytes: Int {
        slots.capacity * MemoryLayout<UInt64>.stride + places.capacity * MemoryLayout<IDArena.Place>.stride
            + arena.bytes + free.count * MemoryLayout<Int32>.stride
    }

    package func row(of id: EntityID) -> Int32? {
        var text = id.string
        return text.withUTF8 { row(of: UnsafeRawBufferPointer($0)) }
    }

    package func id(of row: Int32) -> EntityID? {
        guard row < places.count, places[Int(row)] != 0 else { return nil }
        return arena.withBytes(places[Int(row)]) { try? EntityID(String(decoding: $0, as: UTF8.self)) }
    }

    package mutating func intern(_ id: EntityID) -> (row: Int32, isNew: Bool) {
        var text = id.string
        return text.withUTF8 { intern(UnsafeRawBufferPointer($0)) }
    }

    package mutating func remove(_ id: EntityID) -> Int32? {
        var text = id.string
        return text.withUTF8 { remove(UnsafeRawBufferPointer($0)) }
    }

    /// Puts back an id read from a state. Rows come in ascending order; those passed over are free.
    package mutating func restore(_ id: EntityID, at row: Int32) {
        while places.count < row {
            free.insert(Int32(places.count))
            places.append(0)
        }
        var text = id.string
        text.withUTF8 { bytes in
            let id = UnsafeRawBufferPointer(bytes)
            place(id, hash.value(of: id), at: row)
        }
    }
}

// By bytes, as events come. Unsafe buffers because the bytes stand in somebody else's; none is kept.
extension IDTable {
    package func row(of id: UnsafeRawBufferPointer) -> Int32? { find(id, hash.value(of: id))?.row }

    package mutating func intern(_ id: UnsafeRawBufferPointer) -> (row: Int32, isNew: Bool) {
        let hash = hash.value(of: id)
        if let found = find(id, hash) { return (found.row, false) }
        let row = free.popMin() ?? Int32(places.count)
        place(id, hash, at: row)
        return (row, true)
    }

    mutating func remove(_ id: UnsafeRawBufferPointer) -> Int32? {
        guard let (slot, row) = find(id, hash.value(of: id)) else { return nil }
        close(slot)
        count -= 1
        arena.remove(places[Int(row)])
        places[Int(row)] = 0
        free.insert(row)
        // Of the last rows nothing is left that a file could tell: who counts rows has to count the same after a restart.
        while places.last == 0 {
            places.removeLast()
            _ = free.popMax()
        }
        if arena.isWasteful { compact() }
        return row
    }

    /// Rows of many ids, -1 of an unknown or an empty one. The memory that one id needs is asked for while others are
    /// looked up, so that in a table that is larger than the caches an id does not wait for each step.
    ///
    /// - Parameters:
    ///   - ids: holds the bytes of all of them.
    ///   - range: of the id with this number.
    package func rows(
        count: Int, in ids: UnsafeRawBufferPointer, range: (Int) -> Range<Int>
    ) -> [Int32] {
        guard self.count > 0 else { return [Int32](repeating: -1, count: count) }
        let window = 32
        var rows = [Int32](repeating: -1, count: count)
        var hashes = [UInt32](repeating: 0, count: window)
        for start in stride(from: 0, to: count, by: window) {
            let end = min(count, start + window)
            for number in start..<end {
                hashes[number - start] = hash.value(of: UnsafeRawBufferPointer(rebasing: ids[range(number)]))
                prefetch(home(of: hashes[number - start]))
            }
            for number in start..<end { prefetchPlace(of: hashes[number - start]) }
            for number in start..<end { prefetchBytes(of: hashes[number - start]) }
            for number in start..<end {
                let id = UnsafeRawBufferPointer(rebasing: ids[range(number)])
                if !id.isEmpty, let found = find(id, hashes[number - start]) { rows[number] = found.row }
            }
        }
        return rows
    }

    private func prefetch(_ slot: Int) {
        // The address is within the array, and nothing is read or written there.
        slots.withUnsafeBufferPointer { slots in
            if let base = slots.baseAddress { cache_prefetch(base + slot, MemoryLayout<UInt64>.stride) }
        }
    }

    private func prefetchPlace(of hash: UInt32) {
        guard let row = likelyRow(hash) else { return }
        places.withUnsafeBufferPointer { places in
            if let base = places.baseAddress {
                cache_prefetch(base + row, MemoryLayout<IDArena.Place>.stride)
            }
        }
    }

    private func prefetchBytes(of hash: UInt32) {
        guard let row = likelyRow(hash) else { return }
        arena.withBytes(places[row]) { id in
            if let base = id.baseAddress { cache_prefetch(base, id.count) }
        }
    }

    /// Of the id that most likely is the one.
    private func likelyRow(_ hash: UInt32) -> Int? {
        let slot = slots[home(of: hash)]
        return slot != 0 && UInt32(slot >> 32) == hash ? Int(Self.row(of: slot)) : nil
    }
}

// The slots.
extension IDTable {
    private static func row(of slot: UInt64) -> Int32 { Int32(truncatingIfNeeded: slot & 0xFFFF_FFFF) - 1 }

    /// By the first bits of the hash: slots in order are hashes in order, and so are those of the table grown.
    private func home(of hash: UInt32) -> Int { Int((UInt64(hash) &* UInt64(slots.count)) >> 32) }

    private func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

    private func find(_ id: UnsafeRawBufferPointer, _ hash: UInt32) -> (slot: Int, row: Int32)? {
        guard count > 0 else { return nil }
        var slot = home(of: hash)
        while slots[slot] != 0 {
            if UInt32(slots[slot] >> 32) == hash {
                let row = Self.row(of: slots[slot])
                if arena.matches(places[Int(row)], id) { return (slot, row) }
            }
            slot = next(slot)
        }
        return nil
    }

    private mutating func place(_ id: UnsafeRawBufferPointer, _ hash: UInt32, at row: Int32) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        count += 1
        let place = arena.append(id)
        if row == places.count { places.append(place) } else { places[Int(row)] = place }
        put(UInt64(hash) << 32 | UInt64(row + 1))
    }

    private mutating func put(_ entry: UInt64) {
        var slot = home(of: UInt32(entry >> 32))
        while slots[slot] != 0 { slot = next(slot) }
        slots[slot] = entry
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(16, old.count * 2))
        for entry in old where entry != 0 { put(entry) }
    }

    /// Empties a slot; what stands behind it and would be sought across it moves into it.
    private mutating func close(_ emptied: Int) {
        var hole = emptied
        slots[hole] = 0
        var slot = next(hole)
        while slots[slot] != 0 {
            let distanceFromHome = (slot - home(of: UInt32(slots[slot] >> 32))) & (slots.count - 1)
            let distanceFromHole = (slot - hole) & (slots.count - 1)
            if distanceFromHome >= distanceFromHole {
                slots[hole] = slots[slot]
                slots[slot] = 0
                hole = slot
            }
            slot = next(slot)
        }
    }

    /// Leaves the bytes of ids that are gone behind.
    private mutating func compact() {
        var compacted = IDArena()
        for row in places.indices where places[row] != 0 {
            places[row] = arena.withBytes(places[row]) { compacted.append($0) }
        }
        arena = compacted
    }
}

extension SharedLock<IDTable> {
    /// Takes the id in, if it is new; keeps readers off only then. For the one queue that changes the table.
    package func intern(_ id: EntityID) -> (row: Int32, isNew: Bool) {
        if let row = read({ $0.row(of: id) }) { return (row, false) }
        return withLock { $0.intern(id) }
    }

    /// The same by bytes.
    package func intern(_ id: UnsafeRawBufferPointer) -> (row: Int32, isNew: Bool) {
        if let row = read({ $0.row(of: id) }) { return (row, false) }
        return withLock { $0.intern(id) }
    }
}
