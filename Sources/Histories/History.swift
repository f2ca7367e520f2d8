// Histories: what a user said, and of which items.
//
// Here live the columns in which a history lies, the filter that says of most items that they were not seen, hidden items
// and the marks of when something was taken back. Rows of items, values and times come in. What never comes in: ids,
// models, and what is learned from it. It imports no room but the kernels.

public import CKernels

/// The items a user has seen, with what was said of each and done with it.
///
/// Columns in one block on the heap (`HistoryForm`, `HistoryLayout`), 11 to 13 bytes an entry, 8 to 18 more of users who
/// came to an item more than once, and one or two for the
/// filter that answers most questions at once. Entries stand in a few sorted runs (`HistoryRuns`) and a few as they came, so
/// that one is found by binary search, put in or taken out in O(log n) moves amortised, and the oldest found in O(1)
/// amortised. A value: a copy shares the block until one of the two is changed.
@usableFromInline
package struct History {
    @usableFromInline var storage: HistoryStorage?
    @usableFromInline var filter = SeenFilter()
    @usableFromInline private(set) var liveCount: UInt32 = 0

    package init() {}

    /// Entries.
    @inlinable package var count: Int { Int(liveCount) }
    @inlinable package var isEmpty: Bool { liveCount == 0 }

    /// Bytes on the heap.
    package var bytes: Int { withColumns { $0.layout.bytes } ?? 0 }

    /// Whether any item was come to more than once.
    package var hasTallies: Bool { withColumns { $0.layout.form.hasTallies } ?? false }

    /// Asks memory for the block's first lines: all of a short history, the filter of a longer one.
    @inlinable
    @inline(__always)
    package func prefetch() {
        guard let storage else { return }
        cache_prefetch(Unmanaged.passUnretained(storage).toOpaque(), Self.prefetchedBytes)
    }

    @inlinable static var prefetchedBytes: Int { 256 }

    /// Nearly always without a search where the answer is no.
    @inlinable
    @inline(__always)
    package func contains(_ item: Int32) -> Bool { filter.mayHold(item) && search(item) }

    /// A call, so that a loop that draws has the filter alone in its registers.
    @usableFromInline
    func search(_ item: Int32) -> Bool { withColumns { $0.holds(item) } ?? false }

    package subscript(item: Int32) -> HistoryEntry? {
        guard filter.mayHold(item) else { return nil }
        return withColumns { $0.entry(of: item) } ?? nil
    }

    /// Adds or replaces the entry of its item.
    package mutating func set(_ entry: HistoryEntry) {
        var steps = 0
        set(entry, counting: &steps)
    }

    package mutating func remove(_ item: Int32) {
        var steps = 0
        remove(item, counting: &steps)
    }

    /// The entry that came first of all that are left; of several, that of the lowest item.
    package mutating func oldest() -> HistoryEntry? {
        var steps = 0
        return oldest(counting: &steps)
    }
}

// For the parts of a history in other files.
extension History {
    /// Calls `body` with the columns; `nil` for a history that has none.
    @inline(__always)
    func withColumns<Result>(_ body: (HistoryColumns) -> Result) -> Result? {
        // The history holds it meanwhile: it need not be counted.
        storage.map { Unmanaged.passUnretained($0) }?._withUnsafeGuaranteedRef { storage in
            storage.withUnsafeMutablePointers { body(HistoryColumns($0, $1)) }
        }
    }

    /// The same for a change: with columns of its own, and the filter.
    @inline(__always)
    mutating func change<Result>(_ body: (HistoryColumns, inout SeenFilter) -> Result) -> Result? {
        if storage != nil, !isKnownUniquelyReferenced(&storage) {
            storage = storage.map(Self.copy)
            storage?.withUnsafeMutablePointers { filter.stand(in: HistoryColumns($0, $1)) }
        }
        return storage.map { Unmanaged.passUnretained($0) }?._withUnsafeGuaranteedRef { storage in
            storage.withUnsafeMutablePointers { body(HistoryColumns($0, $1), &filter) }
        }
    }

    private static func copy(of shared: HistoryStorage) -> HistoryStorage {
        let layout = shared.withUnsafeMutablePointers { HistoryColumns($0, $1).layout }
        let copy = allocate(layout)
        shared.withUnsafeMutablePointers { header, elements in
            copy.withUnsafeMutablePointers { newHeader, newElements in
                newHeader.pointee = header.pointee
                newElements.update(from: elements, count: layout.words)
            }
        }
        return copy
    }

    /// An empty block: zero filter, no runs.
    private static func allocate(_ layout: HistoryLayout) -> HistoryStorage {
        let storage = HistoryStorage.create(minimumCapacity: layout.words) { _ in
            HistoryHeader(capacity: UInt32(layout.capacity), form: layout.form)
        }
        storage.withUnsafeMutablePointerToElements { $0.initialize(repeating: 0, count: layout.words) }
        return storage
    }

    /// Replaces everything by these, which ascend by item.
    mutating func replaceAll(by entries: [HistoryEntry], form: HistoryForm, capacity: Int) {
        assert(entries.count <= capacity)
        assert(zip(entries, entries.dropFirst()).allSatisfy { $0.item < $1.item })
        storage = Self.allocate(HistoryLayout(capacity: capacity, form: form))
        liveCount = UInt32(entries.count)
        _ = change { columns, filter in
            for (slot, entry) in entries.enumerated() { columns.write(entry, at: slot) }
            columns.header.pointee.slots = UInt32(entries.count)
            columns.settleAsOneRun()
            filter.rebuild(from: columns)
        }
    }

    /// Makes room for one more.
    mutating func grow() {
        let old = storage
        let layout = withColumns(\.layout)
        let capacity = HistoryLayout.capacity(after: layout?.capacity ?? 0)
        storage = Self.allocate(HistoryLayout(capacity: capacity, form: layout?.form ?? HistoryForm()))
        _ = change { columns, filter in
            old?.withUnsafeMutablePointers { columns.copy(from: HistoryColumns($0, $1)) }
            filter.rebuild(from: columns)
        }
    }

    mutating func adjustCount(by change: Int) { liveCount = UInt32(Int(liveCount) + change) }
}
