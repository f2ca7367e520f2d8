/// A query in 8 bits a number, q ≈ scale · code, and what that loses.
struct QueryCode {
    let codes: [Int8]
    /// As double: the product with a row's scale neither underflows nor loses digits.
    let scale: Double
    /// At least ‖scale · code‖.
    let codeNorm: Double
    /// At least ‖q − scale · code‖.
    let residual: Double
    /// At least ‖q‖.
    let norm: Double

    /// `nil` for a query that is zero, not finite, or so small or great that squares underflow or overflow: for such
    /// the floats are scanned.
    init?(_ query: PreparedQuery) {
        let values = query.lanes.flatMap { lane in (0..<8).map { Double(lane[$0]) } }
        let peak = values.reduce(0) { max($0, abs($1)) }
        let norm = Self.norm(values)
        guard norm >= 0x1p-50, norm <= 0x1p60 else { return nil }
        let scale = peak / 127
        let rounded = values.map { ($0 / scale).rounded() }
        codes = rounded.map { Int8($0) }
        self.scale = scale
        self.norm = norm
        codeNorm = Self.norm(rounded.map { $0 * scale })
        // The product is rounded before the difference is taken.
        residual = Self.norm(zip(values, rounded).map { $0 - $1 * scale }) + norm * 0x1p-50
    }

    /// Widened by more than double arithmetic can lose over 65,536 numbers, whether by rounding the sum or each term.
    private static func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot() * (1 + 0x1p-30)
    }
}
