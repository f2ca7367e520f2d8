import Factors
import Testing

@Suite("Keyed randomness and leases")
struct FactorsTests {
    @Test("the same key draws the same numbers, another key others")
    func keyed() {
        func draws(_ seed: UInt64, _ index: UInt64) -> [UInt64] {
            var random = KeyedRandom(seed: seed, stream: 3, index: index)
            return (0..<8).map { _ in random.next() }
        }
        #expect(draws(1, 7) == draws(1, 7))
        #expect(draws(1, 7) != draws(1, 8))
        #expect(draws(1, 7) != draws(2, 7))
    }

    @Test("draws below a bound cover it evenly")
    func uniform() {
        var random = KeyedRandom(seed: 5)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 { counts[random.next(below: 10)] += 1 }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
    }

    @Test("new rows have the stated spread")
    func initialisation() {
        let table = FactorTable(factors: 64)
        table.grow(to: 200) { index, row in
            var random = KeyedRandom(seed: 1, bytes: "item \(index)".utf8)
            random.initialise(row)
        }
        let values = (0..<200).flatMap { table.row($0).vector }.map(Double.init)
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        #expect(abs(deviation - 0.1 / 8) < 0.0005)
        let mean = values.reduce(0, +) / Double(values.count)
        #expect(abs(mean) < 0.0005)
        // Of a normal one 0.683 of all are within one deviation and 0.954 within two.
        func part(within bound: Double) -> Double {
            Double(values.count { abs($0) < bound * deviation }) / Double(values.count)
        }
        #expect(abs(part(within: 1) - 0.683) < 0.02 && abs(part(within: 2) - 0.954) < 0.02)
    }

    @Test("a row that was drawn is told of once, and again as changed")
    func drawn() {
        let table = FactorTable(factors: 8)
        table.grow(to: 2) { _, _ in }
        table.clear(.unsaved, at: 0)
        #expect(table.markDrawn(0))
        #expect(!table.markDrawn(0))
        #expect(table.isMarked(.unsaved, at: 0) && table.isMarked(.unshared, at: 0))
        #expect(!table.isMarked(.unpublished, at: 0))
        #expect(table.markChanged(0))
        table.clear(.drawn, at: 0)
        // It is in the list of those that changed, and once it was taken from there it is in none.
        #expect(!table.markDrawn(0))
        table.clear(.unpublished, at: 0)
        #expect(table.markDrawn(0))
        #expect(table.markChanged(1) && !table.markDrawn(1))
    }

    // Beyond a megabyte a table is mapped, and moves page by page.
    @Test("a table that grows keeps its rows, and new ones are zero")
    func growth() {
        let table = FactorTable(factors: 64)
        var grown = 0
        for count in [10, 1_000, 5_000, 20_000, 120_000] {
            table.grow(to: count) { index, row in
                #expect(row.isZero && row.bias == 0 && row.step == 0)
                row[3] = SIMD8(repeating: Float(index + 1))
                (row.bias, row.step) = (Float(index), 2)
            }
            for index in 0..<count {
                let row = table.row(index)
                if row[3] == SIMD8(repeating: Float(index + 1)), row[4] == .zero, row.bias == Float(index),
                    row.step == 2, table.isMarked(.unsaved, at: index)
                {
                    grown += 1
                }
            }
        }
        #expect(grown == 10 + 1_000 + 5_000 + 20_000 + 120_000)
        #expect(table.bytes == 120_000 * (64 * 4 + 9))
    }

    @Test("every pair of blocks shares a shard in some batch, and shards are of about one size")
    func assignmentsMix() {
        var together = Set<Int>()
        var inFirst = 0
        for batch in 0..<64 as Range<UInt64> {
            let assignment = ShardAssignment(shards: 4, key: KeyedRandom.mix(batch))
            for block in 1..<32 where assignment.shard(of: 0) == assignment.shard(of: block * 16) {
                together.insert(block)
            }
            inFirst += (0..<64).count { assignment.shard(of: $0 * 16) == 0 }
        }
        #expect(together.count == 31)
        #expect((700...1350).contains(inFirst))
    }

    @Test("a shard can be lent again once it is given back")
    func lendAgain() {
        let book = LeaseBook(shards: 2)
        let assignment = ShardAssignment(shards: 2, key: 1)
        for _ in 0..<3 {
            let lease = book.lend(1, of: assignment)
            #expect(lease.shard == 1)
        }
    }

    @Test("lending a shard twice at once stops the process rather than let two queues write one row")
    func lendTwice() async {
        await #expect(processExitsWith: .failure) {
            let book = LeaseBook(shards: 1)
            let assignment = ShardAssignment(shards: 1, key: 1)
            let first = book.lend(0, of: assignment)
            let second = book.lend(0, of: assignment)
            _ = first.shard + second.shard
        }
    }
}
