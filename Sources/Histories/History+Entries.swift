package import Foundation

extension History {
    /// All entries, ascending by item: a copy.
    package var entries: [HistoryEntry] {
        withColumns { columns in columns.ascendingSlots.map { columns.entry(Int($0)) } } ?? []
    }

    /// The entry of the lowest item from `item` on, or of the lowest of all where none follows. To draw one by chance: the
    /// same one whatever way the entries lie, and without a copy.
    package func entry(from item: Int32) -> HistoryEntry? {
        let found = withColumns { columns -> HistoryEntry? in
            (columns.lowestSlot(from: item) ?? columns.lowestSlot(from: .min)).map(columns.entry)
        }
        return found ?? nil
    }

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
    /// Of the items from `item` on that are not removed, the slot of the lowest.
    fileprivate func lowestSlot(from item: Int32) -> Int? {
        var (lowest, found) = (Int32.max, -1)
        var sorted = 0
        if layout.hasRuns {
            let runs = runs.pointee
            for level in (1...HistoryRuns.levels).reversed() where runs[level] > sorted {
                let slot = firstLivingSlot(from: item, in: sorted..<runs[level])
                if slot < runs[level], items[slot] <= lowest { (lowest, found) = (items[slot], slot) }
                sorted = runs[level]
            }
        }
        for slot in sorted..<slots where items[slot] >= item && items[slot] <= lowest && !isRemoved(slot) {
            (lowest, found) = (items[slot], slot)
        }
        return found >= 0 ? found : nil
    }

    /// In a sorted run, past what is removed; the run's end where there is none.
    private func firstLivingSlot(from item: Int32, in run: Range<Int>) -> Int {
        var slot = firstSlot(notBelow: item, in: run)
        while slot < run.upperBound, isRemoved(slot) { slot += 1 }
        return slot
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
        guard layout.hasRuns else { return slots < 2 }
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

    /// `nil` if the blob is not whole entries in ascending order.
    package init?(blob: Data) {
        guard blob.count % Self.entryBytes == 0 else { return nil }
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
                let entry = HistoryEntry(
                    item: load(0, as: Int32.self), value: Float(bitPattern: load(4, as: UInt32.self)),
                    time: load(8, as: Int64.self), order: load(16, as: UInt32.self), kind: kind,
                    isTimed: word & Self.timedBit != 0)
                if let last = entries.last, last.item >= entry.item { return false }
                entries.append(entry)
            }
            return true
        }
        guard whole else { return nil }
        guard !entries.isEmpty else { return }
        replaceAll(
            by: entries, form: .narrowest(for: entries), capacity: HistoryLayout.capacity(for: entries.count))
    }
}
