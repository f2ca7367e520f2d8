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
}
