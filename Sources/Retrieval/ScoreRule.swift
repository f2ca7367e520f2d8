/// By what items are compared with a query q. Greater is better, so distances are negative inside this room.
public enum ScoreOrder: String, Sendable, CaseIterable {
    /// q·q_i + b_i: what `RECOMMEND` answers.
    case inner
    /// q·q_i.
    case dot
    /// q·q_i / (‖q‖ ‖q_i‖); 0 where either is 0.
    case cosine
    /// −‖q − q_i‖.
    case euclidean
}

/// A query in lanes, as rows are, and in 8 bits.
///
/// Rules, bounds and scans point into it, so that nothing is counted in their loops; who makes one keeps it alive until
/// they are done. Immutable once made, which is what `@unchecked Sendable` stands on.
final class PreparedQuery: @unchecked Sendable {
    let lanes: UnsafePointer<SIMD8<Float>>
    /// ‖q‖ in float32, worked out as the rows' are.
    let norm: Float
    let code: QueryCode?

    init(_ query: [Float], factors: Int) {
        precondition(query.count == factors, "the query has \(query.count) factors, the index \(factors)")
        let copy = UnsafeMutablePointer<SIMD8<Float>>.allocate(capacity: factors / 8)
        query.withUnsafeBytes { bytes in
            UnsafeMutableRawPointer(copy).copyMemory(
                from: bytes.baseAddress ?? UnsafeRawPointer(copy), byteCount: bytes.count)
        }
        lanes = UnsafePointer(copy)
        norm = canonicalDot(lanes, lanes, factors / 8).squareRoot()
        code = QueryCode(query)
    }

    deinit {
        lanes.deallocate()
        code?.codes.deallocate()
    }
}

/// The one definition of a score. Every path answers what this works out, so that they agree to the last bit.
struct ScoreRule {
    let order: ScoreOrder
    let lanes: UnsafePointer<SIMD8<Float>>
    let queryNorm: Float

    init(_ order: ScoreOrder, _ query: PreparedQuery) {
        self.order = order
        lanes = query.lanes
        queryNorm = query.norm
    }

    /// May be NaN or infinite: then it is never answered.
    @inline(__always)
    func score(_ row: Int, in columns: IndexColumns) -> Float {
        let (other, laneCount) = (columns.lanes(row), columns.laneCount)
        switch order {
        case .inner: return canonicalDot(lanes, other, laneCount) + columns.biases[row]
        case .dot: return canonicalDot(lanes, other, laneCount)
        case .euclidean: return -canonicalDistance(lanes, other, laneCount)
        case .cosine:
            let scale = queryNorm * columns.norms[row]
            return scale == 0 ? 0 : canonicalDot(lanes, other, laneCount) / scale
        }
    }
}
