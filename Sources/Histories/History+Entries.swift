internal import CKernels
package import Foundation

extension History {
    /// All entries, ascending by item: a copy.
    package var entries: [HistoryEntry] {
        withColumns { columns in columns.ascendingSlots.map { columns.entry(Int($0)) } } ?? []
    }

    /// What was said of the lowest item from `item` on, or of the lowest of all where none follows. To draw one by chance: the
    /// same one whatever way the entries lie, and without a copy.
    package func opinion(from item: Int32) -> Opinion? { withColumns { $0.opinion(from: item) } ?? nil }

    /// What was said of an item, without when.
    package typealias Opinion = (item: Int32, value: Float, kind: HistoryEntry.Kind)

    /// All items, each once: a copy.
    package var items: [Int32] {
        let items = withColumns { columns in
            var items: [Int32] = []
            items.reserveCapacity(count)
            for slot in 0..<columns.slots where !columns.isRemoved(slot) { items.append(columns.items[slot]) }
            return items
        }
        return items ?? []
    }
}

extension HistoryColumns {
    func opinion(from item: Int32) -> History.Opinion? {
        guard let slot = slot(from: item) else { return nil }
        return (items[slot], value(slot), HistoryCode.kind(codes[slot]))
    }

    /// Of the items that are not removed, the slot of the lowest from `item` on, or of the lowest of all where none follows.
    @inline(__always)
    fileprivate func slot(from item: Int32) -> Int? {
        // As on a clock: by how much an item comes after the one wanted, past the greatest on from the least.
        func distance(_ slot: Int) -> UInt32 { UInt32(bitPattern: items[slot] &- item) }
        var found: Int?
        func offer(_ slot: Int?) {
            guard let slot else { return }
            if found.map({ distance(slot) < distance($0) }) ?? true { found = slot }
        }
        var sorted = 0
        if layout.hasRuns {
            let runs = runs.pointee
            for level in (1...HistoryRuns.levels).reversed() where runs[level] > sorted {
                offer(livingSlot(from: item, in: sorted..<runs[level]))
                sorted = runs[level]
            }
        }
        // The newest are taken out at once: what stands there is not removed.
        if sorted < slots { offer(sorted + next_number(items + sorted, slots - sorted, item)) }
        return found
    }

    /// The same in a sorted run.
    private func livingSlot(from item: Int32, in run: Range<Int>) -> Int? {
        let first = firstSlot(notBelow: item, in: run)
        for slot in first..<run.upperBound where !isRemoved(slot) { return slot }
        for slot in run.lowerBound..<first where !isRemoved(slot) { return slot }
        return nil
    }

    /// Slots that are not removed, ascending by item.
    fileprivate var ascendingSlots: [Int32] {
        var ascending: [Int32] = []
        ascending.reserveCapacity(slots)
        for slot in 0..<slots where !isRemoved(slot) { ascending.append(Int32(slot)) }
        // What ascends in it, the sort makes use of.
        if !isOneRun { ascending.sort { items[Int($0)] < items[Int($1)] } }
        return ascending
    }

    private var isOneRun: Bool {
        guard layout.hasRuns, runs.pointee[1] == slots else { return slots < 2 }
        let runs = runs.pointee
        return (1...HistoryRuns.levels).allSatisfy { runs[$0] == 0 || runs[$0] == slots }
    }
}

// 24 bytes an entry, little-endian: item i32, value f32, time i64, order u32, kind u32, whose bit 8 says that the time
// is the event's own.
extension History {
    package static let entryBytes = 24
    private static let timedBit: UInt32 = 1 << 8

    package var blob: Data {
        // Learning pauses while histories are copied aside: stores in place, not an append for each field.
        var data = Data(count: count * Self.entryBytes)
        data.withUnsafeMutableBytes { bytes in
            _ = withColumns { columns in
                for (index, slot) in columns.ascendingSlots.enumerated() {
                    let entry = columns.entry(Int(slot))
                    let start = index * Self.entryBytes
                    func store(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
                        bytes.storeBytes(
                            of: value.littleEndian, toByteOffset: start + offset, as: type(of: value))
                    }
                    store(entry.item, at: 0)
                    store(entry.value.bitPattern, at: 4)
                    store(entry.time, at: 8)
                    store(entry.order, at: 16)
                    store(entry.kind.rawValue | (entry.isTimed ? Self.timedBit : 0), at: 20)
                }
            }
        }
        return data
    }

    /// `nil` if the blob is not whole entries in ascending order, or the tallies are none of them.
    package init?(blob: Data, tallies tallyBlob: Data = Data()) {
        guard blob.count % Self.entryBytes == 0, var tallies = Self.tallies(tallyBlob) else { return nil }
        let count = blob.count / Self.entryBytes
        var entries: [HistoryEntry] = []
        entries.reserveCapacity(count)
        let whole = blob.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: count * Self.entryBytes, by: Self.entryBytes) {
                func load<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type) -> Value {
                    Value(littleEndian: bytes.loadUnaligned(fromByteOffset: start + offset, as: type))
                }
                let word = load(20, as: UInt32.self)
                guard let kind = HistoryEntry.Kind(rawValue: word & ~Self.timedBit) else { return false }
                var entry = HistoryEntry(
                    item: load(0, as: Int32.self), value: Float(bitPattern: load(4, as: UInt32.self)),
                    time: load(8, as: Int64.self), order: load(16, as: UInt32.self), kind: kind,
                    isTimed: word & Self.timedBit != 0)
                if let last = entries.last, last.item >= entry.item { return false }
                if !tallies.isEmpty, let tally = tallies.removeValue(forKey: entry.item) {
                    guard tally.count > entry.countWithoutTally else { return false }
                    entry.tally = tally
                }
                entries.append(entry)
            }
            return tallies.isEmpty
        }
        guard whole else { return nil }
        guard !entries.isEmpty else { return }
        replaceAll(
            by: entries, form: .narrowest(for: entries), capacity: HistoryLayout.capacity(for: entries.count))
    }
}
