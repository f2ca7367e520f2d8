internal import CKernels

/// One query's pass over the codes: keeps the rows whose bounds say that they may be among the best, and works out the
/// floats of those alone.
///
/// Two thresholds rule rows out. `surely` holds the greatest lower bounds seen: `limit` rows score at least its least.
/// `best` holds exact scores, of the rows that were worked out when `pending` was full. Rows come in ascending order,
/// so a row whose upper bound only equals a threshold loses to the rows that set it.
struct CodeScan {
    private let bounds: ScoreBounds
    private let filter: ItemFilter
    private let limit: Int
    private var surely: GreatestFloats
    private var best: TopItems
    private var pending: [Pending] = []
    private var skipped = 0
    private var coarse: CoarseUse
    /// The greater of the two thresholds.
    private var threshold = -Float.infinity

    private struct Pending {
        let row: Int32
        let upper: Float
    }

    /// Rows that wait to be worked out, at most.
    private static let pendingMax = 1024

    init(limit: Int, bounds: ScoreBounds, filter: ItemFilter, coarseFrom: Int) {
        self.limit = limit
        let bytes = bounds.columns.count * bounds.columns.factors
        coarse = CoarseUse(isWorthIt: bytes >= coarseFrom)
        self.bounds = bounds
        self.filter = filter
        surely = GreatestFloats(limit: limit)
        best = TopItems(limit: limit)
        pending.reserveCapacity(256)
    }

    /// Calls `body` with the parts of the catalogue that are scanned with the same limits, and with room for what a
    /// pass over one of them writes. The first has about twice the rows that are asked for, because all of its rows are
    /// looked at; each has twice as many as the one before: in one as long as all before it as many rows come above
    /// their threshold as were asked for.
    ///
    /// - Parameter longest: of a part, in blocks.
    @inline(__always)
    static func forEachChunk(
        of blocks: Int, limit: Int, longest: Int, _ body: (Range<Int>, Room) -> Void
    ) {
        let longest = min(longest, blocks)
        let rows = (longest + 1) * CodeKernel.rowsPerBlock
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * longest) { limits in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * rows + longest) { found in
                guard let limits = limits.baseAddress, let found = found.baseAddress else { return }
                let blockRoom = UnsafeMutableRawPointer(found + 2 * rows)
                    .bindMemory(to: UInt32.self, capacity: longest)
                let room = Room(
                    limits: limits, coarseLimits: limits + longest,
                    found: code_room(rows: found, products: found + rows, blocks: blockRoom))
                var (start, size) = (0, max(2, min(limit, rows) / (CodeKernel.rowsPerBlock / 2)))
                while start < blocks {
                    size = min(size, longest, blocks - start)
                    body(start..<start + size, room)
                    (start, size) = (start + size, min(longest, size) * 2)
                }
            }
        }
    }

    /// What a pass over the codes writes: two limits for each block, and what is found.
    struct Room {
        let limits: UnsafeMutablePointer<Float>
        let coarseLimits: UnsafeMutablePointer<Float>
        let found: code_room
    }

    mutating func run() {
        Self.forEachChunk(of: bounds.columns.blockCount, limit: limit, longest: 512) { advance(over: $0, $1) }
    }

    @inline(__always)
    mutating func advance(over blocks: Range<Int>, _ room: Room) {
        let (bounds, columns) = (bounds, bounds.columns)
        let first = blocks.lowerBound * CodeKernel.rowsPerBlock
        let isCoarse = coarse.next(threshold: threshold)
        bounds.setLimits(room.limits, of: blocks, threshold: threshold)
        if isCoarse { bounds.setLimits(room.coarseLimits, of: blocks, threshold: threshold, coarse: true) }
        var codes = columns.planes(of: blocks)
        var limits = bounds.codeLimits(
            of: blocks, room.limits, coarse: isCoarse ? UnsafePointer(room.coarseLimits) : nil)
        let findings = columns.kernel.scan(
            &codes, query: bounds.code.codes, &limits, found: room.found)
        skipped += findings.skipped
        if isCoarse { coarse.learn(opened: findings.opened, of: blocks.count - findings.skipped) }
        for place in 0..<findings.count {
            let row = first + Int(room.found.rows[place])
            // The last block need not be full.
            guard row < columns.count else { break }
            let (lower, upper) = bounds.interval(row, product: room.found.products[place])
            take(row, lower: lower, upper: upper)
        }
    }

    @inline(__always)
    private mutating func take(_ row: Int, lower: Float, upper: Float) {
        // Written so that a bound that is no number rules nothing out. The filter is asked last: it costs most.
        if upper <= threshold || !filter.allows(row) { return }
        surely.offer(lower)
        threshold = max(threshold, surely.least)
        pending.append(Pending(row: Int32(row), upper: upper))
        if pending.count == Self.pendingMax { workOut() }
    }

    /// Exact scores for those that are still among the possible.
    private mutating func workOut() {
        let (rule, columns) = (bounds.rule, bounds.columns)
        pending.removeAll { $0.upper < threshold }
        for candidate in pending { columns.prefetchLanes(Int(candidate.row)) }
        for candidate in pending where !(candidate.upper < threshold) {
            let score = rule.score(Int(candidate.row), in: columns)
            if score.isFinite { best.offer(Candidate(row: candidate.row, score: score)) }
            threshold = max(threshold, best.threshold)
        }
        pending.removeAll(keepingCapacity: true)
    }

    consuming func finish(allowed: Int) -> TopAnswer {
        workOut()
        let path: ScanPath = skipped * 2 >= max(1, bounds.columns.blockCount) ? .pruned : .int8
        return TopAnswer(candidates: best.bestFirst(), path: path, allowed: allowed)
    }
}

/// Whether the coarse codes are asked first. They save memory traffic and no arithmetic: not where the codes stay in the
/// cache next to the processor, nor where most blocks have to be opened all the same. Then they are passed over once,
/// twice, four times as many parts before they are tried again.
struct CoarseUse {
    /// Bytes of codes.
    static let bytesMin = 2 << 20

    private let isWorthIt: Bool
    private var pause = 0
    private var left = 0

    init(isWorthIt: Bool) { self.isWorthIt = isWorthIt }

    mutating func next(threshold: Float) -> Bool {
        guard isWorthIt, threshold > -.infinity else { return false }
        left -= 1
        return left < 0
    }

    mutating func learn(opened: Int, of blocks: Int) {
        pause = opened * 2 > blocks ? max(1, pause * 2) : 0
        left = pause
    }
}

/// The greatest `limit` of the numbers offered: a binary heap with the least on top.
struct GreatestFloats {
    private let limit: Int
    private var heap: [Float] = []
    /// The least of them; −∞ while there are fewer than `limit`.
    private(set) var least = -Float.infinity

    init(limit: Int) {
        self.limit = limit
        heap.reserveCapacity(min(limit, 64))
    }

    @inline(__always)
    mutating func offer(_ value: Float) {
        // NaN and −∞ say nothing and would only stand in the way.
        guard value > least else { return }
        if heap.count < limit { insert(value) } else { replaceLeast(with: value) }
    }

    private mutating func insert(_ value: Float) {
        var place = heap.count
        heap.append(value)
        while place > 0, heap[(place - 1) / 2] > value {
            heap[place] = heap[(place - 1) / 2]
            place = (place - 1) / 2
        }
        heap[place] = value
        if heap.count == limit { least = heap[0] }
    }

    private mutating func replaceLeast(with value: Float) {
        least = heap.withUnsafeMutableBufferPointer { heap in
            var place = 0
            while true {
                var child = 2 * place + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < value else { break }
                heap[place] = heap[child]
                place = child
            }
            heap[place] = value
            return heap[0]
        }
    }
}
