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

    private struct Pending {
        let row: Int32
        let upper: Float
    }

    private static let chunkBlocksMax = 64
    /// Rows that wait to be worked out, at most.
    private static let pendingMax = 1024

    init(limit: Int, bounds: ScoreBounds, filter: ItemFilter) {
        self.limit = limit
        self.bounds = bounds
        self.filter = filter
        surely = GreatestFloats(limit: limit)
        best = TopItems(limit: limit)
        pending.reserveCapacity(256)
    }

    /// Calls `body` with the parts of the catalogue that are scanned with the same limits: small at first, while the
    /// threshold still rises.
    @inline(__always)
    static func forEachChunk(of blocks: Int, _ body: (Range<Int>) -> Void) {
        var (start, size) = (0, 8)
        while start < blocks {
            body(start..<min(blocks, start + size))
            (start, size) = (start + size, min(size * 2, chunkBlocksMax))
        }
    }

    mutating func run() {
        Self.forEachChunk(of: bounds.columns.blockCount) { advance(over: $0) }
    }

    private var threshold: Float { max(surely.least, best.threshold) }

    mutating func advance(over blocks: Range<Int>) {
        let (columns, query) = (bounds.columns, bounds.code.codes)
        let first = blocks.lowerBound * CodeKernel.rowsPerBlock
        let codes = columns.codes.base + first * columns.factors
        let rows = blocks.count * CodeKernel.rowsPerBlock
        let isCosine = bounds.rule.order == .cosine
        let ones = SIMD16<Float>(repeating: 1)
        // Limits are written eight at a time.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: blocks.count + 7) { limits in
            withUnsafeTemporaryAllocation(of: code_product.self, capacity: rows) { found in
                guard let limits = limits.baseAddress, let found = found.baseAddress else { return }
                bounds.setLimits(limits, of: blocks, threshold: threshold)
                for place in 0..<blocks.count where limits[place] == .infinity { skipped += 1 }
                let possible = withUnsafeBytes(of: ones) { ones in
                    let same = ones.bindMemory(to: Float.self).baseAddress
                    let own = UnsafePointer(columns.scales.base + first)
                    return columns.kernel.scan(
                        codes: codes, factors: columns.factors, query: query,
                        scales: isCosine ? same ?? own : own, unscaled: isCosine, limits: limits,
                        blocks: blocks.count, found: found)
                }
                for item in possible { take(first + Int(item.row), product: item.product) }
            }
        }
    }

    @inline(__always)
    private mutating func take(_ row: Int, product: Int32) {
        // The last block need not be full.
        guard row < bounds.columns.count else { return }
        let (lower, upper) = bounds.interval(row, product: product)
        // Written so that a bound that is no number rules nothing out. The filter is asked last: it costs most.
        if upper <= threshold || !filter.allows(row) { return }
        surely.offer(lower)
        pending.append(Pending(row: Int32(row), upper: upper))
        if pending.count == Self.pendingMax { workOut() }
    }

    /// Exact scores for those that are still among the possible.
    private mutating func workOut() {
        let rule = bounds.rule
        for candidate in pending where !(candidate.upper < threshold) {
            let score = rule.score(Int(candidate.row), in: bounds.columns)
            if score.isFinite { best.offer(Candidate(row: candidate.row, score: score)) }
        }
        pending.removeAll(keepingCapacity: true)
    }

    consuming func finish(allowed: Int) -> TopAnswer {
        workOut()
        let path: ScanPath = skipped * 2 >= max(1, bounds.columns.blockCount) ? .pruned : .int8
        return TopAnswer(candidates: best.bestFirst(), path: path, allowed: allowed)
    }
}

/// The greatest `limit` of the numbers offered: a binary heap with the least on top.
struct GreatestFloats {
    private let limit: Int
    private var heap: [Float] = []

    init(limit: Int) {
        self.limit = limit
        heap.reserveCapacity(min(limit, 64))
    }

    /// The least of them; −∞ while there are fewer than `limit`.
    var least: Float { heap.count == limit ? heap[0] : -.infinity }

    mutating func offer(_ value: Float) {
        // NaN and −∞ say nothing and would only stand in the way.
        guard value > -.infinity else { return }
        if heap.count < limit {
            heap.append(value)
            rise(from: heap.count - 1)
        } else if value > heap[0] {
            heap[0] = value
            sink()
        }
    }

    private mutating func rise(from place: Int) {
        var place = place
        while place > 0, heap[(place - 1) / 2] > heap[place] {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = 2 * place + 1
            guard least < heap.count else { return }
            if least + 1 < heap.count, heap[least + 1] < heap[least] { least += 1 }
            guard heap[least] < heap[place] else { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
