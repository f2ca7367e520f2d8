internal import Factors

/// Room for one solution of ALS at a time: the rows gathered side by side, the sums and the solution.
public final class ALSWorkspace: @unchecked Sendable {
    // Sendable by confinement: each shard makes one and uses it on its own queue alone.

    /// Rows gathered before they go into the sum: their outer products together are one matrix product.
    private static let blockRows = 256

    private let factors: Int
    private let algebra = LinearAlgebra()
    /// √(αw) q for each row, row-major.
    private let gathered: UnsafeMutablePointer<SIMD8<Float>>
    private var gatheredCount = 0
    /// Σ αw q qᵀ, then the matrix to be solved.
    private let matrix: UnsafeMutablePointer<Float>
    private var matrixIsStarted = false
    /// Σ (1 + αw) q, then the solution.
    private let vector: UnsafeMutablePointer<SIMD8<Float>>
    /// Σ αw.
    private(set) var confidenceSum: Float = 0

    public init(factors: Int) {
        precondition(
            factors > 0 && factors % 8 == 0, "factors is \(factors); a positive multiple of 8 is needed")
        self.factors = factors
        gathered = .allocate(capacity: Self.blockRows * factors / 8)
        gathered.initialize(repeating: .zero, count: Self.blockRows * factors / 8)
        matrix = .allocate(capacity: factors * factors)
        matrix.initialize(repeating: 0, count: factors * factors)
        vector = .allocate(capacity: factors / 8)
        vector.initialize(repeating: .zero, count: factors / 8)
    }

    deinit {
        gathered.deallocate()
        matrix.deallocate()
        vector.deallocate()
    }

    /// Starts anew.
    public func clear() {
        gatheredCount = 0
        confidenceSum = 0
        matrixIsStarted = false
        vector.update(repeating: .zero, count: factors / 8)
    }

    /// Adds a row of the other side. `confidence` is αw, below 0 that of a dislike; 0 is left out.
    ///
    /// - Parameter preferred: 1 + |αw| times the preference.
    func append(_ row: Row, confidence: Float, preferred: Float) {
        // NaN goes on, and the guard refuses what comes of it: it must not vanish without a count.
        if confidence == 0 { return }
        if gatheredCount == Self.blockRows { flush() }
        let root = abs(confidence).squareRoot()
        let place = gathered + gatheredCount * (factors / 8)
        for lane in row.indices {
            let q = row[lane]
            place[lane] = root * q
            vector[lane] = vector[lane] + preferred * q
        }
        gatheredCount += 1
        confidenceSum += abs(confidence)
    }

    private func flush() {
        if !matrixIsStarted { matrix.update(repeating: 0, count: factors * factors) }
        matrixIsStarted = true
        addGathered()
    }

    private func addGathered() {
        guard gatheredCount > 0 else { return }
        let rows = UnsafeRawPointer(gathered).assumingMemoryBound(to: Float.self)
        algebra.addOuterProducts(of: rows, count: gatheredCount, factors: factors, to: matrix)
        gatheredCount = 0
    }

    /// Solves (G + Σ αw q qᵀ + decay I) x = Σ (1 + αw) q; false where there is no solution.
    func solve(gramian: Gramian, decay: Float) -> Bool {
        precondition(gramian.factors == factors, "a sum of \(gramian.factors) factors for rows of \(factors)")
        if matrixIsStarted { gramian.add(to: matrix) } else { gramian.copy(to: matrix) }
        addGathered()
        for factor in 0..<factors { matrix[factor * (factors + 1)] += decay }
        let numbers = UnsafeMutableRawPointer(vector).assumingMemoryBound(to: Float.self)
        return algebra.solvePositiveDefinite(matrix: matrix, vector: numbers, factors: factors)
    }

    /// The same with `right` for the right side.
    func solve(gramian: Gramian, decay: Float, right: Row) -> Bool {
        for lane in right.indices { vector[lane] = right[lane] }
        return solve(gramian: gramian, decay: decay)
    }

    /// The solution, after `solve`.
    var solution: UnsafeBufferPointer<SIMD8<Float>> { UnsafeBufferPointer(start: vector, count: factors / 8) }
}
