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

/// A query in lanes, as rows are.
struct PreparedQuery {
    let lanes: [SIMD8<Float>]
    /// ‖q‖ in float32, worked out as the rows' are.
    let norm: Float

    init(_ query: [Float], factors: Int) {
        precondition(query.count == factors, "the query has \(query.count) factors, the index \(factors)")
        let lanes = query.withUnsafeBytes { bytes in
            (0..<factors / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 32, as: SIMD8<Float>.self) }
        }
        self.lanes = lanes
        norm = lanes.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { canonicalDot($0, $0, buffer.count).squareRoot() } ?? 0
        }
    }
}

/// The one definition of a score. Every path answers what this works out, so that they agree to the last bit.
struct ScoreRule {
    let order: ScoreOrder
    let query: PreparedQuery

    init(_ order: ScoreOrder, _ query: PreparedQuery) {
        self.order = order
        self.query = query
    }

    /// May be NaN or infinite: then it is never answered.
    @inline(__always)
    func score(_ row: Int, in columns: IndexColumns) -> Float {
        query.lanes.withUnsafeBufferPointer { lanes in
            guard let start = lanes.baseAddress else { return .nan }
            return score(row, start, in: columns)
        }
    }

    @inline(__always)
    func score(_ row: Int, _ lanes: UnsafePointer<SIMD8<Float>>, in columns: IndexColumns) -> Float {
        let (other, laneCount) = (columns.lanes(row), columns.factors / 8)
        switch order {
        case .inner: return canonicalDot(lanes, other, laneCount) + columns.biases[row]
        case .dot: return canonicalDot(lanes, other, laneCount)
        case .euclidean: return -canonicalDistance(lanes, other, laneCount)
        case .cosine:
            let scale = query.norm * columns.norms[row]
            return scale > 0 ? canonicalDot(lanes, other, laneCount) / scale : 0
        }
    }
}
