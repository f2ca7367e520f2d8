internal import HeapModule

// Entries by when they came.
extension History {
    mutating func oldest(counting steps: inout Int) -> HistoryEntry? {
        guard !isEmpty else { return nil }
        var work = 0
        let slot = change { columns, _ in columns.oldestSlot(counting: &work) }
        steps += work
        return (slot ?? nil).flatMap { slot in withColumns { $0.entry(slot) } }
    }

    /// The newest entries of those wanted, newest first.
    ///
    /// - Parameter limit: at most so many.
    package func newest(_ limit: Int, where isWanted: (HistoryEntry) -> Bool) -> [HistoryEntry] {
        guard limit > 0 else { return [] }
        let newest = withColumns { columns in
            guard columns.slots > limit else {
                // All that are wanted, without a heap.
                var all: [EntryOrder] = []
                for slot in 0..<columns.slots where !columns.isRemoved(slot) {
                    guard isWanted(columns.entry(slot)) else { continue }
                    all.append(EntryOrder(order: columns.order(slot), item: Int32(slot)))
                }
                return all.sorted(by: >).map { columns.entry(Int($0.item)) }
            }
            var heap = Heap<EntryOrder>()
            for slot in 0..<columns.slots where !columns.isRemoved(slot) {
                let order = EntryOrder(order: columns.order(slot), item: Int32(slot))
                if heap.count == limit, let oldest = heap.min, oldest > order { continue }
                guard isWanted(columns.entry(slot)) else { continue }
                if heap.count < limit { heap.insert(order) } else { heap.replaceMin(with: order) }
            }
            return heap.unordered.sorted(by: >).map { columns.entry(Int($0.item)) }
        }
        return newest ?? []
    }

    /// The newest time of a timed entry, and how many have this very time; in one pass, because both are asked at every
    /// event that a blend scores.
    package func timed(at time: Int64) -> (newest: Int64?, together: Int) {
        let found = withColumns { columns in
            var (newest, together) = (Int64.min, 0)
            for slot in 0..<columns.slots where HistoryCode.isTimed(columns.codes[slot]) {
                guard !columns.isRemoved(slot) else { continue }
                let other = columns.time(slot)
                newest = max(newest, other)
                together += other == time ? 1 : 0
            }
            return (newest == .min ? nil : newest, together)
        }
        return found ?? (nil, 0)
    }
}

/// By order, then by item.
private struct EntryOrder: Comparable {
    var order: UInt32
    var item: Int32

    static func < (left: Self, right: Self) -> Bool {
        (left.order, left.item) < (right.order, right.item)
    }
}

// The agenda: the items that came first, in their order, so that a history at its bound looks through all its entries once
// in a while and not at each event. Those that were removed or came again since are passed over.
extension HistoryColumns {
    fileprivate func oldestSlot(counting steps: inout Int) -> Int? {
        guard layout.hasRuns else {
            steps += slots
            return (0..<slots).min { (order($0), items[$0]) < (order($1), items[$1]) }
        }
        while true {
            while runs.pointee.next < runs.pointee.count {
                steps += 1
                let item = agenda[Int(runs.pointee.next)]
                if let slot = slot(of: item), !isRemoved(slot), order(slot) <= runs.pointee.threshold {
                    return slot
                }
                runs.pointee.next += 1
            }
            guard fillAgenda(counting: &steps) else { return nil }
        }
    }

    /// False where there is no entry.
    private func fillAgenda(counting steps: inout Int) -> Bool {
        var first = Heap<EntryOrder>()
        for slot in 0..<slots where !isRemoved(slot) {
            let entry = EntryOrder(order: order(slot), item: items[slot])
            if first.count < layout.agendaLength {
                first.insert(entry)
            } else if let newest = first.max, entry < newest {
                first.replaceMax(with: entry)
            }
        }
        steps += slots
        guard let last = first.max else { return false }
        for (index, entry) in first.unordered.sorted().enumerated() { agenda[index] = entry.item }
        (runs.pointee.next, runs.pointee.count) = (0, UInt32(first.count))
        runs.pointee.threshold = last.order
        return true
    }

    /// An entry of this order is about to be set. One that belongs before others on the agenda, as may come where several
    /// shards learn, makes it void.
    func noteOrder(_ order: UInt32) {
        guard layout.hasRuns, order <= runs.pointee.threshold else { return }
        (runs.pointee.next, runs.pointee.count) = (0, 0)
    }
}
