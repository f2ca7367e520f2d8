/// Which path serves a query: by how many rows the filter leaves, by the catalogue's size and by what is asked for.
struct ScanPlan {
    let limit: Int
    let query: PreparedQuery
    let rule: ScoreRule
    let filter: ItemFilter
    let columns: IndexColumns
    let allowed: AllowedItems
    private let path: ScanPath
    private let coarseFrom: Int

    /// A row taken by itself costs about as much as 16 of a scan over codes: it misses the cache.
    private static let gatherShare = 16
    /// Below this a pass over the floats is over before the codes' bookkeeping pays.
    private static let codeScanRowsMin = 512

    init(
        limit: Int, query: PreparedQuery, order: ScoreOrder, filter: ItemFilter, columns: IndexColumns,
        path wanted: ScanPath?, coarseFrom: Int = CoarseUse.bytesMin
    ) {
        self.limit = limit
        self.coarseFrom = coarseFrom
        self.query = query
        rule = ScoreRule(order, query)
        self.filter = filter
        self.columns = columns
        let fewMax = wanted == .gather ? columns.count : columns.count / Self.gatherShare
        allowed = filter.resolve(count: columns.count, fewMax: fewMax)
        path = wanted ?? Self.choose(limit: limit, columns: columns, allowed: allowed)
    }

    private static func choose(
        limit: Int, columns: IndexColumns, allowed: AllowedItems
    ) -> ScanPath {
        if case .few = allowed { return .gather }
        // Who asks for a good part of the catalogue has most rows worked out from their floats anyway.
        let isSelective = limit < allowed.count / 16
        let paysOff = columns.kernel.beatsFloats && columns.count >= codeScanRowsMin && isSelective
        return paysOff ? .int8 : .exactFloat
    }

    /// The scan over codes, if that is the path; queries that are zero, not finite or extreme in size have none.
    var codeScan: CodeScan? {
        guard limit > 0, let bounds else { return nil }
        return CodeScan(
            limit: limit, bounds: bounds, filter: filter, coarseFrom: coarseFrom)
    }

    /// What codes tell, on that path.
    var bounds: ScoreBounds? {
        guard path == .int8 || path == .pruned, let code = query.code else { return nil }
        return ScoreBounds(rule, code, columns)
    }

    /// By any other path.
    func scanFloats() -> TopAnswer {
        switch (path, allowed) {
        case (.reference, _):
            return TopAnswer(candidates: referenceScan(), path: .reference, allowed: allowed.count)
        case (_, .few(let rows)):
            return TopAnswer(candidates: gather(rows), path: .gather, allowed: rows.count)
        case (_, .many(let count)):
            return TopAnswer(candidates: scanAll(), path: .exactFloat, allowed: count)
        }
    }

    private func gather(_ rows: [Int32]) -> [Candidate] {
        let (rule, columns) = (rule, columns)
        var best = TopItems(limit: max(0, limit))
        for row in rows {
            let score = rule.score(Int(row), in: columns)
            // NaN fails the comparison.
            if score > best.threshold, score.isFinite { best.offer(Candidate(row: row, score: score)) }
        }
        return best.bestFirst()
    }

    private func scanAll() -> [Candidate] {
        let (rule, columns, filter) = (rule, columns, filter)
        var best = TopItems(limit: max(0, limit))
        for row in 0..<columns.count {
            let score = rule.score(row, in: columns)
            // The filter is asked only for what would enter.
            if score > best.threshold, score.isFinite, filter.allows(row) {
                best.offer(Candidate(row: Int32(row), score: score))
            }
        }
        return best.bestFirst()
    }

    /// Every allowed row's score, sorted: nothing clever, so that it can be believed.
    private func referenceScan() -> [Candidate] {
        let (rule, columns) = (rule, columns)
        let scored = (0..<columns.count).filter { filter.allows($0) }
            .map { Candidate(row: Int32($0), score: rule.score($0, in: columns)) }
        return Array(scored.filter { $0.score.isFinite }.sorted(by: >).prefix(max(0, limit)))
    }
}
