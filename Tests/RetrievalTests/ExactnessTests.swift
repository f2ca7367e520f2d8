import Factors
import Foundation
import Testing

@testable import Retrieval

@Suite("Every path answers what the reference scan answers, to the last bit")
struct ExactnessTests {
    /// A writer on a thread of its own, which changes and adds rows without a pause.
    private final class Writer: @unchecked Sendable {
        // The table is touched by the writer's thread alone once it runs; `done` is atomic.
        let index: PublishedIndex
        private let table: FactorTable
        private var random: KeyedRandom
        private let rowsMax: Int
        private let done = Flag()
        private let ended = Flag()

        init(rows: Int, rowsMax: Int, factors: Int, seed: UInt64) {
            random = KeyedRandom(seed: seed)
            table = FactorTable(factors: factors)
            table.grow(to: rows) { _, _ in }
            table.fill(0..<rows, .skewed, &random)
            index = PublishedIndex(factors: factors)
            _ = index.publish(rows: [], from: table) { _ in popularity(1) }
            self.rowsMax = rowsMax
        }

        func start() {
            Thread { [self] in
                while !done.isSet {
                    if table.count < rowsMax {
                        let old = table.count
                        table.grow(to: old + random.next(below: 3)) { _, _ in }
                        table.fill(old..<table.count, .skewed, &random)
                    }
                    let changed = (0..<20).map { _ in random.next(below: table.count) }
                    for row in changed {
                        let kind: RowKind = random.next(below: 8) == 0 ? .mixed : .skewed
                        table.fill(row..<row + 1, kind, &random)
                    }
                    _ = index.publish(rows: changed.map(Int32.init), from: table) { _ in popularity(1) }
                }
                ended.set()
            }.start()
        }

        func stop() {
            done.set()
            while !ended.isSet { usleep(100) }
        }
    }

    /// Answers to one random query that differ from the reference scan's.
    private static func differences(_ view: borrowing IndexView, _ random: inout KeyedRandom) -> Int {
        let order = ScoreOrder.allCases[random.next(below: 4)]
        let scale: Float = [1, 1, 1, 0x1p-30, 0x1p30, 0, 0x1p-140, 0x1p100][random.next(below: 8)]
        let query = (0..<view.factors).map { _ in scale * Float(random.nextNormal()) }
        let filter = randomFilter(&random, rows: view.count)
        let limit = [1, 3, 10, 10, 40, 10_000][random.next(below: 6)]
        func bits(_ path: ScanPath?) -> [[UInt32]] {
            view.answer(limit, query: query, order: order, filter: filter, path: path).bits
        }
        let reference = bits(.reference)
        let others: [ScanPath?] = [nil, .int8, [.exactFloat, .gather][random.next(below: 2)]]
        let coarse = view.answer(
            limit, query: query, order: order, filter: filter, path: .int8, coarseFrom: 0)
        let row = random.next(below: view.count)
        func standing(_ path: ScanPath) -> Standing? {
            view.standing(of: row, depth: limit, query: query, filter: filter, path: path)
        }
        return others.count { bits($0) != reference } + (coarse.bits != reference ? 1 : 0)
            + (standing(.int8) != standing(.reference) ? 1 : 0)
    }

    @Test(
        "10,000 random queries with random filters, while rows change and come",
        arguments: [(8, 8_000, 60), (16, 1_400, 200), (24, 400, 300), (64, 200, 400)])
    func whileLearning(factors: Int, queries: Int, rows: Int) {
        let writer = Writer(rows: rows, rowsMax: rows + 100, factors: factors, seed: UInt64(factors))
        writer.start()
        defer { writer.stop() }
        var random = KeyedRandom(seed: 77, index: UInt64(factors))
        var differences = 0
        for _ in 0..<queries { differences += writer.index.read { Self.differences($0, &random) } }
        #expect(differences == 0)
    }

    @Test("rows of every unpleasant kind, with each kernel", arguments: RowKind.allCases, CodeKernel.allCases)
    func unpleasantRows(kind: RowKind, kernel: CodeKernel) {
        guard kernel.isSupported else { return }
        let (_, index) = published(220, kind, factors: 16, seed: 8, kernel: kernel)
        var random = KeyedRandom(seed: 9)
        let differences = index.read { view in
            (0..<60).reduce(0) { sum, _ in sum + Self.differences(view, &random) }
        }
        #expect(differences == 0)
    }

    @Test("queries that are not finite, that are zero, and counts that are none or too many")
    func unpleasantQueries() {
        let (_, index) = published(600, .normal, factors: 8, seed: 10)
        index.read { view in
            for value in [Float.nan, .infinity, -.infinity] {
                for order in ScoreOrder.allCases {
                    let query = [Float](repeating: 1, count: 7) + [value]
                    let answer = view.answer(10, query: query, order: order, filter: ItemFilter())
                    #expect(answer.candidates.isEmpty)
                    #expect(answer.allowed == 600)
                }
            }
            let zero = [Float](repeating: 0, count: 8)
            let byBias = view.answer(10, query: zero, filter: ItemFilter())
            let reference = view.answer(10, query: zero, filter: ItemFilter(), path: .reference)
            #expect(byBias.bits == reference.bits)
            let one = [Float](repeating: 1, count: 8)
            #expect(view.top(0, query: one, filter: ItemFilter()).isEmpty)
            #expect(view.top(-1, query: one, filter: ItemFilter()).isEmpty)
            #expect(view.top(1_000, query: one, filter: ItemFilter()).count == 600)
        }
    }

    @Test("several queries at once are answered as each by itself")
    func batches() {
        let (_, index) = published(900, .skewed, factors: 24, seed: 11)
        var random = KeyedRandom(seed: 12)
        let queries = (0..<40).map { _ in (0..<24).map { _ in Float(random.nextNormal()) } }
        let filters = queries.map { _ in randomFilter(&random, rows: 900) }
        index.read { view in
            let together = view.top(7, queries: queries, filters: filters)
            for (number, answer) in together.enumerated() {
                let alone = view.answer(7, query: queries[number], filter: filters[number])
                #expect(answer.bits == alone.bits)
                #expect(answer.path == alone.path && answer.allowed == alone.allowed)
            }
            #expect(view.top(7, queries: [], filters: []).isEmpty)
        }
    }

    @Test("a score is the same number in a list, by itself, and in a standing")
    func oneScore() {
        let (_, index) = published(700, .normal, factors: 64, seed: 13)
        var random = KeyedRandom(seed: 14)
        let query = (0..<64).map { _ in Float(random.nextNormal()) }
        index.read { view in
            let best = view.answer(20, query: query, filter: ItemFilter())
            #expect(best.path == .int8)
            let rows = best.candidates.map { Int($0.row) }
            #expect(view.scores(rows, query) == best.candidates.map(\.score))
            for (place, candidate) in best.candidates.enumerated() {
                let row = Int(candidate.row)
                #expect(view.product(row, query) + view.biases[row] == candidate.score)
                let standing = view.standing(of: row, depth: 10, query: query, filter: ItemFilter())
                #expect(standing?.score == candidate.score)
                #expect(standing?.better == place)
            }
            let unpublished = view.scores([-1, 700], query).count { $0.isNaN }
            #expect(unpublished == 2)
        }
    }
}
