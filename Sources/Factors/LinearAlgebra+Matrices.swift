internal import COpenBLAS

/// A matrix in the numbers of somebody else, row-major.
package struct MatrixView {
    let start: UnsafePointer<Float>
    let rows: Int
    let columns: Int
    /// Numbers from one row to the next.
    let stride: Int

    /// - Parameter stride: `columns` where absent.
    package init(_ numbers: UnsafeBufferPointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
        let stride = stride ?? columns
        // What is multiplied below is read without further checks.
        precondition(rows > 0 && columns > 0 && stride >= columns)
        precondition(numbers.count >= (rows - 1) * stride + columns)
        guard let start = numbers.baseAddress else { preconditionFailure("a matrix without numbers") }
        (self.start, self.rows, self.columns, self.stride) = (start, rows, columns, stride)
    }
}

extension LinearAlgebra {
    /// product ← left · right, either turned where that is said.
    ///
    /// - Parameter stride: numbers from one row of the product to the next; the columns of the product where absent.
    package func multiply(
        _ left: MatrixView, leftTurned isLeftTurned: Bool = false, _ right: MatrixView,
        rightTurned isRightTurned: Bool = false, into product: UnsafeMutableBufferPointer<Float>,
        stride: Int? = nil
    ) {
        let (rows, inner) = isLeftTurned ? (left.columns, left.rows) : (left.rows, left.columns)
        let (rightRows, columns) =
            isRightTurned ? (right.columns, right.rows) : (right.rows, right.columns)
        let stride = stride ?? columns
        precondition(inner == rightRows && stride >= columns)
        precondition(product.count >= (rows - 1) * stride + columns)
        guard let start = product.baseAddress else { return }
        cblas_sgemm(
            CblasRowMajor, isLeftTurned ? CblasTrans : CblasNoTrans,
            isRightTurned ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(inner), 1, left.start, blasint(left.stride),
            right.start,
            blasint(right.stride), 0, start, blasint(stride))
    }
}
