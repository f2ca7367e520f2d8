package import Foundation
internal import HeapModule

/// What a user last said of an item.
@usableFromInline
package struct HistoryEntry: Equatable {
    @usableFromInline package enum Kind: UInt32 { case rating = 0, signal = 1 }

    @usableFromInline package var item: Int32
    /// The rating, or the signal's weight.
    package var value: Float
    /// Milliseconds since 1970.
    package var time: Int64
    /// Counts up with each entry of this user: recency without trusting clocks.
    package var order: UInt32
    package var kind: Kind
    /// Whether `time` is the event's own rather than the log's: only then it says which of two is newer.
    package var isTimed: Bool

    package init(
        item: Int32, value: Float, time: Int64, order: UInt32, kind: Kind, isTimed: Bool = false
    ) {
        self.item = item
        self.value = value
        self.time = time
        self.order = order
        self.kind = kind
        self.isTimed = isTimed
    }

    /// How much it counts for a model of what is liked: 1 for a rating, the signal's own weight otherwise.
    package var weight: Float { kind == .signal ? value : 1 }
}

/// The items a user has seen, ascending by item row, so that one is found by binary search.
@usableFromInline
package struct History {
    @usableFromInline package private(set) var entries: [HistoryEntry] = []
    @usableFromInline var filter = SeenFilter()

    package init() {}

    /// Nearly always without a search where the answer is no.
    @inlinable
    @inline(__always)
    package func contains(_ item: Int32) -> Bool { filter.mayHold(item) && search(item) }

    /// A call, so that a loop that draws has the filter alone in its registers.
    @usableFromInline
    func search(_ item: Int32) -> Bool { find(item).found }

    /// Bytes on the heap.
    package var bytes: Int { entries.capacity * MemoryLayout<HistoryEntry>.stride + filter.bytes }

    @inlinable
    package subscript(item: Int32) -> HistoryEntry? {
        let (index, found) = find(item)
        return found ? entries[index] : nil
    }

    /// Adds or replaces the entry of its item.
    package mutating func set(_ entry: HistoryEntry) {
        let (index, found) = find(entry.item)
        guard !found else { return entries[index] = entry }
        entries.insert(entry, at: index)
        filter.insert(entry.item, into: entries)
    }

    package mutating func remove(_ item: Int32) {
        let (index, found) = find(item)
        guard found else { return }
        entries.remove(at: index)
        filter.remove(from: entries)
    }

    /// The entry that came first of all that are left.
    package var oldest: HistoryEntry? { entries.min { $0.order < $1.order } }

    /// The newest entries of those wanted, newest first.
    ///
    /// - Parameter limit: at most so many.
    package func newest(_ limit: Int, where isWanted: (HistoryEntry) -> Bool) -> [HistoryEntry] {
        var heap = Heap<ByOrder>()
        for entry in entries where isWanted(entry) {
            if heap.count < limit {
                heap.insert(ByOrder(entry: entry))
            } else if let oldest = heap.min, oldest.entry.order < entry.order {
                heap.replaceMin(with: ByOrder(entry: entry))
            }
        }
        return heap.unordered.map(\.entry).sorted { $0.order > $1.order }
    }

    private struct ByOrder: Comparable {
        var entry: HistoryEntry
        static func < (left: Self, right: Self) -> Bool { left.entry.order < right.entry.order }
    }

    @inlinable
    @inline(__always)
    func find(_ item: Int32) -> (index: Int, found: Bool) {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].item < item { low = middle + 1 } else { high = middle }
        }
        return (low, low < entries.count && entries[low].item == item)
    }
}

// 24 bytes an entry, little-endian: item i32, value f32, time i64, order u32, kind u32, whose bit 8 says that the time
// is the event's own.
extension History {
    package static let entryBytes = 24
    private static let timedBit: UInt32 = 1 << 8

    package var blob: Data {
        // Learning pauses while histories are copied aside: stores in place, not an append for each field.
        var data = Data(count: entries.count * Self.entryBytes)
        data.withUnsafeMutableBytes { bytes in
            for (index, entry) in entries.enumerated() {
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
        return data
    }

    /// `nil` if the blob is not whole entries in ascending order.
    package init?(blob: Data) {
        guard blob.count % Self.entryBytes == 0 else { return nil }
        let count = blob.count / Self.entryBytes
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
        filter.rebuild(from: entries)
    }
}
