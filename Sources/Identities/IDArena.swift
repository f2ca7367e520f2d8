/// The bytes of ids, in pieces of a fixed size, so that growing copies nothing.
struct IDArena: Sendable {
    /// Where an id stands: its length in the last 16 bits, before it its first byte. 0 is nowhere, because no id is empty.
    typealias Place = UInt64

    private static let chunkBytes = 1 << 16
    private var chunks: [[UInt8]] = []
    /// Bytes of ids that are there, and of those that are not any more.
    private(set) var liveBytes = 0
    private(set) var deadBytes = 0

    var bytes: Int { chunks.reduce(0) { $0 + $1.capacity } }

    /// More is dead than alive: worth the copying.
    var isWasteful: Bool { deadBytes > max(liveBytes, Self.chunkBytes) }

    mutating func append(_ id: UnsafeRawBufferPointer) -> Place {
        if chunks.isEmpty || chunks[chunks.count - 1].count + id.count > Self.chunkBytes {
            chunks.append([])
            // The first one grows as needed: most tables of tests hold few ids.
            if chunks.count > 1 { chunks[chunks.count - 1].reserveCapacity(Self.chunkBytes) }
        }
        let chunk = chunks.count - 1
        let start = chunks[chunk].count
        chunks[chunk].append(contentsOf: id)
        liveBytes += id.count
        return Place(chunk * Self.chunkBytes + start) << 16 | Place(id.count)
    }

    mutating func remove(_ place: Place) {
        liveBytes -= Self.length(place)
        deadBytes += Self.length(place)
    }

    func matches(_ place: Place, _ id: UnsafeRawBufferPointer) -> Bool {
        Self.length(place) == id.count && withBytes(place) { $0.elementsEqual(id) }
    }

    func withBytes<Result>(_ place: Place, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let offset = Int(place >> 16)
        let start = offset % Self.chunkBytes
        return chunks[offset / Self.chunkBytes].withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start..<start + Self.length(place)]))
        }
    }

    static func length(_ place: Place) -> Int { Int(place & 0xFFFF) }
}
