internal import CKernels

/// Where one item stands among all that may be answered.
public struct Standing: Sendable, Equatable {
    /// `query`·q_i.
    public var product: Float
    /// b_i.
    public var bias: Float
    /// Allowed items that come before this one.
    public var better: Int
    /// The score of the last of the best `depth` allowed items; `nil` while there are fewer.
    public var bar: Float?

    public init(product: Float, bias: Float, better: Int, bar: Float? = nil) {
        (self.product, self.bias, self.better, self.bar) = (product, bias, better, bar)
    }

    /// As `IndexView.top` has it, to the last bit.
    public var score: Float { product + bias }
}

extension IndexView {
    /// Counts the items that `top` would answer before this one, allowed or not itself: from codes where they tell, from
    /// floats where they do not.
    ///
    /// - Parameter path: `.reference` looks at every row's floats; else as `answer`.
    /// - Returns: `nil` for a row that is not published, or whose score is not finite.
    public func standing(
        of row: Int, depth: Int, query: [Float], filter: ItemFilter, path: ScanPath? = nil
    ) -> Standing? {
        guard row >= 0, row < count else { return nil }
        let prepared = PreparedQuery(query, factors: factors)
        return withExtendedLifetime(prepared) {
            let product = ScoreRule(.dot, prepared).score(row, in: columns)
            var standing = Standing(product: product, bias: biases[row], better: 0)
            guard standing.score.isFinite else { return nil }
            let item = Candidate(row: Int32(row), score: standing.score)
            let plan = ScanPlan(
                limit: depth, query: prepared, order: .inner, filter: filter, columns: columns, path: path)
            if var scan = plan.codeScan, let bounds = plan.bounds, filter.isExclusion {
                scan.run()
                let best = scan.finish(allowed: plan.allowed.count).candidates
                standing.bar = best.count == depth ? best.last?.score : nil
                standing.better = StandingCount(bounds: bounds, filter: filter, item: item).run()
            } else {
                plan.rank(item, into: &standing)
            }
            return standing
        }
    }
}

extension ScanPlan {
    /// Looks at the floats of every allowed row.
    fileprivate func rank(_ item: Candidate, into standing: inout Standing) {
        let (rule, columns, filter) = (rule, columns, filter)
        var best = TopItems(limit: limit)
        func look(_ row: Int, isAllowed: Bool) {
            let other = Candidate(row: Int32(row), score: rule.score(row, in: columns))
            let isBetter = item < other
            // The filter is asked only where its answer changes something.
            guard isBetter || other.score > best.threshold, other.score.isFinite,
                isAllowed || filter.allows(row)
            else { return }
            if isBetter { standing.better += 1 }
            best.offer(other)
        }
        if case .few(let rows) = allowed {
            for row in rows { look(Int(row), isAllowed: true) }
        } else {
            for row in 0..<columns.count { look(row, isAllowed: false) }
        }
        standing.bar = best.isFull ? best.threshold : nil
    }
}

/// Counts the items that come before one, from their codes.
private struct StandingCount {
    let bounds: ScoreBounds
    let filter: ItemFilter
    let item: Candidate

    /// How many.
    func run() -> Int {
        var better = 0
        // No item is looked at for being among the first, so that all parts may be long ones.
        CodeScan.forEachChunk(of: bounds.columns.blockCount, limit: .max, longest: 512) { blocks, room in
            better += count(blocks, room)
        }
        return better
    }

    private func count(_ blocks: Range<Int>, _ room: CodeScan.Room) -> Int {
        let (columns, first) = (bounds.columns, blocks.lowerBound * CodeKernel.rowsPerBlock)
        // An equal score comes before this one where its row does: only what is less is ruled out.
        bounds.setLimits(room.limits, of: blocks, threshold: item.score.nextDown)
        var codes = columns.planes(of: blocks)
        var limits = bounds.codeLimits(of: blocks, room.limits, coarse: nil)
        var terms = bounds.standingTerms(item.score)
        let counts = filter.excluded.withWords { words, number in
            let skipped = min(number, first / 64)
            var rows = standing_columns(
                residuals: columns.residuals.base + first, norms: columns.norms.base + first,
                biases: columns.biases.base + first, excluded: words + skipped,
                excluded_words: number - skipped)
            return columns.kernel.count(
                &codes, query: bounds.code.codes, &limits, &terms, &rows, found: room.found)
        }
        return counts.above + lookAt(counts.unsure, from: first, room)
    }

    /// Those of which the codes do not tell, by their floats.
    private func lookAt(_ number: Int, from first: Int, _ room: CodeScan.Room) -> Int {
        let (rule, columns, ahead) = (bounds.rule, bounds.columns, 8)
        var better = 0
        for place in 0..<number {
            if place + ahead < number {
                let next = first + Int(room.found.rows[place + ahead])
                if next < columns.count { columns.prefetchLanes(next) }
            }
            let row = first + Int(room.found.rows[place])
            // The last block need not be full.
            guard row < columns.count else { break }
            let other = Candidate(row: Int32(row), score: rule.score(row, in: columns))
            if item < other, other.score.isFinite { better += 1 }
        }
        return better
    }
}
