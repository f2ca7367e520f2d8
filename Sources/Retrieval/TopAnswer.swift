/// How an answer was found. All give the same answer to the last bit.
public enum ScanPath: String, Sendable, CaseIterable {
    /// Every row's score from its floats, sorted: what the others are tested against.
    case reference
    /// Every row's score from its floats.
    case exactFloat = "exact-float"
    /// Bounds from 8-bit codes, then the floats of the few rows that may be among the best.
    case int8
    /// The same, where norms alone ruled out at least half of the catalogue.
    case pruned
    /// The floats of the rows that the filter allows, because they are few.
    case gather
}

/// The best items, and how they were found.
public struct TopAnswer: Sendable, Equatable {
    /// Best first.
    public var candidates: [Candidate]
    public var path: ScanPath
    /// Items that the filter allowed. Fewer candidates than were asked for means that there are no more of them, or
    /// that scores of the rest are not finite.
    public var allowed: Int
}

extension IndexView {
    /// The best `limit` items by `order`, exact, by whichever path is the fastest. A score that is not finite is never
    /// answered; of equal scores the lower row comes first.
    ///
    /// - Parameter path: to hold it to one path, for tests and measurements.
    public func answer(
        _ limit: Int, query: [Float], order: ScoreOrder = .inner, filter: ItemFilter, path: ScanPath? = nil
    ) -> TopAnswer {
        answer(
            limit, query: query, order: order, filter: filter, path: path, coarseFrom: CoarseUse.bytesMin)
    }

    /// - Parameter coarseFrom: bytes of codes from which on the coarse ones are asked first.
    func answer(
        _ limit: Int, query: [Float], order: ScoreOrder, filter: ItemFilter, path: ScanPath?,
        coarseFrom: Int
    ) -> TopAnswer {
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) {
            let plan = ScanPlan(
                limit: limit, query: prepared, order: order, filter: filter, columns: columns, path: path,
                coarseFrom: coarseFrom)
            guard var scan = plan.codeScan else { return plan.scanFloats() }
            scan.run()
            return scan.finish(allowed: plan.allowed.count)
        }
    }

    /// The answers to several queries by `q`·q_i + b_i, each with a filter of its own. The codes are read once for
    /// all: a part of them at a time, which then stays in the cache.
    public func top(_ limit: Int, queries: [[Float]], filters: [ItemFilter]) -> [TopAnswer] {
        precondition(queries.count == filters.count, "\(queries.count) queries, \(filters.count) filters")
        let prepared = queries.map { PreparedQuery($0, factors: factors) }
        return withExtendedLifetime(prepared) {
            let plans = zip(prepared, filters).map { query, filter in
                ScanPlan(
                    limit: limit, query: query, order: .inner, filter: filter, columns: columns, path: nil)
            }
            var scans = plans.map(\.codeScan)
            CodeScan.forEachChunk(of: columns.blockCount, limit: limit, longest: 64) { blocks, room in
                for index in scans.indices { scans[index]?.advance(over: blocks, room) }
            }
            return plans.indices.map { index in
                scans[index]?.finish(allowed: plans[index].allowed.count) ?? plans[index].scanFloats()
            }
        }
    }

    /// The best `limit` items by `query`·q_i + b_i, exact.
    public func top(_ limit: Int, query: [Float], filter: ItemFilter) -> [Candidate] {
        answer(limit, query: query, filter: filter).candidates
    }

    /// The nearest items to `vector`: cosine and dot product, greatest first; Euclidean distance, least first.
    public func nearest(
        _ limit: Int, to vector: [Float], metric: SimilarityMetric, filter: ItemFilter
    ) -> [Candidate] {
        nearestAnswer(limit, to: vector, metric: metric, filter: filter).candidates
    }

    /// As `nearest`, with how it was found.
    public func nearestAnswer(
        _ limit: Int, to vector: [Float], metric: SimilarityMetric, filter: ItemFilter
    ) -> TopAnswer {
        let order: ScoreOrder =
            switch metric {
            case .dot: .dot
            case .cosine: .cosine
            case .euclidean: .euclidean
            }
        var answer = answer(limit, query: vector, order: order, filter: filter)
        if metric == .euclidean {
            answer.candidates = answer.candidates.map { Candidate(row: $0.row, score: -$0.score) }
        }
        return answer
    }
}

public enum SimilarityMetric: Sendable { case cosine, dot, euclidean }
