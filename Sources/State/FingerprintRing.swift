/// The newest fingerprints of a partition, in the order of the log: a ring once it is full.
///
/// In blocks, so that a checkpoint can hold on to what it is to write: of all blocks only that which the next fingerprint goes
/// into is copied then.
struct FingerprintRing: Sendable, Equatable {
    static let blockLength = 4096

    let capacity: Int
    private(set) var blocks: [[UInt64]] = []
    private(set) var count = 0

    init(capacity: Int) { self.capacity = capacity }

    var isFull: Bool { count == capacity }

    /// Bytes held.
    var bytes: Int {
        blocks.reduce(blocks.capacity * 8) { $0 + 32 + $1.capacity * MemoryLayout<UInt64>.stride }
    }

    subscript(slot: Int) -> UInt64 {
        get { blocks[slot / Self.blockLength][slot % Self.blockLength] }
        set { blocks[slot / Self.blockLength][slot % Self.blockLength] = newValue }
    }

    mutating func append(_ fingerprint: UInt64) {
        assert(count < capacity)
        if count % Self.blockLength == 0 {
            var block: [UInt64] = []
            block.reserveCapacity(min(Self.blockLength, capacity - count))
            blocks.append(block)
        }
        blocks[count / Self.blockLength].append(fingerprint)
        count += 1
    }
}
