internal import Factors
internal import HeapModule

/// An item row and its score.
public struct Candidate: Sendable, Equatable, Comparable {
    public let row: Int32
    public let score: Float

    public init(row: Int32, score: Float) {
        self.row = row
        self.score = score
    }

    /// Worse first; of equal scores the lower row is better, so that an answer is always the same.
    public static func < (left: Candidate, right: Candidate) -> Bool {
        left.score != right.score ? left.score < right.score : left.row > right.row
    }
}

/// Keeps the best `limit` of the candidates offered.
struct TopItems {
    private let limit: Int
    private var heap = Heap<Candidate>()

    init(limit: Int) { self.limit = limit }

    var isFull: Bool { heap.count >= limit }

    /// A score at or below this cannot enter.
    private(set) var threshold = -Float.infinity

    mutating func offer(_ candidate: Candidate) {
        if heap.count < limit {
            heap.insert(candidate)
        } else if let worst = heap.min, worst < candidate {
            heap.replaceMin(with: candidate)
        } else {
            return
        }
        if heap.count == limit, let worst = heap.min { threshold = worst.score }
    }

    func bestFirst() -> [Candidate] { heap.unordered.sorted(by: >) }
}

extension IndexView {
    /// The best `limit` items by `query`·q_i + b_i, exact. A score that is not finite is never answered.
    public func top(_ limit: Int, query: [Float], filter: ItemFilter) -> [Candidate] {
        scan(limit, query: query, filter: filter) { start, products in
            for index in products.indices { products[index] += biases[start + index] }
        }
    }

    /// The nearest items to `vector`: cosine and dot product, greatest first; Euclidean distance, least first.
    public func nearest(
        _ limit: Int, to vector: [Float], metric: SimilarityMetric, filter: ItemFilter
    ) -> [Candidate] {
        let squared = vector.reduce(0) { $0 + $1 * $1 }
        let norm = squared.squareRoot()
        switch metric {
        case .dot:
            return scan(limit, query: vector, filter: filter) { _, _ in }
        case .cosine:
            return scan(limit, query: vector, filter: filter) { start, products in
                for index in products.indices {
                    let scale = norm * norms[start + index]
                    products[index] = scale > 0 ? products[index] / scale : 0
                }
            }
        case .euclidean:
            let nearest = scan(limit, query: vector, filter: filter) { start, products in
                for index in products.indices {
                    let norm = norms[start + index]
                    products[index] = -max(0, squared + norm * norm - 2 * products[index]).squareRoot()
                }
            }
            return nearest.map { Candidate(row: $0.row, score: -$0.score) }
        }
    }

    /// The items with the greatest bias, or with the least. One that nobody took (`popularity`) has a bias that says
    /// nothing of it, and is left out.
    public func byBias(_ limit: Int, leastFirst: Bool, filter: ItemFilter) -> [Candidate] {
        let sign: Float = leastFirst ? -1 : 1
        var best = TopItems(limit: limit)
        for row in 0..<count where popularity[row].popular > -.infinity {
            let value = sign * biases[row]
            if value > best.threshold, value.isFinite, filter.allows(row) {
                best.offer(Candidate(row: Int32(row), score: value))
            }
        }
        return best.bestFirst().map { Candidate(row: $0.row, score: sign * $0.score) }
    }

    /// The best by scores that `score` makes, in place, of the products of the rows from the given one on.
    private func scan(
        _ limit: Int, query: [Float], filter: ItemFilter,
        score: (Int, UnsafeMutableBufferPointer<Float>) -> Void
    ) -> [Candidate] {
        var best = TopItems(limit: limit)
        forEachBlock(query) { start, products in
            score(start, products)
            select(from: UnsafeBufferPointer(products), start: start, filter: filter, into: &best)
        }
        return best.bestFirst()
    }

    /// Offers what passes the threshold. Hardly any row does once the best are about right, so eight are looked at
    /// together.
    private func select(
        from scores: UnsafeBufferPointer<Float>, start: Int, filter: ItemFilter, into best: inout TopItems
    ) {
        func offer(_ index: Int) {
            let value = scores[index]
            // The filter is asked only for what would enter; NaN fails the comparison.
            if value > best.threshold, value.isFinite, filter.allows(start + index) {
                best.offer(Candidate(row: Int32(start + index), score: value))
            }
        }
        let bytes = UnsafeRawBufferPointer(scores)
        let inEights = scores.count & ~7
        for index in stride(from: 0, to: inEights, by: 8) {
            let eight = bytes.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
            guard any(eight .> best.threshold) else { continue }
            for offset in 0..<8 { offer(index + offset) }
        }
        for index in inEights..<scores.count { offer(index) }
    }

    /// 512 rows of 64 factors are 128 KiB: the scores are read while they are still in the cache.
    private static var blockRows: Int { 512 }

    /// Calls `body` with each block's first row and its inner products with `query`.
    @inline(__always)
    func forEachBlock(_ query: [Float], _ body: (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        let algebra = LinearAlgebra()
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.blockRows) { products in
            guard let base = products.baseAddress else { return }
            for start in stride(from: 0, to: count, by: Self.blockRows) {
                let rows = min(Self.blockRows, count - start)
                algebra.multiply(
                    matrix: vectors + start * factors, rows: rows, factors: factors, vector: query,
                    scores: base)
                body(start, UnsafeMutableBufferPointer(start: base, count: rows))
            }
        }
    }

    /// The inner product of one row, to the last bit as `forEachBlock` has it: what the kernel rounds may depend on the
    /// row's place in its block, so the whole block is worked out.
    func blockProduct(_ row: Int, _ query: [Float]) -> Float {
        precondition(row >= 0 && row < count && query.count == factors)
        let start = row - row % Self.blockRows
        let rows = min(Self.blockRows, count - start)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: rows) { products in
            guard let base = products.baseAddress else { return .nan }
            LinearAlgebra().multiply(
                matrix: vectors + start * factors, rows: rows, factors: factors, vector: query, scores: base)
            return base[row - start]
        }
    }
}

public enum SimilarityMetric: Sendable { case cosine, dot, euclidean }
