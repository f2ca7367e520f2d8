internal import Factors
internal import Synchronization

/// One side of the index: for each row the slot of its floats, and all that a scan reads, its own.
///
/// Written by the publishing queue alone, and only while `readers` is zero and the side is not active; read by those
/// counted in. That guards every field here.
final class IndexSide: @unchecked Sendable {
    let readers = Atomic<Int>(0)
    /// Rows in which this side is behind the other, beside those that it has not got. Writer only.
    var behind: [Int32] = []

    private(set) var count = 0
    private let factors: Int
    private let pool: RowPool
    private let kernel: CodeKernel
    private var capacity = 0
    private var slots = Column<Int32>()
    private var codes = Column<UInt8>()
    private var scales = Column<Float>()
    private var residuals = Column<Float>()
    private var norms = Column<Float>()
    private var biases = Column<Float>()
    private var popularity = Column<PublishedPopularity>()
    private var blocks = BlockBounds()
    /// Those of the pool when this side was last written.
    private var chunks = Column<UnsafeMutablePointer<SIMD8<Float>>>()

    init(factors: Int, pool: RowPool, kernel: CodeKernel) {
        self.factors = factors
        self.pool = pool
        self.kernel = kernel
    }

    deinit {
        slots.free()
        codes.free()
        chunks.free()
        popularity.free()
        for column in [scales, residuals, norms, biases] { column.free() }
        blocks.free()
    }

    var bytes: Int {
        slots.bytes + codes.bytes + chunks.bytes + blocks.bytes + scales.bytes + residuals.bytes + norms.bytes
            + biases.bytes + popularity.bytes
    }

    var columns: IndexColumns {
        IndexColumns(
            count: count, factors: factors, kernel: kernel, codes: codes.base, slots: slots.base,
            chunks: chunks.base, scales: scales.base, residuals: residuals.base, norms: norms.base,
            biases: biases.base, popularity: popularity.base, blocks: blocks)
    }

    /// Takes over from the other side, which is published, the rows in which this one is behind: their floats are
    /// shared from then on.
    func catchUp(with other: IndexSide) {
        let old = count
        grow(to: other.count)
        for row in behind where row < old { copy(Int(row), from: other) }
        for row in old..<count { copy(row, from: other) }
        behind.removeAll(keepingCapacity: true)
    }

    private func copy(_ row: Int, from other: IndexSide) {
        let (mine, theirs) = (slots.base[row], other.slots.base[row])
        if mine != theirs {
            if mine != RowPool.none { pool.give(back: mine) }
            slots.base[row] = theirs
        }
        let place = codePlace(row)
        for four in 0..<factors / 4 {
            let offset = place + four * 4 * CodeKernel.rowsPerBlock
            UnsafeMutableRawPointer(codes.base + offset)
                .copyMemory(from: other.codes.base + offset, byteCount: 4)
        }
        scales.base[row] = other.scales.base[row]
        residuals.base[row] = other.residuals.base[row]
        norms.base[row] = other.norms.base[row]
        biases.base[row] = other.biases.base[row]
        popularity.base[row] = other.popularity.base[row]
        noteBlock(of: row)
    }

    /// Adds rows up to `newCount`; `refresh` has to fill them.
    func add(upTo newCount: Int) {
        let old = count
        grow(to: newCount)
        for row in old..<count { slots.base[row] = pool.take() }
        takeChunks()
    }

    /// Takes a changed row from the table. A slot that the other side reads is left to it.
    func refresh(_ row: Int, from source: Row, popularity value: PublishedPopularity, other: IndexSide) {
        if row < other.count, slots.base[row] == other.slots.base[row] {
            slots.base[row] = pool.take()
            takeChunks()
        }
        let lanes = pool.lanes(of: slots.base[row])
        let laneStride = 8 * CodeKernel.rowsPerBlock
        for lane in source.indices { lanes[lane] = source[lane] }
        let norm = canonicalDot(lanes, lanes, factors / 8).squareRoot()
        let place = codePlace(row)
        let code = RowCode(lanes, laneCount: factors / 8, norm: norm) { lane, code in
            let bytes = SIMD8<UInt8>(truncatingIfNeeded: code &+ 128)
            let start = UnsafeMutableRawPointer(codes.base + place + lane * laneStride)
            start.storeBytes(of: bytes.lowHalf, as: SIMD4<UInt8>.self)
            (start + laneStride / 2).storeBytes(of: bytes.highHalf, as: SIMD4<UInt8>.self)
        }
        scales.base[row] = code.scale
        residuals.base[row] = code.residual
        norms.base[row] = norm
        biases.base[row] = source.bias
        popularity.base[row] = value
        noteBlock(of: row)
    }

    /// Where the row's first four codes stand; the next four are 16 × 4 further on.
    private func codePlace(_ row: Int) -> Int {
        let (block, place) = row.quotientAndRemainder(dividingBy: CodeKernel.rowsPerBlock)
        return block * CodeKernel.rowsPerBlock * factors + 4 * place
    }

    private func noteBlock(of row: Int) {
        blocks.update(
            row / CodeKernel.rowsPerBlock, scales: scales.base, residuals: residuals.base, norms: norms.base,
            biases: biases.base)
    }

    private func takeChunks() {
        let known = chunks.capacity
        guard pool.chunks.count > known else { return }
        let first = pool.chunks[known]
        chunks.grow(to: pool.chunks.count, filledWith: first)
        for index in known..<pool.chunks.count { chunks.base[index] = pool.chunks[index] }
    }

    private func grow(to newCount: Int) {
        takeChunks()
        guard newCount > count else { return }
        if newCount > capacity {
            let rows = max(newCount, capacity * 3 / 2, 128)
            // Blocks are looked at eight at a time.
            capacity = (rows + 127) / 128 * 128
            slots.grow(to: capacity, filledWith: RowPool.none)
            codes.grow(to: capacity * factors, filledWith: 128)
            scales.grow(to: capacity, filledWith: 0)
            residuals.grow(to: capacity, filledWith: 0)
            norms.grow(to: capacity, filledWith: 0)
            biases.grow(to: capacity, filledWith: -.infinity)
            popularity.grow(to: capacity, filledWith: .none)
            blocks.grow(to: capacity / CodeKernel.rowsPerBlock)
        }
        count = newCount
    }
}

/// What a scan reads, for the length of one read.
struct IndexColumns {
    let count: Int
    let factors: Int
    let kernel: CodeKernel
    let codes: UnsafePointer<UInt8>
    let slots: UnsafePointer<Int32>
    let chunks: UnsafePointer<UnsafeMutablePointer<SIMD8<Float>>>
    let scales: UnsafePointer<Float>
    let residuals: UnsafePointer<Float>
    let norms: UnsafePointer<Float>
    let biases: UnsafePointer<Float>
    let popularity: UnsafePointer<PublishedPopularity>
    let blocks: BlockBounds

    var blockCount: Int { (count + CodeKernel.rowsPerBlock - 1) / CodeKernel.rowsPerBlock }

    @inline(__always)
    func lanes(_ row: Int) -> UnsafePointer<SIMD8<Float>> {
        let slot = Int(slots[row])
        return UnsafePointer(
            chunks[slot / RowPool.chunkRows] + slot % RowPool.chunkRows * (factors / 8))
    }
}
