internal import Blending
internal import Counting
internal import Factors
internal import Learners
internal import State

/// What the parts of a blend put first at one event, as a look-up would ask them, and where the item that was taken stands
/// with each.
struct BlendProposals {
    /// Items that any part proposes, ascending, each once.
    private(set) var rows: [Int32] = []
    /// How many items of the catalogue each stands for: those of a part that was not asked for all items stand for others.
    private(set) var weights: [Float] = []
    /// By part whether the item is among its first ten (1 or 0).
    private(set) var hits: [Float] = []

    /// Items looked at of a part that gives a score to every item, at least.
    private static let lookedAtMin = 128

    /// The row, then the bits of what it stands for, which are in its order as it is above 0: numbers are sorted at once.
    private var proposed: [UInt64] = []
    private let limit: Int
    private let shards: Float

    /// - Parameters:
    ///   - leaders: of the blend's own counts.
    ///   - random: where a part's scores are looked through from.
    init(
        _ example: Example, _ context: borrowing LearningContext, _ blend: BlendState, _ parts: BlendedParts,
        leaders: inout CountLeaders, lease: borrowing RowLease, random: inout KeyedRandom
    ) {
        limit = blend.rule.options.candidates
        shards = Float(lease.assignment.shards)
        let counts = blend.counts
        if leaders.isStale {
            var held: [Int32] = []
            for row in 0..<counts.count where lease.holds(row) { held.append(Int32(row)) }
            leaders.rebuild(rows: held, blend.rule.rates) { counts[Int($0)] }
        }
        // Of what is taken most: what the user likes most of it is proposed too.
        var likedOfTaken: [Int32] = []
        // Where it stands in the order that stands in for what a part knows nothing of.
        var ownPlace: Int?
        for number in 0..<blend.rule.counts {
            var first: [Int32] = []
            let isAsked = number == 0 && parts.liking != nil
            for row in leaders.first(number, blend.rule.rates, all: { counts[Int($0)] }) {
                guard isAsked || first.count < limit else { break }
                if row < example.itemBound, lease.holds(Int(row)), context.mayBeShown(row, example) {
                    first.append(row)
                }
            }
            if isAsked { (likedOfTaken, first) = (first, Array(first.prefix(limit))) }
            let place = first.firstIndex(of: example.item)
            if number == 0 { ownPlace = place }
            note(rank: place.map { Float($0) * shards } ?? .infinity)
            propose(first, weight: shards)
        }
        if parts.liking != nil {
            look(example, context, lease: lease, random: &random, score: parts.liked)
            propose(likedOfTaken, by: parts.likedAndTaken)
        } else {
            // It orders as the first count does then.
            note(rank: ownPlace.map { Float($0) * shards } ?? .infinity)
        }
        takeNewcomers(example, context, parts, lease: lease, ownPlace: ownPlace)
        let weights = blend.served(in: parts.context)
        for (number, part) in parts.parts.enumerated() {
            switch part {
            case .personal(let scores, _):
                take(scores, example, context, lease: lease, ownPlace: ownPlace)
            case .rows(let user, let items, let past, let isProposing):
                let ratio = blend.rule.shape.pastRatio(blend.rule.own + number, weights)
                look(
                    example, context, lease: lease, random: &random,
                    beside: isProposing
                        ? { rows, scores in past?.add(ratio, of: rows, in: items, to: &scores) } : nil
                ) { row in
                    let item = items.row(Int(row))
                    return item.bias + user.dot(item)
                }
            case .count(let model, let instant):
                look(example, context, lease: lease, random: &random) { row in
                    Float(model.decay.popular(model.counts[Int(row)], at: instant))
                }
            }
        }
        finish()
    }

    private mutating func note(rank: Float) { hits.append(rank < Float(BlendStep.depth) ? 1 : 0) }

    private mutating func propose(_ rows: [Int32], weight: Float) {
        for row in rows { proposed.append(UInt64(UInt32(row)) << 32 | UInt64(weight.bitPattern)) }
    }

    private mutating func propose(_ rows: [Int32], by score: (Int32) -> Float) {
        let scores = rows.map(score)
        propose(Self.above(BlendSample.least(scores, first: limit), rows, scores), weight: shards)
    }

    /// The newest items that nobody has taken, in the order in which the user likes what they are about; behind them all others.
    private mutating func takeNewcomers(
        _ example: Example, _ context: borrowing LearningContext, _ parts: BlendedParts,
        lease: borrowing RowLease, ownPlace: Int?
    ) {
        var rows: [Int32] = []
        let bound = Int(example.itemBound)
        for row in stride(from: bound - 1, through: max(0, bound - Newcomers.visitedMax), by: -1) {
            let row = Int32(row)
            guard lease.holds(Int(row)), parts.isNewcomer(row), context.mayBeShown(row, example) else {
                continue
            }
            rows.append(row)
            if rows.count == Newcomers.foundMax { break }
        }
        let scores = rows.map { parts.tagLiking($0) }
        if let place = rows.firstIndex(of: example.item) {
            let above = scores.count { $0 > scores[place] }
            let level = scores.count { $0 == scores[place] } - 1
            note(rank: (Float(above) + Float(level) / 2) * shards)
        } else {
            note(rank: ownPlace.map { Float(rows.count + $0) * shards } ?? .infinity)
        }
        propose(Self.first(limit, rows, scores), weight: shards)
    }

    /// The greatest by their scores; of those level with one another the first ones.
    private static func first(_ limit: Int, _ rows: [Int32], _ scores: [Float]) -> [Int32] {
        guard rows.count > limit else { return rows }
        let places = rows.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        return places.prefix(limit).map { rows[$0] }
    }

    /// What a part says of the items that it knows of; of all others nothing.
    private mutating func take(
        _ scores: RowScores, _ example: Example, _ context: borrowing LearningContext,
        lease: borrowing RowLease, ownPlace: Int?
    ) {
        var (known, values): ([Int32], [Float]) = ([], [])
        known.reserveCapacity(scores.count)
        values.reserveCapacity(scores.count)
        for (row, value) in zip(scores.rows, scores.numbers)
        where row < example.itemBound && lease.holds(Int(row)) && context.mayBeShown(row, example) {
            known.append(row)
            values.append(value)
        }
        if let wanted = scores[example.item] {
            var (above, level) = (0, -1)
            for value in values {
                above += value > wanted ? 1 : 0
                level += value == wanted ? 1 : 0
            }
            note(rank: (Float(above) + Float(max(0, level)) / 2) * shards)
        } else {
            note(rank: ownPlace.map { Float(known.count + $0) * shards } ?? .infinity)
        }
        let least = BlendSample.least(values, first: limit)
        propose(Self.above(least, known, values), weight: shards)
    }

    /// Looks through what a part gives to all items until enough of them come before the one taken: of one that is among the
    /// first all are looked at, so that its place is exact, and of any other a sample.
    ///
    /// - Parameter beside: adds to the scores of rows what counts besides where a look-up has the part propose items; `nil` of
    ///   one that proposes none.
    private mutating func look(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease,
        random: inout KeyedRandom, beside: (([Int32], inout [Float]) -> Void)? = nil,
        score: (Int32) -> Float
    ) {
        let bound = Int(example.itemBound)
        let (wanted, start) = (score(example.item), random.next(below: bound))
        // Of a part that proposes nothing only matters whether the item is among its first.
        let (aboveMax, lookedAtMin) =
            beside == nil ? (Float(BlendStep.depth), 0) : (Float(limit), Self.lookedAtMin)
        var (shown, scores): ([Int32], [Float]) = ([], [])
        shown.reserveCapacity(2 * lookedAtMin)
        scores.reserveCapacity(2 * lookedAtMin)
        var (above, level, visited) = (0, 0, 0)
        while visited < bound {
            let row = start + visited < bound ? start + visited : start + visited - bound
            visited += 1
            guard lease.holds(row), context.mayBeShown(Int32(row), example) else { continue }
            let value = score(Int32(row))
            if beside != nil {
                shown.append(Int32(row))
                scores.append(value)
            }
            if value > wanted { above += 1 } else if value == wanted, row != example.item { level += 1 }
            if Float(above) * shards >= aboveMax, visited >= lookedAtMin { break }
        }
        // Nothing is above what is no number: the part would lead by it.
        note(rank: wanted.isNaN ? .infinity : (Float(above) + Float(level) / 2) * shards)
        guard let beside else { return }
        beside(shown, &scores)
        let part = Float(visited) / Float(bound)
        let least = BlendSample.least(scores, first: max(1, Int((Float(limit) * part).rounded())))
        propose(Self.above(least, shown, scores), weight: shards / part)
    }

    /// All where there is no bound.
    private static func above(_ least: Float?, _ rows: [Int32], _ scores: [Float]) -> [Int32] {
        guard let least else { return rows }
        // A plain loop: a lazy chain is not specialised here.
        var found: [Int32] = []
        for (row, score) in zip(rows, scores) where score > least { found.append(row) }
        return found
    }

    private mutating func finish() {
        proposed.sort()
        rows.reserveCapacity(proposed.count)
        weights.reserveCapacity(proposed.count)
        for bits in proposed {
            let row = Int32(bits >> 32)
            if rows.last == row { continue }
            rows.append(row)
            weights.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        }
    }
}
