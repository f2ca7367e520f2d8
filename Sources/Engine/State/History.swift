internal import Foundation

/// What a user last said of an item.
struct HistoryEntry: Equatable {
    enum Kind: UInt32 { case rating = 0, signal = 1 }

    var item: Int32
    /// The rating, or the signal's weight.
    var value: Float
    /// Milliseconds since 1970.
    var time: Int64
    /// Counts up with each entry of this user: recency without trusting clocks.
    var order: UInt32
    var kind: Kind
}

/// The items a user has seen, ascending by item row, so that `contains` is a binary search.
struct History {
    private(set) var entries: [HistoryEntry] = []

    func contains(_ item: Int32) -> Bool { find(item).found }

    subscript(item: Int32) -> HistoryEntry? {
        let (index, found) = find(item)
        return found ? entries[index] : nil
    }

    /// Adds or replaces the entry of its item.
    mutating func set(_ entry: HistoryEntry) {
        let (index, found) = find(entry.item)
        if found { entries[index] = entry } else { entries.insert(entry, at: index) }
    }

    mutating func remove(_ item: Int32) {
        let (index, found) = find(item)
        if found { entries.remove(at: index) }
    }

    /// The entry that came first of all that are left.
    var oldest: HistoryEntry? { entries.min { $0.order < $1.order } }

    @inline(__always)
    private func find(_ item: Int32) -> (index: Int, found: Bool) {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].item < item { low = middle + 1 } else { high = middle }
        }
        return (low, low < entries.count && entries[low].item == item)
    }
}

// 24 bytes an entry, little-endian: item i32, value f32, time i64, order u32, kind u32.
extension History {
    static let entryBytes = 24

    var blob: Data {
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
                store(entry.kind.rawValue, at: 20)
            }
        }
        return data
    }

    /// `nil` if the blob is not whole entries in ascending order.
    init?(blob: Data) {
        guard blob.count % Self.entryBytes == 0 else { return nil }
        let count = blob.count / Self.entryBytes
        entries.reserveCapacity(count)
        let whole = blob.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: count * Self.entryBytes, by: Self.entryBytes) {
                func load<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type) -> Value {
                    Value(littleEndian: bytes.loadUnaligned(fromByteOffset: start + offset, as: type))
                }
                guard let kind = HistoryEntry.Kind(rawValue: load(20, as: UInt32.self)) else { return false }
                let entry = HistoryEntry(
                    item: load(0, as: Int32.self), value: Float(bitPattern: load(4, as: UInt32.self)),
                    time: load(8, as: Int64.self), order: load(16, as: UInt32.self), kind: kind)
                if let last = entries.last, last.item >= entry.item { return false }
                entries.append(entry)
            }
            return true
        }
        guard whole else { return nil }
    }
}
