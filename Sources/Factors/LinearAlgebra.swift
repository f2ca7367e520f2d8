internal import COpenBLAS

/// OpenBLAS, which picks its instruction set at run time. The parallelism is ours, so it is held to one thread.
public struct LinearAlgebra: Sendable {
    public init() {
        // Process-wide in OpenBLAS, idempotent, and set to the one value we ever want.
        openblas_set_num_threads(1)
    }

    /// scores = matrix · vector.
    ///
    /// Shape: `matrix` is rows × factors, row-major; `vector` has `factors` numbers, `scores` room for `rows`.
    public func multiply(
        matrix: UnsafePointer<Float>, rows: Int, factors: Int, vector: UnsafePointer<Float>,
        scores: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, blasint(rows), blasint(factors), 1, matrix, blasint(factors), vector,
            1, 0,
            scores, 1)
    }

    /// sum ← sum + rowsᵀ · rows, in the lower triangle of `sum` as column-major reads it.
    ///
    /// Shape: `rows` is count × factors, row-major; `sum` factors × factors.
    public func addOuterProducts(
        of rows: UnsafePointer<Float>, count: Int, factors: Int, to sum: UnsafeMutablePointer<Float>
    ) {
        cblas_ssyrk(
            CblasColMajor, CblasLower, CblasNoTrans, blasint(factors), blasint(count), 1, rows,
            blasint(factors),
            1, sum, blasint(factors))
    }

    /// sum ← sum + scale · row · rowᵀ, in the lower triangle of `sum` as column-major reads it.
    func addOuterProduct(
        of row: UnsafePointer<Double>, scale: Double, factors: Int, to sum: UnsafeMutablePointer<Double>
    ) {
        cblas_dsyr(CblasColMajor, CblasLower, blasint(factors), scale, row, 1, sum, blasint(factors))
    }

    /// Solves matrix · x = vector by Cholesky; `vector` becomes x and `matrix` its factor.
    ///
    /// Shape: `matrix` is factors × factors, of which the lower triangle is read as column-major has it; `vector` has
    /// `factors` numbers. False where the matrix is not positive definite; `vector` is then as it was.
    public func solvePositiveDefinite(
        matrix: UnsafeMutablePointer<Float>, vector: UnsafeMutablePointer<Float>, factors: Int
    ) -> Bool {
        var (order, columns, info) = (Int32(factors), Int32(1), Int32(0))
        spotrf_("L", &order, matrix, &order, &info)
        guard info == 0 else { return false }
        spotrs_("L", &order, &columns, matrix, &order, vector, &order, &info)
        return info == 0
    }

    /// Solves matrix · X = right by Cholesky; `right` becomes X and `matrix` its factor.
    ///
    /// Shape: `matrix` is order × order, of which the lower triangle is read as column-major has it; `right` is `columns`
    /// columns of `order` numbers, one after the other. False where the matrix is not positive definite; `right` is then as
    /// it was.
    public func solvePositiveDefinite(
        matrix: inout [Double], right: inout [Double], order: Int, columns: Int
    ) -> Bool {
        precondition(matrix.count == order * order && right.count == order * columns)
        var (size, count, info) = (Int32(order), Int32(columns), Int32(0))
        dpotrf_("L", &size, &matrix, &size, &info)
        guard info == 0 else { return false }
        dpotrs_("L", &size, &count, &matrix, &size, &right, &size, &info)
        return info == 0
    }

    /// The same in single precision: half the time, and as many digits as rows have.
    public func solvePositiveDefinite(
        matrix: inout [Float], right: inout [Float], order: Int, columns: Int
    ) -> Bool {
        precondition(matrix.count == order * order && right.count == order * columns)
        var (size, count, info) = (Int32(order), Int32(columns), Int32(0))
        spotrf_("L", &size, &matrix, &size, &info)
        guard info == 0 else { return false }
        spotrs_("L", &size, &count, &matrix, &size, &right, &size, &info)
        return info == 0
    }

    /// Eigenvalues in ascending order and, one after the other in the same order, their eigenvectors, each of length 1.
    ///
    /// Shape: `matrix` is order × order, of which the lower triangle is read as column-major has it.
    /// - Returns: `nil` where a number is not finite, or the algorithm did not converge.
    public func eigenvectors(
        ofSymmetric matrix: [Double], order: Int
    ) -> (values: [Double], vectors: [Double])? {
        precondition(matrix.count == order * order)
        guard matrix.allSatisfy(\.isFinite) else { return nil }
        var (vectors, values) = (matrix, [Double](repeating: 0, count: order))
        // As much as LAPACK asks for with blocks of 32 columns.
        var work = [Double](repeating: 0, count: max(1, 34 * order))
        var (size, workSize, info) = (Int32(order), Int32(work.count), Int32(0))
        dsyev_("V", "L", &size, &vectors, &size, &values, &work, &workSize, &info)
        return info == 0 ? (values, vectors) : nil
    }
}
