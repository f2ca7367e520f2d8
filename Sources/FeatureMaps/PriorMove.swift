internal import Factors

/// Moves items' rows with their priors, as one solution follows another.
struct PriorMove {
    /// What one row is moved by.
    struct Standing {
        /// n.
        var users: Int32
        var hasBias: Bool
        /// Where n is 0, the row knows nothing of its own, and becomes the prior.
        var isOwnless: Bool
        /// κ.
        var evidence: Float

        var becomesPrior: Bool { users <= 0 && isOwnless }
        /// Of what its prior moves by, the part that the row does.
        var share: Float { evidence / (Float(max(0, users)) + evidence) }
    }

    /// The map that rows stand on, and the one that they are to stand on; features of the items by either.
    let before: (map: FeatureMap?, features: RowLists)
    let now: (map: FeatureMap?, features: RowLists)
    /// By how much what each feature is worth has changed, where the features are the same.
    let change: FeatureMap?
    let evidence: Float
    let normMax: Float

    /// - Parameter moved: called with each row that has changed, and the vector and bias that it had.
    func rows(
        _ rows: Range<Int>, of table: ItemPriors.Table, users: (Int) -> Int32,
        moved: (_ row: Int, _ before: [Float], _ bias: Float) -> Void
    ) {
        // One array each for all rows.
        var held = [Float](repeating: 0, count: table.rows.factors)
        var (old, new) = (room(for: before.map), room(for: now.map))
        let (oldFeatures, newFeatures) = (before.features, now.features)
        for item in rows {
            let wasDescribed = !old.isEmpty && !oldFeatures.isEmpty(row: item)
            let isDescribed = !new.isEmpty && !newFeatures.isEmpty(row: item)
            guard wasDescribed || isDescribed else { continue }
            let row = table.rows.row(item)
            let bias = row.bias
            held.withUnsafeMutableBufferPointer { held in
                if let start = held.baseAddress { table.rows.copyVector(item, to: start) }
            }
            let standing = Standing(
                users: users(item), hasBias: table.hasBias, isOwnless: !table.learnsFromUntaken,
                evidence: evidence)
            let isMoved: Bool
            if let change, !standing.becomesPrior {
                newFeatures.with(row: item) { change.copyRow(of: $0, to: &new) }
                isMoved = Self.move(row, by: new, standing, normMax: normMax)
            } else {
                if wasDescribed { oldFeatures.with(row: item) { before.map?.copyRow(of: $0, to: &old) } }
                if isDescribed { newFeatures.with(row: item) { now.map?.copyRow(of: $0, to: &new) } }
                isMoved = Self.move(
                    row, from: wasDescribed ? old : nil, to: isDescribed ? new : nil, standing,
                    normMax: normMax)
            }
            if isMoved { moved(item, held, bias) }
        }
    }

    private func room(for map: FeatureMap?) -> [Float] {
        map.map { Array(repeating: 0, count: $0.width) } ?? []
    }

    /// - Parameters:
    ///   - before: the prior that the row has stood on, the vector with the bias behind it; `nil` for none.
    ///   - normMax: greatest norm of a row that is made.
    /// - Returns: whether the row has changed.
    static func move(
        _ row: Row, from before: [Float]?, to now: [Float]?, _ standing: Standing, normMax: Float
    ) -> Bool {
        guard before != now else { return false }
        let count = row.indices.count * 8
        let nothing = before == nil || now == nil ? [Float](repeating: 0, count: count + 1) : []
        let (target, origin) = (now ?? nothing, before ?? nothing)
        if standing.becomesPrior, now != nil {
            let bias = standing.hasBias ? target[count] : row.bias
            return lanes(target, origin) { target, _ in
                set(row, bias, normMax) { target[$0] }
            }
        }
        let share = standing.share
        // A row that stood on nothing is moved by its first prior too. Drawn to it instead, as it may have learned by
        // itself what its features say, it predicted worse on both MovieLens streams.
        let bias = standing.hasBias ? row.bias + share * (target[count] - origin[count]) : row.bias
        return lanes(target, origin) { target, origin in
            set(row, bias, normMax) { row[$0] + share * (target[$0] - origin[$0]) }
        }
    }

    /// The same by what the prior has changed by.
    private static func move(_ row: Row, by change: [Float], _ standing: Standing, normMax: Float) -> Bool {
        let (count, share) = (row.indices.count * 8, standing.share)
        let bias = standing.hasBias ? row.bias + share * change[count] : row.bias
        return lanes(change, change) { change, _ in set(row, bias, normMax) { row[$0] + share * change[$0] } }
    }

    /// Sets a row to what `value` makes of its lanes; not where that is too great, or no number.
    private static func set(
        _ row: Row, _ bias: Float, _ normMax: Float, _ value: (Int) -> SIMD8<Float>
    ) -> Bool {
        var squares = SIMD8<Float>.zero
        for lane in row.indices {
            let made = value(lane)
            squares = squares + made * made
        }
        // Not so for NaN either.
        guard squares.sum().squareRoot() <= normMax, abs(bias) <= normMax else { return false }
        for lane in row.indices { row[lane] = value(lane) }
        row.bias = bias
        return true
    }

    /// Two arrays in lanes of eight. Unsafe, as a catalogue's rows are moved between two events: number by number, each within
    /// its bounds, that takes several times as long.
    private static func lanes(
        _ first: [Float], _ second: [Float], _ body: (Lanes, Lanes) -> Bool
    ) -> Bool {
        first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in body(Lanes(bytes: first), Lanes(bytes: second)) }
        }
    }

    private struct Lanes {
        let bytes: UnsafeRawBufferPointer

        subscript(lane: Int) -> SIMD8<Float> {
            bytes.loadUnaligned(fromByteOffset: lane * 32, as: SIMD8<Float>.self)
        }
    }
}
