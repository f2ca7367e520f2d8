internal import CKernels
internal import Factors

/// The columns of one side of the index: for each row the slot of its floats, and all that a scan reads.
///
/// A handful of pointers, so that whoever loops over rows takes a copy and nothing is counted or checked in the loop.
/// Owned by a side, which guards what they point to.
struct IndexColumns {
    private static let spareRows = 4096

    let factors: Int
    let kernel: CodeKernel
    private(set) var count = 0
    private(set) var capacity = 0
    /// The planes of the codes; CKernels.h tells their layout.
    private(set) var upperCodes = Column<UInt8>()
    private(set) var lowerCodes = Column<UInt8>()
    private(set) var slots = Column<Int32>()
    private(set) var scales = Column<Float>()
    private(set) var residuals = Column<Float>()
    /// Of the upper plane alone.
    private(set) var coarseResiduals = Column<Float>()
    private(set) var norms = Column<Float>()
    private(set) var biases = Column<Float>()
    private(set) var popularity = Column<PublishedPopularity>()
    private(set) var blocks = BlockBounds()
    /// Those of the pool when this side was last written.
    private var chunks = Column<UnsafeMutablePointer<SIMD8<Float>>>()
    private var chunkCount = 0

    init(factors: Int, kernel: CodeKernel) {
        self.factors = factors
        self.kernel = kernel
    }

    func free() {
        upperCodes.free()
        lowerCodes.free()
        slots.free()
        chunks.free()
        popularity.free()
        for column in [scales, residuals, coarseResiduals, norms, biases] { column.free() }
        blocks.free()
    }

    var bytes: Int {
        upperCodes.bytes + lowerCodes.bytes + slots.bytes + chunks.bytes + blocks.bytes + 5 * scales.bytes
            + popularity.bytes
    }

    var laneCount: Int { factors / 8 }
    var blockCount: Int { (count + CodeKernel.rowsPerBlock - 1) / CodeKernel.rowsPerBlock }

    @inline(__always)
    func lanes(_ row: Int) -> UnsafeMutablePointer<SIMD8<Float>> {
        let slot = UInt32(bitPattern: slots[row])
        return chunks[Int(slot >> RowPool.chunkBits)] + Int(slot & (RowPool.chunkRows - 1)) * laneCount
    }

    mutating func grow(to newCount: Int) {
        guard newCount > count else { return }
        if newCount > capacity {
            // All of these are filled, so that the spare ones take memory too: not too many.
            let rows = (max(newCount, min(capacity * 3 / 2, capacity + Self.spareRows)) + 127) / 128 * 128
            capacity = rows
            slots.grow(to: rows, filledWith: RowPool.none)
            // The code 0.
            upperCodes.grow(to: rows * factors / 2, filledWith: 0x88)
            lowerCodes.grow(to: rows * factors / 2, filledWith: 0)
            scales.grow(to: rows, filledWith: 0)
            residuals.grow(to: rows, filledWith: 0)
            coarseResiduals.grow(to: rows, filledWith: 0)
            norms.grow(to: rows, filledWith: 0)
            biases.grow(to: rows, filledWith: -.infinity)
            popularity.grow(to: rows, filledWith: .untaken)
            blocks.grow(to: rows / CodeKernel.rowsPerBlock)
        }
        count = newCount
    }

    /// Learns of the chunks that the pool has got meanwhile.
    mutating func take(_ newChunks: [UnsafeMutablePointer<SIMD8<Float>>]) {
        guard let last = newChunks.last, newChunks.count > chunkCount else { return }
        if newChunks.count > chunks.capacity {
            chunks.grow(to: max(newChunks.count, chunks.capacity * 3 / 2), filledWith: last)
        }
        for index in chunkCount..<newChunks.count { chunks[index] = newChunks[index] }
        chunkCount = newChunks.count
    }

    /// Works out all of the row but its slot, which must be there, its popularity, and its block's bounds.
    func refresh(_ row: Int, from source: Row) {
        let lanes = lanes(row)
        for lane in source.indices { lanes[lane] = source[lane] }
        let norm = canonicalDot(lanes, lanes, laneCount).squareRoot()
        let place = codePlace(row)
        let (upper, lower) = (
            UnsafeMutableRawPointer(upperCodes.base + place), UnsafeMutableRawPointer(lowerCodes.base + place)
        )
        let laneStride = 4 * CodeKernel.rowsPerBlock
        let code = RowCode(lanes, laneCount: laneCount, norm: norm) { lane, code in
            let bytes = SIMD8<UInt8>(truncatingIfNeeded: code &+ 128)
            // Four bytes at once, none of which takes bits from another.
            let first = unsafeBitCast(bytes.lowHalf, to: UInt32.self)
            let second = unsafeBitCast(bytes.highHalf, to: UInt32.self)
            let (low, high) = (UInt32(0x0f0f_0f0f), UInt32(0xf0f0_f0f0))
            let bits = first >> 4 & low
            let turned = bits << 8 | bits >> 24
            (upper + lane * laneStride).storeBytes(of: turned | second & high, as: UInt32.self)
            (lower + lane * laneStride).storeBytes(of: second & low | first << 4 & high, as: UInt32.self)
        }
        scales[row] = code.scale
        residuals[row] = code.residual
        coarseResiduals[row] = code.coarseResidual
        norms[row] = norm
        biases[row] = source.bias
    }

    /// Takes from the other side all of the block but its rows' slots and popularity. Each of its lines holds a part of
    /// every row, so the whole is hardly more than one row of it.
    func copyBlock(_ block: Int, from other: IndexColumns) {
        let (size, first) = (CodeKernel.rowsPerBlock, block * CodeKernel.rowsPerBlock)
        let (code, bytes) = (first * factors / 2, size * factors / 2)
        (upperCodes.base + code).update(from: other.upperCodes.base + code, count: bytes)
        (lowerCodes.base + code).update(from: other.lowerCodes.base + code, count: bytes)
        (scales.base + first).update(from: other.scales.base + first, count: size)
        (residuals.base + first).update(from: other.residuals.base + first, count: size)
        (coarseResiduals.base + first).update(from: other.coarseResiduals.base + first, count: size)
        (norms.base + first).update(from: other.norms.base + first, count: size)
        (biases.base + first).update(from: other.biases.base + first, count: size)
        blocks.copy(block, from: other.blocks)
    }

    /// Asks for what `copyBlock` reads or writes.
    @inline(__always)
    func prefetchBlock(_ block: Int) {
        let (size, first) = (CodeKernel.rowsPerBlock, block * CodeKernel.rowsPerBlock)
        cache_prefetch(upperCodes.base + first * factors / 2, size * factors / 2)
        cache_prefetch(lowerCodes.base + first * factors / 2, size * factors / 2)
        cache_prefetch(scales.base + first, 1)
        cache_prefetch(residuals.base + first, 1)
        cache_prefetch(coarseResiduals.base + first, 1)
        cache_prefetch(norms.base + first, 1)
        cache_prefetch(biases.base + first, 1)
    }

    /// Asks for what `refresh` reads and writes.
    @inline(__always)
    func prefetchRow(_ row: Int, from table: FactorTable) {
        prefetchBlock(row / CodeKernel.rowsPerBlock)
        prefetchLanes(row)
        table.withVectors(from: row, count: 1) { cache_prefetch($0, factors * MemoryLayout<Float>.size) }
    }

    /// Asks for the row's floats.
    @inline(__always)
    func prefetchLanes(_ row: Int) { cache_prefetch(lanes(row), factors * MemoryLayout<Float>.size) }

    /// The blocks that hold any of the rows.
    func blocks(of rows: Range<Int>) -> Range<Int> {
        let size = CodeKernel.rowsPerBlock
        return rows.isEmpty ? 0..<0 : rows.lowerBound / size..<(rows.upperBound + size - 1) / size
    }

    @inline(__always)
    func planes(of blocks: Range<Int>) -> code_planes {
        let start = blocks.lowerBound * CodeKernel.rowsPerBlock * factors / 2
        return code_planes(
            upper: upperCodes.base + start, lower: lowerCodes.base + start, factors: factors,
            blocks: blocks.count)
    }

    /// One of the row's codes, for who checks them.
    func code(_ row: Int, factor: Int) -> Int32 {
        let four = codePlace(row) + factor / 8 * 4 * CodeKernel.rowsPerBlock
        let isSecond = factor & 4 != 0
        let upper = isSecond ? upperCodes[four + factor % 4] >> 4 : upperCodes[four + (factor + 1) % 4] & 15
        let lower = isSecond ? lowerCodes[four + factor % 4] & 15 : lowerCodes[four + factor % 4] >> 4
        return Int32(upper) * 16 + Int32(lower) - 128
    }

    /// Where the row's first eight codes stand, in either plane; the next eight are 16 × 4 further on.
    private func codePlace(_ row: Int) -> Int {
        let (block, place) = row.quotientAndRemainder(dividingBy: CodeKernel.rowsPerBlock)
        return block * CodeKernel.rowsPerBlock * factors / 2 + 4 * place
    }

    func boundBlock(_ block: Int) {
        blocks.update(
            block, residuals: residuals.base, coarseResiduals: coarseResiduals.base,
            norms: norms.base, biases: biases.base)
    }
}
