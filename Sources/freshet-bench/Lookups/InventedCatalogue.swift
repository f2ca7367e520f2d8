internal import ArgumentParser
internal import BenchmarkSupport
internal import Factors
internal import Foundation
internal import Retrieval

/// How the norms of invented rows are spread.
enum NormSpread: String, CaseIterable, ExpressibleByArgument {
    /// Standard normal numbers: all norms much alike.
    case normal
    /// Normal numbers, each row times a lognormal (σ = 0.5), as the norms of learned factors are skewed.
    case skewed
}

/// A published index of invented items, and queries to ask it.
struct InventedCatalogue {
    let items: Int
    let factors: Int
    let table: FactorTable
    let index: PublishedIndex
    let queries: [[Float]]
    /// Rows that each query's user has seen.
    let seen: [[Int32]]
    let filters: [ItemFilter]

    init(items: Int, factors: Int, spread: NormSpread, seen seenCount: Int, queries count: Int = 64) {
        let table = FactorTable(factors: factors)
        table.grow(to: items) { number, row in
            var random = KeyedRandom(seed: 1, index: UInt64(number))
            let scale = spread == .skewed ? Float(exp(0.5 * random.nextNormal())) : 1
            row.set(vector: (0..<factors).map { _ in scale * Float(random.nextNormal()) }, bias: 0)
        }
        let index = PublishedIndex(factors: factors)
        _ = index.publish(rows: [], from: table) { _ in nil }
        var random = KeyedRandom(seed: 2)
        (self.items, self.factors, self.table, self.index) = (items, factors, table, index)
        queries = (0..<count).map { _ in (0..<factors).map { _ in Float(random.nextNormal()) } }
        seen = (0..<count).map { _ in (0..<seenCount).map { _ in Int32(random.next(below: items)) } }
        filters = seen.map { ItemFilter(excluded: ItemBitset($0)) }
    }

    /// The rows one after another, as other libraries take them.
    var vectors: [Float] {
        var vectors: [Float] = []
        vectors.reserveCapacity(items * factors)
        for row in 0..<items { table.appendVector(row, to: &vectors) }
        return vectors
    }

    /// Microseconds that a look-up takes, one at a time: the median over the queries of the least of `runs`.
    func microseconds(runs: Int, _ lookup: (borrowing IndexView, [Float], ItemFilter) -> Void) -> Double {
        let clock = ContinuousClock()
        var least = [Double](repeating: .infinity, count: queries.count)
        for _ in 0..<runs {
            for (number, query) in queries.enumerated() {
                let start = clock.now
                index.read { lookup($0, query, filters[number]) }
                least[number] = min(least[number], start.duration(to: clock.now).seconds * 1e6)
            }
        }
        return least.sorted()[least.count / 2]
    }
}
