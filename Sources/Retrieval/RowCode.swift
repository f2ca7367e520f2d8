/// A vector in 8 bits a number: v ≈ scale · code, with code in -127 ... 127.
///
/// `residual` is at least ‖v − scale · code‖, whatever the rounding did; bounds rest on it and not on how good the
/// codes are. `coarseResidual` is the same for the coarse code, which the upper four bits of code + 128 tell:
/// 16 · bits − 120. Both are infinite where the vector is not finite or its squares overflow.
struct RowCode {
    private(set) var scale: Float = 0
    private(set) var residual: Float = 0
    private(set) var coarseResidual: Float = 0

    /// Adding 1.5 · 2²³ to a number below 2²² leaves its nearest integer in the low bits of the sum, ties to even:
    /// a conversion that SSE2 does eight at a time.
    private static let magic: Float = 0x1.8p23
    private static let magicBits = SIMD8<Int32>(repeating: 0x4B40_0000)

    /// Calls `store` with each lane's codes.
    ///
    /// The residual is worked out in float32, each difference with an error of at most 2⁻²³ of its number, and the root
    /// of the sum with a relative one far below 2⁻¹⁶; hence the widening. 2⁻⁶⁶ stands for squares that underflow. A coarse
    /// code's number may be greater than the vector's by 8 steps, peak / 15: with at most 65,536 factors its roundings
    /// come to less than 18 times those of the vector, hence 2⁻¹⁷.
    ///
    /// - Parameter norm: Euclidean, as float32 arithmetic has it.
    @inline(__always)
    init(
        _ lanes: UnsafePointer<SIMD8<Float>>, laneCount: Int, norm: Float,
        store: (Int, SIMD8<Int32>) -> Void
    ) {
        var peaks = SIMD8<Float>.zero
        for lane in 0..<laneCount {
            let value = lanes[lane]
            let size = value.replacing(with: -value, where: value .< 0)
            peaks = peaks.replacing(with: size, where: size .> peaks)
        }
        // A number that is NaN is passed over here, and shows in the norm.
        let four = peaks.lowHalf.replacing(with: peaks.highHalf, where: peaks.highHalf .> peaks.lowHalf)
        let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
        let peak = two[1] > two[0] ? two[1] : two[0]
        guard norm < .infinity, peak < .infinity else {
            // NaN too. The codes say nothing then, and the residual says so.
            residual = .infinity
            coarseResidual = .infinity
            for lane in 0..<laneCount { store(lane, .zero) }
            return
        }
        scale = peak / 127
        let inverse = scale >= 0x1p-126 ? 127 / peak : 0
        if inverse == 0 { scale = 0 }
        var (squares, coarseSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in 0..<laneCount {
            let shifted = lanes[lane] * inverse + Self.magic
            let code = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- Self.magicBits
            let difference = lanes[lane] - (shifted - Self.magic) * scale
            squares = squares + difference * difference
            let coarse = ((code &+ 128) & 0xf0) &- 120
            let number = unsafeBitCast(coarse &+ Self.magicBits, to: SIMD8<Float>.self) - Self.magic
            let coarseDifference = lanes[lane] - number * scale
            coarseSquares = coarseSquares + coarseDifference * coarseDifference
            store(lane, code)
        }
        coarseResidual = coarseSquares.sum().squareRoot() * (1 + 0x1p-16) + norm * 0x1p-17 + 0x1p-66
        residual = squares.sum().squareRoot() * (1 + 0x1p-16) + norm * 0x1p-22 + 0x1p-66
    }
}

/// Σ a·b in the one order in which every path of the index works it out: eight sums side by side, multiplied and
/// added without fusing, then summed pairwise. So a score is the same number to the last bit wherever it is answered.
@inline(__always)
func canonicalDot(
    _ a: UnsafePointer<SIMD8<Float>>, _ b: UnsafePointer<SIMD8<Float>>, _ laneCount: Int
) -> Float {
    var sum = SIMD8<Float>.zero
    for lane in 0..<laneCount { sum = sum + a[lane] * b[lane] }
    return sum.sum()
}

/// ‖a − b‖, in the same order. From the differences: of near neighbours ‖a‖² + ‖b‖² − 2a·b would leave only noise.
@inline(__always)
func canonicalDistance(
    _ a: UnsafePointer<SIMD8<Float>>, _ b: UnsafePointer<SIMD8<Float>>, _ laneCount: Int
) -> Float {
    var sum = SIMD8<Float>.zero
    for lane in 0..<laneCount {
        let difference = a[lane] - b[lane]
        sum = sum + difference * difference
    }
    return sum.sum().squareRoot()
}
