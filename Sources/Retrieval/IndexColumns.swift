internal import CKernels
internal import Factors

/// The columns of one side of the index: for each row the slot of its floats, and all that a scan reads.
///
/// A handful of pointers, so that whoever loops over rows takes a copy and nothing is counted or checked in the loop.
/// Owned by a side, which guards what they point to.
struct IndexColumns {
    let factors: Int
    let kernel: CodeKernel
    private(set) var count = 0
    private(set) var capacity = 0
    private(set) var codes = Column<UInt8>()
    private(set) var slots = Column<Int32>()
    private(set) var scales = Column<Float>()
    private(set) var residuals = Column<Float>()
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
        codes.free()
        slots.free()
        chunks.free()
        popularity.free()
        for column in [scales, residuals, norms, biases] { column.free() }
        blocks.free()
    }

    var bytes: Int {
        codes.bytes + slots.bytes + chunks.bytes + blocks.bytes + 4 * scales.bytes + popularity.bytes
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
            let rows = (max(newCount, capacity * 3 / 2) + 127) / 128 * 128
            capacity = rows
            slots.grow(to: rows, filledWith: RowPool.none)
            codes.grow(to: rows * factors, filledWith: 128)
            scales.grow(to: rows, filledWith: 0)
            residuals.grow(to: rows, filledWith: 0)
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
        let place = UnsafeMutableRawPointer(codes.base + codePlace(row))
        let laneStride = 8 * CodeKernel.rowsPerBlock
        let code = RowCode(lanes, laneCount: laneCount, norm: norm) { lane, code in
            let bytes = SIMD8<UInt8>(truncatingIfNeeded: code &+ 128)
            (place + lane * laneStride).storeBytes(of: bytes.lowHalf, as: SIMD4<UInt8>.self)
            (place + lane * laneStride + laneStride / 2).storeBytes(of: bytes.highHalf, as: SIMD4<UInt8>.self)
        }
        scales[row] = code.scale
        residuals[row] = code.residual
        norms[row] = norm
        biases[row] = source.bias
    }

    /// Takes from the other side all of the block but its rows' slots and popularity. Each of its lines holds a part of
    /// every row, so the whole is hardly more than one row of it.
    func copyBlock(_ block: Int, from other: IndexColumns) {
        let (size, first) = (CodeKernel.rowsPerBlock, block * CodeKernel.rowsPerBlock)
        (codes.base + first * factors).update(from: other.codes.base + first * factors, count: size * factors)
        (scales.base + first).update(from: other.scales.base + first, count: size)
        (residuals.base + first).update(from: other.residuals.base + first, count: size)
        (norms.base + first).update(from: other.norms.base + first, count: size)
        (biases.base + first).update(from: other.biases.base + first, count: size)
        blocks.copy(block, from: other.blocks)
    }

    /// Asks for what `copyBlock` reads or writes.
    @inline(__always)
    func prefetchBlock(_ block: Int) {
        let (size, first) = (CodeKernel.rowsPerBlock, block * CodeKernel.rowsPerBlock)
        cache_prefetch(codes.base + first * factors, size * factors)
        cache_prefetch(scales.base + first, 1)
        cache_prefetch(residuals.base + first, 1)
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

    /// Where the row's first four codes stand; the next four are 16 × 4 further on.
    private func codePlace(_ row: Int) -> Int {
        let (block, place) = row.quotientAndRemainder(dividingBy: CodeKernel.rowsPerBlock)
        return block * CodeKernel.rowsPerBlock * factors + 4 * place
    }

    func boundBlock(_ block: Int) {
        blocks.update(
            block, scales: scales.base, residuals: residuals.base, norms: norms.base, biases: biases.base)
    }
}
