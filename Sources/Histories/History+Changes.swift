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
        let ends = runs.pointee.ends
        return sortedSlot(of: item, in: 0..<ends.3) ?? sortedSlot(of: item, in: ends.3..<ends.2)
            ?? sortedSlot(of: item, in: ends.2..<ends.1) ?? sortedSlot(of: item, in: ends.1..<ends.0)
            ?? unsortedSlot(of: item, from: Int(ends.0))
    }

    @inline(__always)
    private func sortedSlot(of item: Int32, in run: Range<UInt32>) -> Int? {
        guard !run.isEmpty else { return nil }
        let slot = firstSlot(notBelow: item, in: Int(run.lowerBound)..<Int(run.upperBound))
        return slot < run.upperBound && items[slot] == item ? slot : nil
    }

    /// Looks at all from `start` on, eight at a time, and says only in the end whether it is among them: whether it is now
    /// no processor foresees.
    @inline(__always)
    private func unsortedSlot(of item: Int32, from start: Int) -> Int? {
        let wide = SIMD8<Int32>.scalarCount
        guard slots - start >= wide else { return (start..<slots).first { items[$0] == item } }
        let bytes = UnsafeRawPointer(items)
        // Counted from 1. The last eight may have been looked at in part before, which tells the same again.
        var (places, slot) = (SIMD8<Int32>(), start)
        repeat {
            let first = min(slot, slots - wide)
            // All of the eight are slots.
            let eight = bytes.loadUnaligned(
                fromByteOffset: first &* MemoryLayout<Int32>.stride, as: SIMD8<Int32>.self)
            let counted = SIMD8(1, 2, 3, 4, 5, 6, 7, 8) &+ Int32(truncatingIfNeeded: first)
            places |= counted & allOnes(where: eight, is: item)
            slot &+= wide
        } while slot < slots
        let four = places.lowHalf | places.highHalf
        let two = four.lowHalf | four.highHalf
        let place = Int(two.x | two.y)
        return place == 0 ? nil : place &- 1
    }

    /// By halves, and without a branch, which no processor would foresee.
    @inline(__always)
    func firstSlot(notBelow item: Int32, in run: Range<Int>) -> Int {
        guard !run.isEmpty else { return run.lowerBound }
        var (first, count) = (run.lowerBound, run.count)
        while count > 1 {
            let half = count &>> 1
            first &+= half & allOnes(where: items[first &+ half &- 1], isBelow: item)
            count &-= half
        }
        return first &+ (items[first] < item ? 1 : 0)
    }

    /// The upper half of the difference, which has nothing but its sign: out of a comparison, or the sign alone, the
    /// compiler makes a branch.
    @inline(__always)
    private func allOnes(where left: Int32, isBelow right: Int32) -> Int {
        (Int(left) &- Int(right)) &>> 32
    }

    /// By arithmetic, because the comparison of vectors is one of each of their numbers.
    @inline(__always)
    private func allOnes(where left: SIMD8<Int32>, is right: Int32) -> SIMD8<Int32> {
        let difference = left ^ SIMD8(repeating: right)
        // Of two opposite numbers one is below 0, unless both are 0.
        return ~((difference | (SIMD8() &- difference)) &>> 31)
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
        let newer = ascending(end..<slots).map(entry)
        let removed = slots - end - newer.count
        let moved = merge(newer, behind: start..<end)
        header.pointee.slots = UInt32(end + newer.count)
        header.pointee.removed -= UInt32(removed)
        for each in 1...level { runs.pointee[each] = slots }
        return moved + newer.count
    }

    /// Of the slots those that are not removed, ascending by item. By numbers that hold both, which sort at once.
    private func ascending(_ range: Range<Int>) -> [Int] {
        var keys: [UInt64] = []
        keys.reserveCapacity(range.count)
        for slot in range where !isRemoved(slot) {
            keys.append(UInt64(UInt32(bitPattern: items[slot] ^ .min)) << 32 | UInt64(slot))
        }
        keys.sort()
        return keys.map { Int($0 & 0xffff_ffff) }
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
