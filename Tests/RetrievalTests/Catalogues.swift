import Factors

@testable import Retrieval

/// Rows of a kind, by number.
enum RowKind: String, CaseIterable, Sendable {
    case normal, skewed, tiny, huge, mixed, equal, sparse, negative, notFinite

    func vector(_ random: inout KeyedRandom, factors: Int) -> [Float] {
        func normals(_ scale: Float) -> [Float] {
            (0..<factors).map { _ in scale * Float(random.nextNormal()) }
        }
        switch self {
        case .normal: return normals(1)
        case .skewed: return normals([0.1, 0.5, 1, 4][random.next(below: 4)])
        // Squares underflow; some numbers are denormal themselves.
        case .tiny: return normals([0x1p-70, 0x1p-100, 0x1p-130, 0x1p-149][random.next(below: 4)])
        // Squares overflow, or products do.
        case .huge: return normals([0x1p50, 0x1p63, 0x1p90, 0x1p125][random.next(below: 4)])
        case .mixed:
            let kinds: [RowKind] = [.normal, .tiny, .huge, .sparse, .equal, .normal, .notFinite]
            return kinds[random.next(below: kinds.count)].vector(&random, factors: factors)
        case .equal: return [Float](repeating: 0.25, count: factors)
        case .sparse:
            var vector = [Float](repeating: random.next(below: 2) == 0 ? 0 : -0, count: factors)
            if random.next(below: 3) > 0 { vector[random.next(below: factors)] = Float(random.nextNormal()) }
            return vector
        case .negative: return normals(1).map { -abs($0) }
        case .notFinite:
            var vector = normals(1)
            let values: [Float] = [.nan, .infinity, -.infinity, 1]
            vector[random.next(below: factors)] = values[random.next(below: 4)]
            return vector
        }
    }

    func bias(_ random: inout KeyedRandom) -> Float {
        switch self {
        case .normal, .skewed: return Float(random.nextNormal())
        case .mixed: return [0, -0, 1, -3, .nan, .infinity, 0x1p120, 0x1p-149][random.next(below: 8)]
        case .negative: return -20
        default: return 0
        }
    }
}

extension FactorTable {
    /// Rows and queries drawn from `random`.
    func fill(_ rows: Range<Int>, _ kind: RowKind, _ random: inout KeyedRandom) {
        for row in rows {
            self.row(row).set(vector: kind.vector(&random, factors: factors), bias: kind.bias(&random))
        }
    }
}

func published(
    _ rows: Int, _ kind: RowKind, factors: Int, seed: UInt64, kernel: CodeKernel = .best
) -> (table: FactorTable, index: PublishedIndex) {
    var random = KeyedRandom(seed: seed)
    let table = FactorTable(factors: factors)
    table.grow(to: rows) { _, _ in }
    table.fill(0..<rows, kind, &random)
    let index = PublishedIndex(factors: factors, kernel: kernel)
    _ = index.publish(rows: [], from: table) { popularity($0 % 7) }
    return (table, index)
}

/// Nothing, a few rows, many rows, and lists that meet.
func randomFilter(_ random: inout KeyedRandom, rows: Int) -> ItemFilter {
    func some(_ count: Int) -> ItemBitset {
        ItemBitset((0..<count).map { _ in Int32(random.next(below: rows + 10)) })
    }
    func list(_ count: Int) -> [Int32] {
        Set((0..<count).map { _ in Int32(random.next(below: rows + 10)) }).sorted()
    }
    switch random.next(below: 6) {
    case 0: return ItemFilter()
    case 1: return ItemFilter(excluded: some(5 * rows))
    case 2: return ItemFilter(excluded: some(20), required: [some(rows), some(rows)])
    case 3: return ItemFilter(requiredRows: [list(10)])
    case 4: return ItemFilter(excluded: some(20), required: [some(2 * rows)], requiredRows: [list(rows)])
    default: return ItemFilter(excluded: some(20))
    }
}

extension TopAnswer {
    /// Rows and scores to the last bit.
    var bits: [[UInt32]] { candidates.map { [UInt32(bitPattern: $0.row), $0.score.bitPattern] } }
}
