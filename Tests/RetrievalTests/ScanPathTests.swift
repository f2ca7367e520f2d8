import Factors
import Testing

@testable import Retrieval

@Suite("Which path serves")
struct ScanPathTests {
    @Test("how many items a filter leaves is counted right, whatever it excludes beyond the catalogue")
    func allowedAreCounted() {
        var random = KeyedRandom(seed: 12)
        for count in [0, 1, 63, 64, 65, 127, 128, 1_000] {
            for excluded in [0, 1, 40, 300] {
                for end in [1, 64, 200, 2_000] {
                    var filter = ItemFilter()
                    filter.excluded = ItemBitset((0..<excluded).map { _ in Int32(random.next(below: end)) })
                    let allowed = (0..<count).filter { filter.allows($0) }
                    #expect(filter.resolve(count: count, fewMax: -1).count == allowed.count)
                    #expect(filter.resolve(count: count, fewMax: count).count == allowed.count)
                }
            }
        }
    }

    private let query = [Float](repeating: 1, count: 16)

    @Test("a filter that leaves few items has only those looked at, and says how many there were")
    func few() {
        let (_, index) = published(2_000, .normal, factors: 16, seed: 1)
        let tagged: [Int32] = [3, 500, 900, 1_999, 2_500]
        var filter = ItemFilter(excluded: ItemBitset([500]), requiredRows: [tagged])
        index.read { view in
            let byList = view.answer(10, query: query, filter: filter)
            #expect(byList.path == .gather)
            #expect(byList.allowed == 3)
            #expect(Set(byList.candidates.map(\.row)) == [3, 900, 1_999])
            filter = ItemFilter(excluded: ItemBitset([500]), required: [ItemBitset(tagged)])
            #expect(view.answer(10, query: query, filter: filter) == byList)
            filter.required.append(ItemBitset([4]))
            let none = view.answer(10, query: query, filter: filter)
            #expect(none.candidates.isEmpty && none.allowed == 0)
        }
    }

    @Test("an answer shorter than asked for tells allowed items whose scores are not finite from no items")
    func notFinite() {
        let (table, index) = published(40, .normal, factors: 16, seed: 2)
        table.row(7).bias = .nan
        _ = index.publish(rows: [7], from: table) { _ in nil }
        let filter = ItemFilter(requiredRows: [[6, 7]])
        let answer = index.read { $0.answer(10, query: query, filter: filter) }
        #expect(answer.candidates.map(\.row) == [6])
        #expect(answer.allowed == 2)
    }

    @Test("codes serve a catalogue, floats a small one or who asks for most of it")
    func bySize() throws {
        try #require(CodeKernel.best != .portable)
        let (_, small) = published(100, .normal, factors: 16, seed: 3)
        let (_, large) = published(2_000, .normal, factors: 16, seed: 4)
        func path(_ index: PublishedIndex, _ limit: Int) -> ScanPath {
            index.read { $0.answer(limit, query: query, filter: ItemFilter()).path }
        }
        #expect(path(small, 5) == .exactFloat)
        #expect(path(large, 5) == .int8)
        #expect(path(large, 1_500) == .exactFloat)
    }

    @Test("where norms rule out most blocks, their codes are not read")
    func pruned() throws {
        try #require(CodeKernel.best != .portable)
        let (table, index) = published(3_000, .normal, factors: 16, seed: 5)
        // Popular items come early and have long rows.
        for row in 200..<3_000 {
            table.row(row).set(vector: table.row(row).vector.map { $0 * 0.01 }, bias: 0)
        }
        _ = index.publish(rows: (200..<3_000).map { $0 }, from: table) { _ in nil }
        index.read { view in
            let answer = view.answer(10, query: query, filter: ItemFilter())
            #expect(answer.path == .pruned)
            #expect(answer.bits == view.answer(10, query: query, filter: ItemFilter(), path: .reference).bits)
        }
    }
}
