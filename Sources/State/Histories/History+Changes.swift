// Changes, with what they cost: `steps` counts entries that were moved or looked at one after the other.

extension History {
    mutating func set(_ entry: HistoryEntry, counting steps: inout Int) {
        let code = HistoryCode.of(entry)
        // Twice where something had to be made first, the second time always with success.
        while true {
            switch tryToSet(entry, code: code, counting: &steps) {
            case .replaced: return
            case .added: return adjustCount(by: 1)
            case nil:
                replaceAll(
                    by: [], form: .narrowest(for: CollectionOfOne(entry)),
                    capacity: HistoryLayout.capacity(for: 1))
            case .tooNarrow(let form): widen(form, for: entry, counting: &steps)
            case .full(let isCrowded): isCrowded ? clearAway(counting: &steps) : grow(counting: &steps)
            }
        }
    }

    private enum Attempt {
        case added, replaced
        case full(isCrowded: Bool)
        case tooNarrow(HistoryForm)
    }

    /// `nil` for a history that has no columns.
    private mutating func tryToSet(
        _ entry: HistoryEntry, code: UInt8, counting steps: inout Int
    ) -> Attempt? {
        let mayHold = filter.mayHold(entry.item)
        return change { columns, filter in
            guard columns.layout.form.holds(entry, code: code) else {
                return .tooNarrow(columns.layout.form)
            }
            if mayHold, let slot = columns.slot(of: entry.item) {
                columns.noteOrder(entry.order)
                let wasRemoved = columns.isRemoved(slot)
                columns.write(entry, code: code, at: slot)
                if wasRemoved { columns.header.pointee.removed -= 1 }
                return wasRemoved ? .added : .replaced
            }
            guard columns.slots < columns.layout.capacity else {
                return .full(isCrowded: columns.isCrowded)
            }
            columns.noteOrder(entry.order)
            steps += columns.insert(entry, code: code)
            filter.insert(entry.item, into: columns)
            return .added
        }
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

    private mutating func widen(
        _ form: HistoryForm, for entry: HistoryEntry, counting steps: inout Int
    ) {
        let entries = entries
        steps += entries.count
        replaceAll(
            by: entries, form: form.widened(for: entry, beside: entries),
            capacity: HistoryLayout.capacity(for: entries.count + 1))
    }

    private mutating func grow(counting steps: inout Int) {
        steps += count
        grow()
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
    @inline(__always)
    func slot(of item: Int32) -> Int? {
        guard layout.hasRuns else { return unsortedSlot(of: item, from: 0) }
        let runs = runs.pointee
        var start = 0
        for level in stride(from: HistoryRuns.levels, to: 0, by: -1) {
            let end = runs[level]
            if start < end {
                let slot = firstSlot(notBelow: item, in: start..<end)
                if slot < end, items[slot] == item { return slot }
            }
            start = end
        }
        return unsortedSlot(of: item, from: start)
    }

    /// Looks at all, which the compiler does some at a time: an item stands once at most, so that the places of those
    /// that are equal, counted from 1, add up to its place or to 0.
    @inline(__always)
    private func unsortedSlot(of item: Int32, from start: Int) -> Int? {
        let (newest, count) = (items + start, Int32(truncatingIfNeeded: slots &- start))
        var place: Int32 = 0
        for index in 0..<max(0, count) { place |= newest[Int(index)] == item ? index &+ 1 : 0 }
        return place == 0 ? nil : start &+ Int(place) &- 1
    }

    /// By halves, and without a branch that no processor foresees.
    @inline(__always)
    private func firstSlot(notBelow item: Int32, in run: Range<Int>) -> Int {
        guard !run.isEmpty else { return run.lowerBound }
        var (first, count) = (run.lowerBound, run.count)
        while count > 1 {
            let half = count &>> 1
            // All ones where the half before is below.
            let isBelow = 0 &- (items[first &+ half &- 1] < item ? 1 : 0)
            first &+= half & isBelow
            count &-= half
        }
        return first &+ (items[first] < item ? 1 : 0)
    }

    /// Where the newest entries begin, which are not sorted.
    @inline(__always) private var newestStart: Int { layout.hasRuns ? runs.pointee[1] : 0 }

    /// Puts in an entry of an item that stands nowhere; returns how many were moved.
    @inline(__always)
    func insert(_ entry: HistoryEntry, code: UInt8) -> Int {
        assert(slots < layout.capacity)
        let moved = slots - newestStart >= HistoryLayout.unsortedMax ? mergeRuns() : 0
        let slot = slots
        header.pointee.slots += 1
        write(entry, code: code, at: slot)
        return moved + 1
    }

    /// Takes an entry out: of the newest at once, of a run when that is cleared. Returns how many were moved.
    func remove(_ slot: Int) -> Int {
        guard slot >= newestStart else {
            codes[slot] = HistoryCode.removed
            header.pointee.removed += 1
            return 1
        }
        move(slots - 1, 1, to: slot)
        header.pointee.slots -= 1
        return 1
    }

    /// Whether so many entries are removed that clearing them away has been earned.
    var isCrowded: Bool { Int(header.pointee.removed) * 20 > slots }

    /// Merges the newest entries into the first level that has room, with the levels between.
    @inline(never)
    private func mergeRuns() -> Int {
        let level =
            (1..<HistoryRuns.levels).first { slots - runs.pointee[$0 + 1] <= HistoryRuns.limit($0) }
            ?? HistoryRuns.levels
        let (start, end) = (runs.pointee[level + 1], runs.pointee[level])
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
