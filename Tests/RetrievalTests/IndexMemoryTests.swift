import Factors
import Testing

@testable import Retrieval

@Suite("The index's memory")
struct IndexMemoryTests {
    @Test("unchanged rows are held once: less than twice the item table, after any number of publications")
    func belowTwice() {
        let (table, index) = published(6_000, .normal, factors: 64, seed: 1)
        var random = KeyedRandom(seed: 2)
        for _ in 0..<200 {
            let rows = (0..<50).map { _ in Int32(random.next(below: 6_000)) }
            for row in rows { table.row(Int(row)).bias += 1 }
            #expect(index.publish(rows: rows, from: table) { _ in nil })
        }
        // To the rows at hand, because both have spare capacity.
        let perRow = Double(index.bytes) / 6_000
        #expect(perRow < 2 * 265)
        // Two sides of 64 codes, a slot, five floats, popularity and a sixteenth of seven bounds; 64 floats once.
        let sides = 2 * 105.75
        #expect(perRow >= sides + 256, "every column is counted")
        index.read { view in
            let wrong = (0..<6_000).count {
                view.biases[$0] != table.bias($0) || view.vector($0) != table.row($0).vector
            }
            #expect(wrong == 0)
        }
    }

    @Test(
        "a large catalogue that has changed altogether is published a fifth at a time, and stays below twice"
    )
    func portions() {
        let (table, index) = published(30_000, .equal, factors: 64, seed: 4)
        for row in 0..<30_000 { table.row(row).bias = 1 }
        func changed() -> Int { index.read { view in (0..<30_000).count { view.biases[$0] == 1 } } }
        let all = (0..<Int32(30_000)).map { $0 }
        #expect(!index.publish(rows: all, from: table) { _ in nil })
        #expect(changed() == 6_000)
        for count in [12_000, 18_000, 24_000] {
            #expect(!index.publish(rows: [], from: table) { _ in nil })
            #expect(changed() == count)
        }
        #expect(index.publish(rows: [], from: table) { _ in nil })
        #expect(changed() == 30_000)
        #expect(Double(index.bytes) < 2 * Double(table.bytes))
    }

    @Test("a row that changes twice before it is published is published once, as it is then")
    func twice() {
        let (table, index) = published(100, .normal, factors: 8, seed: 3)
        for value in [Float(1), 2, 3, 4, 5] {
            table.row(9).bias = value
            #expect(index.publish(rows: [9, 9, 3], from: table) { _ in nil })
            let seen = index.read { $0.biases[9] }
            #expect(seen == value)
        }
    }
}
