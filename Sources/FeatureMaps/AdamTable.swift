/// Rows of numbers that learn by Adam (Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2015), with weights that
/// decay by themselves (Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019).
///
/// Shape: rows × lanes of eight numbers; what is beyond `width` of a row is 0 and stays so as long as its gradient is.
struct AdamTable: Sendable {
    typealias Lane = SIMD8<Float>

    let rows: Int
    /// Lanes of a row.
    let lanes: Int
    private(set) var values: [Lane]
    /// Σ of what is to be descended by at the next step, as `values` is laid out.
    var gradient: [Lane]
    private var first: [Lane]
    private var second: [Lane]
    private var steps = 0

    private static let (firstDecay, secondDecay): (Float, Float) = (0.9, 0.999)
    private static let epsilon: Float = 1e-8

    static func lanes(_ width: Int) -> Int { (width + 7) / 8 }

    /// - Parameter initial: the number at a row and a place below `width`.
    init(rows: Int, width: Int, initial: (Int, Int) -> Float) {
        self.rows = rows
        lanes = Self.lanes(width)
        var values = [Lane](repeating: .zero, count: rows * lanes)
        for row in 0..<rows {
            for place in 0..<width { values[row * lanes + place >> 3][place & 7] = initial(row, place) }
        }
        self.values = values
        gradient = Array(repeating: .zero, count: values.count)
        (first, second) = (gradient, gradient)
    }

    /// Descends by `share` times the gradient, which begins anew.
    ///
    /// - Parameter decay: part of a rate by which the numbers shrink besides.
    mutating func step(rate: Float, decay: Float, share: Float) {
        steps += 1
        let firstScale = 1 / (1 - Self.power(Self.firstDecay, steps))
        let secondScale = 1 / (1 - Self.power(Self.secondDecay, steps))
        let (old, oldSquares) = (Self.firstDecay, Self.secondDecay)
        let kept = 1 - rate * decay
        let count = values.count
        values.withUnsafeMutableBufferPointer { values in
            gradient.withUnsafeMutableBufferPointer { gradient in
                first.withUnsafeMutableBufferPointer { first in
                    second.withUnsafeMutableBufferPointer { second in
                        for place in 0..<count {
                            let slope = share * gradient[place]
                            first[place] = old * first[place] + (1 - old) * slope
                            second[place] = oldSquares * second[place] + (1 - oldSquares) * (slope * slope)
                            let root = (secondScale * second[place]).squareRoot() + Self.epsilon
                            values[place] = kept * values[place] - rate * firstScale * first[place] / root
                            gradient[place] = .zero
                        }
                    }
                }
            }
        }
    }

    /// Multiplied out, so that it is the same on every machine.
    private static func power(_ base: Float, _ exponent: Int) -> Float {
        var (result, factor, left) = (1.0, Double(base), exponent)
        while left > 0 {
            if left & 1 == 1 { result *= factor }
            factor *= factor
            left >>= 1
        }
        return Float(result)
    }

    var isFinite: Bool { values.allSatisfy { $0.sum().isFinite } }
}
