extension IndexView {
    /// The items with the greatest bias, or with the least. One that nobody took (`popularity`) has a bias that says
    /// nothing of it, and is left out.
    public func byBias(_ limit: Int, leastFirst: Bool, filter: ItemFilter) -> [Candidate] {
        let sign: Float = leastFirst ? -1 : 1
        var best = TopItems(limit: limit)
        let (columns, count) = (columns, count)
        let size = CodeKernel.rowsPerBlock
        for block in 0..<columns.blockCount {
            let biases = UnsafeRawPointer(columns.biases.base + block * size).load(as: SIMD16<Float>.self)
            // Sixteen at a time, because few pass; NaN does not.
            guard any(biases * sign .> best.threshold) else { continue }
            var places = Self.passing(block, sign: sign, above: best.threshold, in: columns)
            while places != 0 {
                let row = block * size + places.trailingZeroBitCount
                places &= places - 1
                let value = sign * columns.biases[row]
                if value > best.threshold, value.isFinite, row < count, filter.allows(row) {
                    best.offer(Candidate(row: Int32(row), score: value))
                }
            }
        }
        return best.bestFirst().map { Candidate(row: $0.row, score: sign * $0.score) }
    }

    /// The same of these rows alone.
    public func byBias(_ limit: Int, leastFirst: Bool, among rows: [Int32]) -> [Candidate] {
        let sign: Float = leastFirst ? -1 : 1
        var best = TopItems(limit: limit)
        let (columns, count) = (columns, count)
        for row in rows where Int(row) < count {
            let value = sign * columns.biases[Int(row)]
            if value > best.threshold, value.isFinite { best.offer(Candidate(row: row, score: value)) }
        }
        return best.bestFirst().map { Candidate(row: $0.row, score: sign * $0.score) }
    }

    /// A bit for each row of the block that somebody took and whose value is above `threshold`. Without branches: who was
    /// taken and who was not stand side by side.
    @inline(__always)
    private static func passing(
        _ block: Int, sign: Float, above threshold: Float, in columns: IndexColumns
    ) -> UInt32 {
        let first = block * CodeKernel.rowsPerBlock
        let (biases, popularity) = (columns.biases.base + first, columns.popularity.base + first)
        var bits: UInt32 = 0
        for place in 0..<CodeKernel.rowsPerBlock {
            let isTaken: UInt32 = popularity[place].popular > -.infinity ? 1 : 0
            let isAbove: UInt32 = sign * biases[place] > threshold ? 1 : 0
            bits |= (isTaken & isAbove) << UInt32(place)
        }
        return bits
    }
}
