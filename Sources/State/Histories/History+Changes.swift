// Changes, with what they cost: `steps` counts entries that were moved or looked at one after the other.

extension History {
    mutating func set(_ entry: HistoryEntry, counting steps: inout Int) {
        prepare(for: entry, counting: &steps)
        let mayHold = filter.mayHold(entry.item)
        var work = 0
        let isNew = change { columns, filter in
            columns.noteOrder(entry.order)
            if mayHold, let slot = columns.slot(of: entry.item) {
                let wasRemoved = columns.isRemoved(slot)
                columns.write(entry, at: slot)
                if wasRemoved { columns.header.pointee.removed -= 1 }
                return wasRemoved
            }
            work += columns.insert(entry)
            filter.insert(entry.item, into: columns)
            return true
        }
        steps += work
        if isNew == true { adjustCount(by: 1) }
    }

    mutating func remove(_ item: Int32, counting steps: inout Int) {
        guard contains(item) else { return }
        var work = 0
        let isCrowded = change { columns, filter in
            guard let slot = columns.slot(of: item) else { return false }
            work += columns.remove(slot)
            filter.remove(from: columns)
            return columns.isCrowded
        }
        steps += work
        adjustCount(by: -1)
        if isCrowded == true { clearAway(counting: &steps) }
    }

    /// Makes sure that there is room, and that the columns are wide enough.
    private mutating func prepare(for entry: HistoryEntry, counting steps: inout Int) {
        let state = withColumns { columns in
            (
                columns.layout.form,
                isFull: columns.slots == columns.layout.capacity && columns.slot(of: entry.item) == nil,
                columns.isCrowded
            )
        }
        guard let (form, isFull, isCrowded) = state else {
            let form = HistoryForm.narrowest(for: CollectionOfOne(entry))
            return replaceAll(by: [], form: form, capacity: HistoryLayout.capacity(for: 1))
        }
        if !form.holds(entry) {
            let entries = entries
            steps += entries.count
            replaceAll(
                by: entries, form: form.widened(for: entry, beside: entries),
                capacity: HistoryLayout.capacity(for: entries.count + 1))
        } else if isFull, isCrowded {
            clearAway(counting: &steps)
        } else if isFull {
            steps += count
            grow()
        }
    }

    /// Puts what is left into columns of its size.
    private mutating func clearAway(counting steps: inout Int) {
        let entries = entries
        steps += entries.count
        let form = HistoryForm.narrowest(for: entries)
        replaceAll(by: entries, form: form, capacity: HistoryLayout.capacity(for: entries.count + 1))
    }
}

extension HistoryColumns {
    /// Where the item stands, removed or not.
    func slot(of item: Int32) -> Int? {
        guard layout.hasRuns else { return slot(of: item, in: 0..<slots) }
        let runs = runs.pointee
        var start = 0
        for level in stride(from: HistoryRuns.levels, to: 0, by: -1) {
            let end = runs[level]
            if start < end, let slot = slot(of: item, in: start..<end) { return slot }
            start = end
        }
        return slot(of: item, in: start..<slots)
    }

    private func slot(of item: Int32, in run: Range<Int>) -> Int? {
        let slot = firstSlot(notBelow: item, in: run)
        return slot < run.upperBound && items[slot] == item ? slot : nil
    }

    @inline(__always)
    private func firstSlot(notBelow item: Int32, in run: Range<Int>) -> Int {
        var (low, high) = (run.lowerBound, run.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if items[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the last short run begins.
    private var lastRun: Int { layout.hasRuns ? runs.pointee[1] : 0 }

    /// Puts in an entry of an item that stands nowhere; returns how many were moved.
    func insert(_ entry: HistoryEntry) -> Int {
        assert(slots < layout.capacity)
        var moved = 0
        if slots - lastRun >= HistoryLayout.singleRunMax { moved += mergeRuns() }
        let slot = firstSlot(notBelow: entry.item, in: lastRun..<slots)
        moved += slots - slot
        move(slot, slots - slot, to: slot + 1)
        header.pointee.slots += 1
        write(entry, at: slot)
        return moved + 1
    }

    /// Takes an entry out: of the last short run at once, of another when that is cleared. Returns how many were moved.
    func remove(_ slot: Int) -> Int {
        guard slot >= lastRun else {
            codes[slot] = HistoryCode.removed
            header.pointee.removed += 1
            return 1
        }
        let behind = slots - slot - 1
        move(slot + 1, behind, to: slot)
        header.pointee.slots -= 1
        return behind + 1
    }

    /// Whether so many entries are removed that clearing them away has been earned.
    var isCrowded: Bool { Int(header.pointee.removed) * 20 > slots }

    /// Merges the last short run into the first level that has room, with the levels between.
    private func mergeRuns() -> Int {
        let level =
            (1..<HistoryRuns.levels).first { slots - runs.pointee[$0 + 1] <= HistoryRuns.limit($0) }
            ?? HistoryRuns.levels
        let (start, end) = (runs.pointee[level + 1], runs.pointee[level])
        // Each of the runs behind it ascends, which the sort makes use of.
        let newer = (end..<slots).filter { !isRemoved($0) }.map(entry).sorted { $0.item < $1.item }
        let removed = slots - end - newer.count
        let moved = merge(newer, behind: start..<end)
        header.pointee.slots = UInt32(end + newer.count)
        header.pointee.removed -= UInt32(removed)
        for each in 1...level { runs.pointee[each] = slots }
        return moved + newer.count
    }

    /// From the end backwards, so that nothing is written over before it has moved.
    private func merge(_ newer: [HistoryEntry], behind run: Range<Int>) -> Int {
        var (left, free, moved) = (run.upperBound, run.upperBound + newer.count, 0)
        for entry in newer.reversed() {
            let first = firstSlot(notBelow: entry.item, in: run.lowerBound..<left)
            let greater = left - first
            free -= greater
            move(first, greater, to: free)
            moved += greater
            left = first
            free -= 1
            write(entry, at: free)
        }
        return moved
    }

    /// Makes all entries, which ascend, the run of a level that has room for them; the agenda is empty.
    func settleAsOneRun() {
        guard layout.hasRuns else { return }
        runs.initialize(to: HistoryRuns())
        let level =
            (1..<HistoryRuns.levels).first { slots <= HistoryRuns.limit($0) } ?? HistoryRuns.levels
        for each in 1...level { runs.pointee[each] = slots }
    }
}
