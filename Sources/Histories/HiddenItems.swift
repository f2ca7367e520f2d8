package import Foundation

/// Items that a user asked never to see again, ascending by row.
package struct HiddenItems: Equatable {
    package private(set) var rows: [Int32] = []

    package init() {}

    package func contains(_ item: Int32) -> Bool {
        let place = place(of: item)
        return place < rows.count && rows[place] == item
    }

    /// False if it was hidden already.
    @discardableResult
    package mutating func insert(_ item: Int32) -> Bool {
        let place = place(of: item)
        if place < rows.count, rows[place] == item { return false }
        rows.insert(item, at: place)
        return true
    }

    /// False if it was not hidden.
    @discardableResult
    package mutating func remove(_ item: Int32) -> Bool {
        let place = place(of: item)
        guard place < rows.count, rows[place] == item else { return false }
        rows.remove(at: place)
        return true
    }

    /// The first row that is not below `item`.
    private func place(of item: Int32) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// 4 bytes an item, little-endian.
extension HiddenItems {
    package var blob: Data {
        var data = Data(capacity: rows.count * 4)
        for row in rows { withUnsafeBytes(of: row.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }

    /// `nil` if the blob is not whole rows in ascending order.
    package init?(blob: Data) {
        guard blob.count % 4 == 0 else { return nil }
        rows = blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
            }
        }
        let ascends = zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }
        guard ascends, rows.first ?? 0 >= 0 else { return nil }
    }

    package func all(below count: Int) -> Bool { rows.last.map { Int($0) < count } ?? true }
}
