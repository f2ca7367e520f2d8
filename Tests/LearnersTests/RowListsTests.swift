import Factors
import Testing

@Suite("Lists of numbers by row")
struct RowListsTests {
    @Test("that come, grow, shrink and go are what was set last, in little room")
    func setting() {
        var random = KeyedRandom(seed: 3)
        var (lists, expected) = (RowLists(), [Int: [Int32]]())
        for _ in 0..<20_000 {
            let row = random.next(below: 50)
            let list = (0..<random.next(below: 40)).map { _ in Int32(random.next(below: 1_000)) }
            lists.set(list, of: row)
            expected[row] = list
        }
        for row in 0..<60 {
            #expect(Array(lists[row: row]) == expected[row] ?? [])
            #expect(lists.isEmpty(row: row) == (expected[row] ?? []).isEmpty)
            #expect(lists.with(row: row) { list in list.indices.map { list[$0] } } == expected[row] ?? [])
        }
        #expect(lists.bytes < 50 * 40 * 4 * 4 + 8_192)
    }

    @Test("replaced all at once are what each row was given, and copies made before keep theirs")
    func replacing() {
        var lists = RowLists()
        lists.set([1, 2, 3], of: 0)
        lists.set([4], of: 2)
        let before = lists
        lists.replaceAll { row, numbers in numbers += before[row: row].filter { $0 != 2 }.map { $0 + 10 } }
        #expect((0..<3).map { Array(lists[row: $0]) } == [[11, 13], [], [14]])
        #expect((0..<3).map { Array(before[row: $0]) } == [[1, 2, 3], [], [4]])
        #expect(lists != before)
        lists.set([1, 2, 3], of: 0)
        lists.set([4], of: 2)
        #expect(lists == before)
    }
}
