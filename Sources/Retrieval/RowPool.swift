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

    func take() -> Int32 {
        if let slot = free.popLast() { return slot }
        if used == chunks.count << Self.chunkBits {
            let lanes = Int(Self.chunkRows) * laneCount
            let chunk = UnsafeMutablePointer<SIMD8<Float>>.allocate(capacity: lanes)
            chunk.initialize(repeating: .zero, count: lanes)
            chunks.append(chunk)
        }
        used += 1
        return Int32(used - 1)
    }

    func give(back slot: Int32) { free.append(slot) }
}
