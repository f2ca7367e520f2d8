internal import Blending
internal import Counting
internal import Factors
internal import Learners
internal import State

/// The ledger of one model.
struct ModelLedger {
    /// Rows as they would stand without what was learned here since; empty of a model that learns none.
    let table: FactorTable
    private(set) var positives: [Int32] = []
    private(set) var counts: [DecayedCounts] = []
    private var fading: [FadingLogs] = []
    var retakes = RetakeTable()
    /// By row: likings of the item since its row was last told, here, and steps elsewhere; how often it had to wait.
    private var own: [Int32] = []
    private var others: [Int32] = []
    private var waits: [UInt8] = []
    /// Steps of the model, spread over all rows, as negatives are; all of them, and by row when it was last told.
    private var spread: Float = 0
    private var spreadAt: [Float] = []
    private var updates = 0

    init(_ model: ModelState) { table = FactorTable(factors: model.items.factors) }

    var bytes: Int {
        table.bytes + counts.capacity * (MemoryLayout<DecayedCounts>.stride + 13)
            + fading.capacity * MemoryLayout<FadingLogs>.stride
    }

    mutating func grow(to count: Int, of model: ModelState, ids: (Int) -> [UInt8]) {
        let more = count - positives.count
        positives += Array(repeating: 0, count: more)
        counts += Array(repeating: DecayedCounts(), count: more)
        if model.blend != nil { fading += Array(repeating: .untaken, count: more) }
        guard model.options.learnsRows else { return }
        own += Array(repeating: 0, count: more)
        others += Array(repeating: 0, count: more)
        waits += Array(repeating: 0, count: more)
        spreadAt += Array(repeating: spread, count: more)
        table.grow(to: count) { index, row in model.initialise(row, id: ids(index)) }
    }

    mutating func takeAllAsKnown(of model: ModelState) {
        for row in 0..<positives.count {
            positives[row] = model.positives[row]
            counts[row] = model.counts[row]
            if let blend = model.blend { fading[row] = blend.counts[row] }
            if model.options.learnsRows {
                table.copyRow(row, of: model.items, to: row)
                model.items.clear(.unshared, at: row)
            }
        }
        if let counter = model.counter { retakes = counter.retakes }
    }

    // MARK: - Changes

    mutating func countSteps(of model: ModelState) {
        guard model.options.learnsRows, !positives.isEmpty else { return }
        spread += Float(max(0, model.updates - updates)) / Float(positives.count)
        updates = model.updates
    }

    /// Whether nothing was counted of the row that the others do not know.
    func isAsTold(_ row: Int, of model: ModelState) -> Bool {
        let (now, before) = (model.counts[row], counts[row])
        return model.positives[row] == positives[row] && now.popular == before.popular
            && now.trend == before.trend && now.at == before.at
            && model.blend.map { $0.counts[row] == fading[row] } ?? true
    }

    mutating func takeCounts(_ row: Int, _ number: Int, of model: ModelState, clock: Int64) -> ItemPart {
        var part = ItemPart(model: number)
        part.positives = model.positives[row] - positives[row]
        positives[row] = model.positives[row]
        let (now, before) = (model.counts[row], counts[row])
        if now.popular != before.popular || now.trend != before.trend || now.at != before.at {
            let gain = model.decay.gain(of: now, since: before)
            part.counts = CountsChange(
                popular: gain.popular, trend: gain.trend, age: model.decay.isTimed ? now.at : clock - now.at)
            counts[row] = now
        }
        if let blend = model.blend, blend.counts[row] != fading[row] {
            let now = blend.counts[row]
            part.fading = FadingChange(
                gains: blend.rule.rates.gain(of: now, since: fading[row]), age: clock - now.ordinal,
                time: now.time)
            fading[row] = now
        }
        if model.options.learnsRows { own[row] += max(0, part.positives) }
        return part
    }

    /// How far the row has moved, times how long it has waited; 0 where it has not moved.
    mutating func urgency(_ row: Int, of model: ModelState, least: Float) -> Float {
        let (now, before) = (model.items.row(row), table.row(row))
        var (squares, most) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in now.indices {
            let difference = now[lane] - before[lane]
            squares += difference * difference
            most.replace(with: difference, where: difference .> most)
            most.replace(with: -difference, where: -difference .> most)
        }
        let bias = abs(now.bias - before.bias)
        guard max(most.max(), bias) >= least || now.step != before.step else {
            // What is left is of rounding; it counts once the row moves on.
            model.items.clear(.unshared, at: row)
            return 0
        }
        return (squares.sum() + bias * bias).squareRoot() * Float(Int(waits[row]) + 1)
    }

    mutating func wait(_ row: Int) { if waits[row] < .max { waits[row] += 1 } }

    /// What the row has moved by, by the rule; `nil` where that is nothing that can be said.
    mutating func takeRow(_ row: Int, of model: ModelState, _ options: ExchangeOptions) -> RowChange? {
        let (now, before) = (model.items.row(row), table.row(row))
        let mine = max(1, own[row] + Int32(min(1e9, spread - spreadAt[row])))
        let theirs = others[row]
        (own[row], others[row], waits[row], spreadAt[row]) = (0, 0, 0, spread)
        let share: Float =
            switch options.rule {
            case .added: 1
            case .damped(let few): (Float(mine) + few) / (Float(mine) + Float(theirs) + few)
            case .averaged: Float(mine) / (Float(mine) + Float(theirs))
            case .elastic(let part): part
            }
        let takesBack =
            switch options.rule {
            case .damped, .averaged: share < 1
            case .added, .elastic: false
            }
        var moved = (0..<table.factors / 8).map { (now[$0] - before[$0]) * share }
        let most = moved.reduce(Float(0)) { max($0, $1.max(), -$1.min()) }
        let (scale, bias) = (most / 127, (now.bias - before.bias) * share)
        let step = now.step - before.step
        guard scale.isFinite, bias.isFinite, step.isFinite else { return nil }
        var codes: [Int8] = []
        codes.reserveCapacity(table.factors)
        for lane in moved.indices {
            let rounded = scale > 0 ? (moved[lane] / scale).rounded(.toNearestOrEven) : .zero
            for number in 0..<8 { codes.append(Int8(max(-127, min(127, rounded[number])))) }
            moved[lane] = rounded * scale
        }
        for lane in moved.indices {
            // Who averages takes back the rest of the own steps too.
            if takesBack { now[lane] = now[lane] - (now[lane] - before[lane]) * (1 - share) }
            before[lane] = before[lane] + moved[lane]
        }
        if takesBack { now.bias = before.bias + bias }
        before.bias += bias
        before.step = now.step
        model.items.clear(.unshared, at: row)
        if case .elastic(let part) = options.rule, part < 1 { model.items.mark(.unshared, at: row) }
        return RowChange(scale: scale, codes: codes, bias: bias, step: step, weight: mine)
    }

    // MARK: - What is no news

    /// The row has moved, and that is nothing to tell.
    mutating func follow(_ now: Row, _ row: Int, movedFrom before: [Float], _ bias: Float) {
        let own = table.row(row)
        for lane in own.indices {
            var difference = now[lane]
            for number in 0..<8 { difference[number] -= before[lane * 8 + number] }
            own[lane] = own[lane] + difference
        }
        own.bias += now.bias - bias
    }

    mutating func merge(_ part: ItemPart, _ place: Int, of model: ModelState, clock: Int64) {
        positives[place] = positives[place].addingClamped(part.positives)
        if let gain = part.counts {
            let at = model.decay.isTimed ? gain.age : clock - gain.age
            model.decay.add((gain.popular, gain.trend), at: at, to: &counts[place])
        }
        if let gain = part.fading, let blend = model.blend {
            blend.rule.rates.add(gain.gains, ordinal: clock - gain.age, time: gain.time, to: &fading[place])
        }
        if let row = part.row, model.options.learnsRows {
            others[place] = others[place].addingClamped(max(0, row.weight))
        }
    }
}
