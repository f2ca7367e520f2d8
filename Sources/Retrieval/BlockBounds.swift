/// What bounds the scores of 16 rows at once: the greatest of each of the rows' numbers, and the least norm.
///
/// Owned by a side of the index, which guards it.
struct BlockBounds {
    private(set) var residual = Column<Float>()
    private(set) var coarseResidual = Column<Float>()
    private(set) var norm = Column<Float>()
    private(set) var leastNorm = Column<Float>()
    private(set) var bias = Column<Float>()
    /// Of rows scaled to norm 1, for the cosine: infinite for rows that are too short or too long for it.
    private(set) var unitResidual = Column<Float>()
    private(set) var unitCoarseResidual = Column<Float>()

    var bytes: Int { columns.count * norm.bytes }

    func free() {
        for column in columns { column.free() }
    }

    var columns: [Column<Float>] {
        [residual, coarseResidual, norm, leastNorm, bias, unitResidual, unitCoarseResidual]
    }

    mutating func grow(to blocks: Int) {
        residual.grow(to: blocks, filledWith: 0)
        coarseResidual.grow(to: blocks, filledWith: 0)
        norm.grow(to: blocks, filledWith: 0)
        leastNorm.grow(to: blocks, filledWith: 0)
        bias.grow(to: blocks, filledWith: -.infinity)
        unitResidual.grow(to: blocks, filledWith: 0)
        unitCoarseResidual.grow(to: blocks, filledWith: 0)
    }

    /// Takes the block's bounds over from another side that has its rows alike.
    func copy(_ block: Int, from other: BlockBounds) {
        residual.base[block] = other.residual.base[block]
        coarseResidual.base[block] = other.coarseResidual.base[block]
        norm.base[block] = other.norm.base[block]
        leastNorm.base[block] = other.leastNorm.base[block]
        bias.base[block] = other.bias.base[block]
        unitResidual.base[block] = other.unitResidual.base[block]
        unitCoarseResidual.base[block] = other.unitCoarseResidual.base[block]
    }

    func update(
        _ block: Int, residuals: UnsafePointer<Float>,
        coarseResiduals: UnsafePointer<Float>, norms: UnsafePointer<Float>, biases: UnsafePointer<Float>
    ) {
        let residuals = Self.sixteen(residuals, block)
        let coarseResiduals = Self.sixteen(coarseResiduals, block)
        let norms = Self.sixteen(norms, block)
        coarseResidual.base[block] = Self.greatest(coarseResiduals)
        residual.base[block] = Self.greatest(residuals)
        norm.base[block] = Self.greatest(norms)
        leastNorm.base[block] = -Self.greatest(-norms)
        bias.base[block] = Self.greatest(Self.sixteen(biases, block))
        // A row of norm 0 has the cosine 0, as an empty code has.
        let isZero = norms .== 0
        let isUsual = (norms .>= UnitNorm.least) .& (norms .<= UnitNorm.greatest)
        let unknown = SIMD16<Float>(repeating: .infinity).replacing(with: 0, where: isZero)
        // Widened by more than the quotient and the products lose.
        let inverse = (1 + 0x1p-21) / norms
        unitResidual.base[block] = Self.greatest(
            (residuals * inverse).replacing(with: unknown, where: .!isUsual))
        unitCoarseResidual.base[block] = Self.greatest(
            (coarseResiduals * inverse).replacing(with: unknown, where: .!isUsual))
    }

    @inline(__always)
    private static func sixteen(_ column: UnsafePointer<Float>, _ block: Int) -> SIMD16<Float> {
        UnsafeRawPointer(column + block * 16).load(as: SIMD16<Float>.self)
    }

    /// NaN does not count: a row that has one is never answered, whatever bounds it.
    @inline(__always)
    private static func greatest(_ values: SIMD16<Float>) -> Float {
        var four = SIMD4(repeating: -Float.infinity)
        four = greater(four, values.lowHalf.lowHalf)
        four = greater(four, values.lowHalf.highHalf)
        four = greater(four, values.highHalf.lowHalf)
        four = greater(four, values.highHalf.highHalf)
        let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
        return two[1] > two[0] ? two[1] : two[0]
    }

    /// Keeps `best` where `values` is NaN.
    @inline(__always)
    private static func greater(_ best: SIMD4<Float>, _ values: SIMD4<Float>) -> SIMD4<Float> {
        best.replacing(with: values, where: values .> best)
    }
}

/// Norms for which a quotient by norms neither overflows nor loses digits.
enum UnitNorm {
    static let least: Float = 0x1p-40
    static let greatest: Float = 0x1p60
}
