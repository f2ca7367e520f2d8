internal import ArgumentParser
internal import BenchmarkSupport
internal import Factors
internal import Foundation
internal import Retrieval
internal import State

/// What it costs to bring changed rows to the published index.
struct PublishBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Time of publishing changed item rows, a row.",
        discussion: """
            Random rows change and are published, again and again, as under a learner that draws its negatives from \
            the whole catalogue. One row in 17 has other counts: of the 17 items that BPR's defaults touch with an \
            event, one was taken. The baseline copies the same rows' floats once.

            EXAMPLES
              swift run -c release freshet-bench publish
              swift run -c release freshet-bench publish --items 100000 --rows 500
            """)

    @Option(help: "Catalogue sizes.") var items: [Int] = [4_000, 100_000]
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Option(help: "Rows that are published together.") var rows = 2_000
    @Option(help: "Publications that are timed.") var publications = 200

    func validate() throws {
        guard factors > 0, factors % 8 == 0, rows > 0, publications > 0, items.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("numbers must be above 0, factors a positive multiple of 8")
        }
    }

    func run() {
        for size in items { measure(size) }
    }

    private func measure(_ size: Int) {
        let catalogue = InventedCatalogue(items: size, factors: factors, spread: .normal, seen: 0, queries: 1)
        let parts = changes(of: size)
        let counts = (0..<size).map { Double(1 + $0 % 50) }
        let taken = (0..<size).map { $0 % 17 == 0 }
        let published = nanoseconds(parts) { rows in
            _ = catalogue.index.publish(rows: rows, from: catalogue.table) { row in
                guard taken[row] else { return nil }
                return PublishedPopularity(popular: log2(counts[row]), trend: log2(counts[row]))
            }
        }
        var copies = [Float](repeating: 0, count: size * factors)
        let copied = copies.withUnsafeMutableBufferPointer { copies -> Double in
            guard let base = copies.baseAddress else { return 0 }
            let (table, factors) = (catalogue.table, factors)
            return nanoseconds(parts) { rows in
                for row in rows { table.copyVector(Int(row), to: base + Int(row) * factors) }
            }
        }
        Report.print([
            Comparison(
                name: "\(size) items, publishing \(rows), a row", ours: published,
                baselineName: "copying its floats", baseline: copied, unit: "ns", moreIsBetter: false)
        ])
    }

    /// The rows of each publication.
    private func changes(of size: Int) -> [[Int32]] {
        var random = KeyedRandom(seed: 3)
        return (0..<publications).map { _ in
            (0..<rows).map { _ in Int32(random.next(below: size)) }
        }
    }

    /// Nanoseconds a row, the median over the publications; the first two, which find nothing in the cache, do not
    /// count.
    private func nanoseconds(_ parts: [[Int32]], _ publish: ([Int32]) -> Void) -> Double {
        let clock = ContinuousClock()
        for rows in parts.suffix(2) { publish(rows) }
        let times = parts.map { rows in clock.measure { publish(rows) }.seconds }.sorted()
        return times[times.count / 2] * 1e9 / Double(rows)
    }
}
