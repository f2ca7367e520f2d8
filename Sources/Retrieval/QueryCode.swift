/// A query in 8 bits a number, q ≈ scale · code, and what that loses.
struct QueryCode {
    /// One for each factor; freed by the query.
    let codes: UnsafePointer<Int8>
    /// As double: the product with a row's scale neither underflows nor loses digits.
    let scale: Double
    /// At least ‖scale · code‖.
    let codeNorm: Double
    /// At least ‖q − scale · code‖.
    let residual: Double
    /// At least ‖q‖.
    let norm: Double

    /// More than double arithmetic can lose over 65,536 numbers, relative to their sum.
    private static let margin = 1 + 0x1p-30

    /// `nil` for a query that is zero, not finite, or so small or great that squares underflow or overflow: for such
    /// the floats are scanned.
    init?(_ query: [Float]) {
        var (peak, squares): (Float, Double) = (0, 0)
        for value in query {
            peak = max(peak, abs(value))
            squares += Double(value) * Double(value)
        }
        norm = squares.squareRoot() * Self.margin
        guard norm >= 0x1p-50, norm <= 0x1p60 else { return nil }
        scale = Double(peak) / 127
        let inverse = 1 / scale
        let codes = UnsafeMutablePointer<Int8>.allocate(capacity: query.count)
        var (codeSquares, lost): (Double, Double) = (0, 0)
        for factor in query.indices {
            let value = query[factor]
            // Half away from zero; whichever way, `lost` says what it cost.
            let code = Int((Double(value) * inverse + (value < 0 ? -0.5 : 0.5)))
            codes[factor] = Int8(truncatingIfNeeded: max(-127, min(127, code)))
            let coded = Double(codes[factor]) * scale
            codeSquares += coded * coded
            lost += (Double(value) - coded) * (Double(value) - coded)
        }
        self.codes = UnsafePointer(codes)
        codeNorm = codeSquares.squareRoot() * Self.margin
        // The products are rounded before the differences are taken.
        residual = lost.squareRoot() * Self.margin + norm * 0x1p-50
    }
}
