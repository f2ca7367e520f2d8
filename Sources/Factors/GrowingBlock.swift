internal import CKernels

/// Zeroed memory that grows without being there twice.
///
/// Small ones are on the heap. From `mappedMin` bytes on a block is mapped, with room to grow of which nothing takes memory
/// before it is touched; where the room does not do, its pages get other addresses and are not copied. So a table of a
/// gigabyte grows in no time and in its own gigabyte.
///
/// Unsafe by nature: whoever owns one frees it with `free`, looks for `start` anew after each `reserve`, and guards what
/// lies in it.
public struct GrowingBlock {
    private static let mappedMin = 1 << 20
    private static let alignment = 64

    public private(set) var start: UnsafeMutableRawPointer
    /// Bytes that may be touched.
    public private(set) var capacity = 0
    private var isMapped = false

    public init() { start = .allocate(byteCount: 0, alignment: Self.alignment) }

    public func free() {
        if isMapped {
            memory_unmap(start, capacity)
        } else {
            start.deallocate()
        }
    }

    /// Makes room for `bytes`; what was there stays, what comes is zero.
    public mutating func reserve(_ bytes: Int) {
        guard bytes > capacity else { return }
        if isMapped { return remap(bytes) }
        let wanted = max(bytes, capacity * 3 / 2, 64)
        guard wanted >= Self.mappedMin else { return moveOnHeap(to: wanted) }
        map(bytes)
    }

    private mutating func moveOnHeap(to wanted: Int) {
        let moved = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: Self.alignment)
        moved.copyMemory(from: start, byteCount: capacity)
        (moved + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: wanted - capacity)
        start.deallocate()
        (start, capacity) = (moved, wanted)
    }

    private mutating func map(_ bytes: Int) {
        let wanted = Self.roomy(bytes)
        guard let mapped = memory_map(wanted) else { return moveOnHeap(to: bytes) }
        mapped.copyMemory(from: start, byteCount: capacity)
        start.deallocate()
        (start, capacity, isMapped) = (mapped, wanted, true)
    }

    private mutating func remap(_ bytes: Int) {
        // A system that promises no more than it has may refuse the room and grant what is needed.
        for wanted in [Self.roomy(bytes), (bytes + 4095) / 4096 * 4096] {
            guard let moved = memory_map_more(start, capacity, wanted) else { continue }
            (start, capacity) = (moved, wanted)
            return
        }
        fatalError("no memory for a table of \(bytes) bytes")
    }

    /// Twice as much, in whole large pages.
    private static func roomy(_ bytes: Int) -> Int { ((2 * bytes + (2 << 20) - 1) >> 21) << 21 }
}

/// The C library's allocator.
public enum Heap {
    /// Has it keep little of what was freed. Once, before other threads begin.
    public static func keepLittle() { memory_limit_arenas() }

    /// Bytes that it keeps of what was freed, in pieces that nobody has asked for again.
    public static var freeBytes: Int { memory_heap_free() }

    /// Has it give back what it can; takes some milliseconds for each hundred megabytes of small blocks.
    public static func trim() { memory_trim() }
}
