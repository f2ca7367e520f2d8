internal import ArgumentParser
internal import BenchmarkSupport
internal import Factors
internal import Foundation
internal import Retrieval
internal import State

/// Exact top-N over the published index: each path beside the reference scan and beside what OpenBLAS gives.
struct TopNBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topn", abstract: "Time of an exact top-N look-up, seen items excluded, by each path.")

    @Option(help: "Catalogue sizes.") var items: [Int] = [4_000, 20_000, 100_000, 1_000_000]
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Option(help: "Items asked for.") var count = 10
    @Option(help: "Items the user has seen.") var seen = 100
    @Option(help: "Norms of the rows: normal or skewed.") var norms = NormSpread.normal

    func validate() throws {
        guard factors > 0, factors % 8 == 0, count > 0, seen >= 0, items.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("items and count must be above 0, factors a positive multiple of 8")
        }
    }

    func run() {
        for size in items {
            measure(InventedCatalogue(items: size, factors: factors, spread: norms, seen: seen))
        }
    }

    private func measure(_ catalogue: InventedCatalogue) {
        let runs = catalogue.items > 200_000 ? 3 : 10
        let few = InventedTag(items: catalogue.items, size: 30)
        func time(_ path: ScanPath?, order: ScoreOrder = .inner) -> Double {
            catalogue.microseconds(runs: path == .reference ? 1 : runs) { view, query, filter in
                _ = view.answer(count, query: query, order: order, filter: filter, path: path)
            }
        }
        let reference = time(.reference)
        let served = catalogue.index.read {
            $0.answer(count, query: catalogue.queries[0], filter: catalogue.filters[0]).path
        }
        func line(_ name: String, _ ours: Double, _ baselineName: String, _ baseline: Double) -> Comparison {
            Comparison(
                name: "\(catalogue.items) items, \(name)", ours: ours, baselineName: baselineName,
                baseline: baseline, unit: "µs", moreIsBetter: false)
        }
        let multiplied = multiplyAndSelect(catalogue)
        let ours = time(nil)
        Report.print([
            line("top \(count) (\(served.rawValue))", ours, "reference scan", reference),
            line("top \(count) (\(served.rawValue))", ours, "OpenBLAS sgemv alone", multiplied),
            line("exact-float", time(.exactFloat), "reference scan", reference),
            line("by cosine", time(nil, order: .cosine), "by inner product", ours),
            line("by distance", time(nil, order: .euclidean), "by inner product", ours),
            line("a tag of 30", few.time(in: catalogue, count: count, runs: runs), "no tag", ours),
            line("of 64 at once, each", batch(catalogue, runs: runs), "one by one", ours),
        ])
        publication(catalogue)
    }

    /// The products only, of all rows, without selecting: what a scan by OpenBLAS cannot be faster than.
    private func multiplyAndSelect(_ catalogue: InventedCatalogue) -> Double {
        let (vectors, algebra) = (catalogue.vectors, LinearAlgebra())
        var scores = [Float](repeating: 0, count: catalogue.items)
        return catalogue.microseconds(runs: 3) { _, query, _ in
            algebra.multiply(
                matrix: vectors, rows: catalogue.items, factors: factors, vector: query, scores: &scores)
        }
    }

    private func batch(_ catalogue: InventedCatalogue, runs: Int) -> Double {
        seconds(runs: runs) {
            catalogue.index.read {
                _ = $0.top(count, queries: catalogue.queries, filters: catalogue.filters)
            }
        } * 1e6 / Double(catalogue.queries.count)
    }

    private func publication(_ catalogue: InventedCatalogue) {
        for changed in [1_000, 10_000] where changed <= catalogue.items {
            let rows = (0..<changed).map { Int32($0 * (catalogue.items / changed)) }
            let time = seconds(runs: 5) {
                _ = catalogue.index.publish(rows: rows, from: catalogue.table) { _ in nil }
            }
            print(
                "\(catalogue.items) items, publishing \(changed) changed rows: "
                    + String(format: "%.0f µs, %.0f ns a row", time * 1e6, time * 1e9 / Double(changed)))
        }
        let ratio = Double(catalogue.index.bytes) / Double(catalogue.table.bytes)
        print(
            "\(catalogue.items) items, index memory: "
                + String(format: "%.2f times the item table's", ratio))
    }
}

/// A tag that few items have.
struct InventedTag {
    let rows: [Int32]

    init(items: Int, size: Int) {
        rows = (0..<min(size, items)).map { Int32($0 * (items / min(size, items))) }
    }

    func time(in catalogue: InventedCatalogue, count: Int, runs: Int) -> Double {
        catalogue.microseconds(runs: runs) { view, query, filter in
            var filter = filter
            filter.requiredRows = [rows]
            _ = view.top(count, query: query, filter: filter)
        }
    }
}
