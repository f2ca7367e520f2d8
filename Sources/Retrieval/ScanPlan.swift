/// Which path serves a query: by how many rows the filter leaves, by the catalogue's size and by what is asked for.
struct ScanPlan {
    let limit: Int
    let rule: ScoreRule
    let filter: ItemFilter
    let columns: IndexColumns
    let allowed: AllowedItems
    private let path: ScanPath

    /// A row taken by itself costs about as much as 16 of a scan over codes: it misses the cache.
    private static let gatherShare = 16
    /// Below this a pass over the floats is over before the codes' bookkeeping pays.
    private static let codeScanRowsMin = 512

    init(limit: Int, rule: ScoreRule, filter: ItemFilter, columns: IndexColumns, path wanted: ScanPath?) {
        self.limit = limit
        self.rule = rule
        self.filter = filter
        self.columns = columns
        let fewMax = wanted == .gather ? columns.count : columns.count / Self.gatherShare
        allowed = filter.resolve(count: columns.count, fewMax: fewMax)
        path = wanted ?? Self.choose(limit: limit, rule: rule, columns: columns, allowed: allowed)
    }

    private static func choose(
        limit: Int, rule: ScoreRule, columns: IndexColumns, allowed: AllowedItems
    ) -> ScanPath {
        if case .few = allowed { return .gather }
        // Who asks for a good part of the catalogue has most rows worked out from their floats anyway.
        let isSelective = limit < allowed.count / 16
        let paysOff = columns.kernel.beatsFloats && columns.count >= codeScanRowsMin && isSelective
        return paysOff ? .int8 : .exactFloat
    }

    /// The scan over codes, if that is the path; queries that are zero, not finite or extreme in size have none.
    var codeScan: CodeScan? {
        guard limit > 0, path == .int8 || path == .pruned, let code = QueryCode(rule.query) else {
            return nil
        }
        return CodeScan(limit: limit, bounds: ScoreBounds(rule, code, columns), filter: filter)
    }

    func scanFloats() -> TopAnswer {
        if path == .reference {
            return TopAnswer(candidates: referenceScan(), path: .reference, allowed: allowed.count)
        }
        var best = TopItems(limit: limit)
        var served = ScanPath.exactFloat
        rule.query.lanes.withUnsafeBufferPointer { lanes in
            guard limit > 0, let lanes = lanes.baseAddress else { return }
            func offer(_ row: Int, unless isForbidden: (Int) -> Bool) {
                let score = rule.score(row, lanes, in: columns)
                // The filter is asked only for what would enter; NaN fails the comparison.
                guard score > best.threshold, score.isFinite, !isForbidden(row) else { return }
                best.offer(Candidate(row: Int32(row), score: score))
            }
            if case .few(let rows) = allowed {
                served = .gather
                for row in rows { offer(Int(row)) { _ in false } }
            } else {
                for row in 0..<columns.count { offer(row) { !filter.allows($0) } }
            }
        }
        return TopAnswer(candidates: best.bestFirst(), path: served, allowed: allowed.count)
    }

    /// Every allowed row's score, sorted: nothing clever, so that it can be believed.
    private func referenceScan() -> [Candidate] {
        let scored = (0..<columns.count).filter { filter.allows($0) }
            .map { Candidate(row: Int32($0), score: rule.score($0, in: columns)) }
        return Array(scored.filter { $0.score.isFinite }.sorted(by: >).prefix(max(0, limit)))
    }
}
