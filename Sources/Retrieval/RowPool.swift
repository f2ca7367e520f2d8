internal import Factors

/// Float rows in numbered slots, which the two sides of an index share.
///
/// Written by the publishing queue alone, and only in slots that no side refers to or whose one side nobody reads;
/// readers reach slots through their side, which says which chunks there were. That guards every field here. Chunks
/// never move: a side that is read keeps pointing into them while the pool grows.
final class RowPool: @unchecked Sendable {
    /// Not a slot.
    static let none: Int32 = -1

    /// 64 KiB of 64 factors.
    static let chunkBits = 8
    static let chunkRows: UInt32 = 1 << 8

    let laneCount: Int
    private(set) var chunks: [UnsafeMutablePointer<SIMD8<Float>>] = []
    private var free: [Int32] = []
    private var used = 0

    init(factors: Int) { laneCount = factors / 8 }

    deinit { for chunk in chunks { chunk.deallocate() } }

    var bytes: Int {
        chunks.count * Int(Self.chunkRows) * laneCount * MemoryLayout<SIMD8<Float>>.stride
            + free.capacity * MemoryLayout<Int32>.stride
    }

    /// `count` slots, none of them of anyone else.
    func take(_ count: Int) -> [Int32] {
        var slots = Array(free.suffix(count))
        free.removeLast(slots.count)
        let end = used + count - slots.count
        slots.append(contentsOf: Int32(used)..<Int32(end))
        used = end
        while used > chunks.count << Self.chunkBits { chunks.append(makeChunk()) }
        return slots
    }

    func give(back slots: [Int32]) { free.append(contentsOf: slots) }

    /// On a 64-byte boundary: a row of 64 factors is four cache lines and not five.
    private func makeChunk() -> UnsafeMutablePointer<SIMD8<Float>> {
        let lanes = Int(Self.chunkRows) * laneCount
        let bytes = lanes * MemoryLayout<SIMD8<Float>>.stride
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: SIMD8<Float>.self, capacity: lanes)
        chunk.initialize(repeating: .zero, count: lanes)
        return chunk
    }
}
