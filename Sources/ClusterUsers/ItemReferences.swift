internal import Counting
internal import Foundation

/// Item rows in blobs of a user, by the places of their hashes in a table of the user's own: rows are a machine's own
/// numbers.
struct ItemReferences {
    private(set) var hashes: [UInt64] = []
    private var places: [Int32: Int32] = [:]
    private let hash: (Int32) -> UInt64

    /// - Parameter hash: of an item's row.
    init(_ hash: @escaping (Int32) -> UInt64) { self.hash = hash }

    mutating func place(of row: Int32) -> Int32 {
        if let place = places[row] { return place }
        let place = Int32(hashes.count)
        places[row] = place
        hashes.append(hash(row))
        return place
    }

    /// Entries of so many bytes, each of which begins with an item's row.
    mutating func replaced(_ blob: Data, stride length: Int) -> [UInt8] {
        var bytes = [UInt8](blob)
        for start in stride(from: 0, to: bytes.count - 3, by: length) {
            bytes.put(place(of: bytes.int32(at: start)), at: start)
        }
        return bytes
    }

    /// A trail (`UserTrail.blob`).
    mutating func replacedTrail(_ blob: Data) -> [UInt8] {
        var bytes = [UInt8](blob)
        TrailBytes.forEachItem(bytes) { start in bytes.put(place(of: bytes.int32(at: start)), at: start) }
        return bytes
    }
}

/// The inverse: rows of this machine's for the places.
struct ItemResolution {
    /// By place; -1 of an item that is not known here.
    let rows: [Int32]

    /// The entries of items that are known, ascending by row as they have to be.
    func resolved(_ blob: [UInt8], stride length: Int) -> Data {
        var entries: [(row: Int32, start: Int)] = []
        for start in stride(from: 0, to: blob.count - length + 1, by: length) {
            let place = Int(blob.int32(at: start))
            if rows.indices.contains(place), rows[place] >= 0 { entries.append((rows[place], start)) }
        }
        // Those of one item stay in their order.
        entries.sort { ($0.row, $0.start) < ($1.row, $1.start) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(blob.count)
        for (row, start) in entries {
            bytes += blob[start..<start + length]
            bytes.put(row, at: bytes.count - length)
        }
        return Data(bytes)
    }

    func resolvedTrail(_ blob: [UInt8]) -> Data? {
        guard let parts = TrailBytes(blob) else { return nil }
        let recent = resolvedInOrder(Array(blob[parts.recent]))
        let own = resolved(Array(blob[parts.own]), stride: parts.ownBytes)
        var bytes = Array(blob[..<4])
        bytes.append(int32: Int32(recent.count / 4))
        bytes += recent
        bytes.append(
            int32: UserTrail.number(ofEntries: Int32(own.count / parts.ownBytes), like: parts.ownNumber))
        bytes += own
        return Data(bytes)
    }

    private func resolvedInOrder(_ blob: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: blob.count - 3, by: 4) {
            let place = Int(blob.int32(at: start))
            if rows.indices.contains(place), rows[place] >= 0 { bytes.append(int32: rows[place]) }
        }
        return bytes
    }
}

/// Where items stand in a trail's bytes: events, a count and as many items, a count and as many entries.
struct TrailBytes {
    let recent: Range<Int>
    let own: Range<Int>
    /// Before the entries, and what each of them takes.
    let ownNumber: Int32
    let ownBytes: Int

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 12 else { return nil }
        let recentCount = Int(bytes.int32(at: 4))
        guard recentCount >= 0, 12 + 4 * recentCount <= bytes.count else { return nil }
        recent = 8..<8 + 4 * recentCount
        guard recent.upperBound + 4 <= bytes.count else { return nil }
        ownNumber = bytes.int32(at: recent.upperBound)
        own = recent.upperBound + 4..<bytes.count
        let entries = UserTrail.entries(ownNumber)
        ownBytes = entries.bytes
        guard entries.count >= 0, own.count == Int(entries.count) * ownBytes else { return nil }
    }

    static func forEachItem(_ bytes: [UInt8], _ body: (Int) -> Void) {
        guard let parts = TrailBytes(bytes) else { return }
        for start in stride(from: parts.recent.lowerBound, to: parts.recent.upperBound, by: 4) { body(start) }
        for start in stride(from: parts.own.lowerBound, to: parts.own.upperBound, by: parts.ownBytes) {
            body(start)
        }
    }
}

extension [UInt8] {
    fileprivate func int32(at start: Int) -> Int32 {
        Int32(self[start]) | Int32(self[start + 1]) << 8 | Int32(self[start + 2]) << 16
            | Int32(bitPattern: UInt32(self[start + 3]) << 24)
    }

    fileprivate mutating func put(_ value: Int32, at start: Int) {
        for number in 0..<4 { self[start + number] = UInt8(truncatingIfNeeded: value >> (8 * Int32(number))) }
    }

    fileprivate mutating func append(int32 value: Int32) {
        for number in 0..<4 { append(UInt8(truncatingIfNeeded: value >> (8 * Int32(number)))) }
    }
}
