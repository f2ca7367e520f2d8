internal import ArgumentParser
internal import Factors
internal import Foundation
internal import Retrieval

/// Exact top-N over the published index, beside a scan that a number at a time and a full sort make.
struct TopNBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topn", abstract: "Exact top-N of the published index, in process, on one core.")

    @Option(help: "Catalogue sizes.") var items: [Int] = [4_000, 20_000, 100_000]
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Option(help: "Items asked for.") var count = 10
    @Option(help: "Items the user has seen.") var seen = 100

    func run() {
        Report.print(items.map(measure))
    }

    private func measure(_ items: Int) -> Comparison {
        let table = FactorTable(factors: factors)
        table.grow(to: items) { index, row in
            var random = KeyedRandom(seed: 1, index: UInt64(index))
            random.initialise(row)
        }
        let index = PublishedIndex(factors: factors)
        _ = index.publish(rows: [], from: table) { _ in .none }
        var random = KeyedRandom(seed: 2)
        var filter = ItemFilter()
        for _ in 0..<seen { filter.excluded.insert(random.next(below: items)) }
        let queries = (0..<20).map { _ in (0..<factors).map { _ in Float(random.nextUnit() - 0.5) } }
        let vectors = (0..<items).flatMap { table.row($0).vector }
        let ours = seconds {
            for query in queries { _ = index.read { $0.top(count, query: query, filter: filter) } }
        }
        let naive = seconds { for query in queries { _ = scanAndSort(vectors, query, filter) } }
        return Comparison(
            name: "top \(count) of \(items) items, K=\(factors)", ours: ours / 20 * 1e6,
            baselineName: "plain scan and sort", baseline: naive / 20 * 1e6, unit: "µs", moreIsBetter: false)
    }

    private func scanAndSort(_ vectors: [Float], _ query: [Float], _ filter: ItemFilter) -> [Int] {
        let scores = (0..<vectors.count / factors).filter { filter.allows($0) }.map { row in
            var score: Float = 0
            for k in 0..<factors { score += vectors[row * factors + k] * query[k] }
            return (row, score)
        }
        return scores.sorted { $0.1 > $1.1 }.prefix(count).map(\.0)
    }
}
