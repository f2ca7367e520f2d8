import Dispatch
import Factors
import Foundation
import Synchronization
import Testing

@testable import Retrieval

/// A table of seeded rows, published.
struct PublishedTable {
    let table = FactorTable(factors: 16)
    let index = PublishedIndex(factors: 16)

    init(rows: Int, seed: UInt64 = 1) {
        table.grow(to: rows) { number, row in
            var random = KeyedRandom(seed: seed, index: UInt64(number))
            row.set(
                vector: (0..<16).map { _ in Float(random.nextNormal()) }, bias: Float(random.nextNormal()))
        }
        _ = index.publish(rows: [], from: table) { popularity($0 % 7) }
    }
}

/// A clock that has just started, for counts that were all made at once.
let clock = PopularityClock(now: 0, popularHalfLife: 100, trendHalfLife: 10)

func popularity(_ count: Int) -> PublishedPopularity {
    PublishedPopularity(popular: log2(Double(count)), trend: log2(Double(count)))
}

final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

@Suite("The published index")
struct PublishedIndexTests {
    @Test(
        "the best items are those of a plain scan, under random filters", arguments: 0..<50 as Range<UInt64>)
    func topEqualsReference(seed: UInt64) {
        let published = PublishedTable(rows: 700, seed: seed)
        var random = KeyedRandom(seed: seed, stream: 9)
        var filter = ItemFilter()
        for _ in 0..<random.next(below: 600) { filter.excluded.insert(random.next(below: 700)) }
        if seed % 2 == 0 {
            var tagged = ItemBitset()
            for _ in 0..<200 { tagged.insert(random.next(below: 700)) }
            filter.required = [tagged]
        }
        let query = (0..<16).map { _ in Float(random.nextNormal()) }
        let reference = (0..<700).filter { filter.allows($0) }.map { row in
            let vector = published.table.row(row).vector
            return (row, zip(vector, query).reduce(published.table.row(row).bias) { $0 + $1.0 * $1.1 })
        }.sorted { $0.1 > $1.1 }.prefix(10)
        let best = published.index.read { $0.top(10, query: query, filter: filter) }
        #expect(best.map { Int($0.row) } == reference.map(\.0))
        for (candidate, expected) in zip(best, reference) {
            #expect(abs(candidate.score - expected.1) < 1e-4)
        }
    }

    @Test(
        "where an item stands is its place in a sorted list, under random filters",
        arguments: 0..<10 as Range<UInt64>)
    func standingEqualsReference(seed: UInt64) {
        let published = PublishedTable(rows: 1_100, seed: seed)
        var random = KeyedRandom(seed: seed, stream: 9)
        var filter = ItemFilter()
        for _ in 0..<random.next(below: 600) { filter.excluded.insert(random.next(below: 1_100)) }
        let query = (0..<16).map { _ in Float(random.nextNormal()) }
        published.index.read { view in
            let all = view.top(1_100, query: query, filter: ItemFilter())
            let allowed = all.filter { filter.allows(Int($0.row)) }
            for candidate in all {
                let row = Int(candidate.row)
                let standing = view.standing(of: row, depth: 10, query: query, filter: filter)
                #expect(standing?.score == candidate.score)
                #expect(standing?.better == allowed.count { candidate < $0 })
                #expect(standing?.bar == allowed[9].score)
            }
            let unpublished = view.standing(of: 1_100, depth: 10, query: query, filter: filter)
            #expect(unpublished == nil)
        }
    }

    @Test("equal scores stand in the order in which they are answered, and a row that is not finite nowhere")
    func standingOfTies() {
        let published = PublishedTable(rows: 12)
        let zero = [Float](repeating: 0, count: 16)
        for row in 0..<12 { published.table.row(row).set(vector: zero, bias: row == 3 ? .nan : 1) }
        _ = published.index.publish(rows: (0..<12).map { $0 }, from: published.table) { _ in nil }
        published.index.read { view in
            for (place, candidate) in view.top(12, query: zero, filter: ItemFilter()).enumerated() {
                let standing = view.standing(
                    of: Int(candidate.row), depth: 12, query: zero, filter: ItemFilter())
                #expect(standing?.better == place)
                #expect(standing.map { $0.bar == nil } == true, "there are eleven")
            }
            let notFinite = view.standing(of: 3, depth: 10, query: zero, filter: ItemFilter())
            #expect(notFinite == nil)
        }
    }

    @Test("lists by bias leave out what nobody took, and start at either end")
    func biases() {
        let published = PublishedTable(rows: 50)
        let taken = (0..<50).filter { $0 % 7 != 0 }
        let sorted = taken.sorted { published.table.bias($0) > published.table.bias($1) }
        published.index.read { view in
            let greatest = view.byBias(5, leastFirst: false, filter: ItemFilter())
            let least = view.byBias(5, leastFirst: true, filter: ItemFilter())
            #expect(greatest.map { Int($0.row) } == Array(sorted.prefix(5)))
            #expect(least.map { Int($0.row) } == Array(sorted.reversed().prefix(5)))
            #expect(least.map(\.score) == least.map { published.table.bias(Int($0.row)) })
        }
    }

    // New rows once counted as reported already, so that look-ups saw items as they were born for ever after.
    @Test("the first change of a new item is reported, and reaches the readers")
    func firstChangeOfANewRow() {
        let published = PublishedTable(rows: 3)
        published.table.row(1).bias = 7
        #expect(published.table.markChanged(1))
        #expect(!published.table.markChanged(1), "one report until it is published")
        published.table.clear(.unpublished, at: 1)
        let done = published.index.publish(rows: [1], from: published.table) { _ in popularity(41) }
        #expect(done)
        let seen = published.index.read { view in [view.biases[1], Float(clock.popular(view.popularity[1]))] }
        #expect(seen == [7, 41])
        #expect(published.table.markChanged(1))
    }

    @Test(
        "similar items are those of a plain scan, by each metric",
        arguments: [SimilarityMetric.cosine, .dot, .euclidean])
    func nearestEqualsReference(metric: SimilarityMetric) {
        let published = PublishedTable(rows: 300)
        let wanted = published.table.row(5).vector
        func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func score(_ row: Int) -> Float {
            let other = published.table.row(row).vector
            switch metric {
            case .dot: return dot(wanted, other)
            case .cosine: return dot(wanted, other) / (dot(wanted, wanted) * dot(other, other)).squareRoot()
            case .euclidean:
                return -zip(wanted, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            }
        }
        var filter = ItemFilter()
        filter.excluded.insert(5)
        let reference = (0..<300).filter { $0 != 5 }.sorted { score($0) > score($1) }.prefix(8)
        let nearest = published.index.read { $0.nearest(8, to: wanted, metric: metric, filter: filter) }
        #expect(nearest.map { Int($0.row) } == Array(reference))
    }

    @Test("a row that is not finite is never answered")
    func nonFiniteIsNotServed() {
        let published = PublishedTable(rows: 20)
        for (row, value) in [(3, Float.nan), (4, .infinity)] {
            published.table.row(row).set(vector: [Float](repeating: value, count: 16), bias: 0)
        }
        _ = published.index.publish(rows: [3, 4], from: published.table) { _ in nil }
        let best = published.index.read {
            $0.top(20, query: [Float](repeating: 1, count: 16), filter: ItemFilter())
        }
        #expect(best.count == 18)
        #expect(best.allSatisfy { $0.score.isFinite })
    }

    @Test("fewer items than asked for is an answer; equal scores come in order of rows")
    func fewAndTied() {
        let table = FactorTable(factors: 8)
        table.grow(to: 5) { _, _ in }
        let index = PublishedIndex(factors: 8)
        _ = index.publish(rows: [], from: table) { _ in popularity(1) }
        let best = index.read { $0.top(10, query: [Float](repeating: 1, count: 8), filter: ItemFilter()) }
        #expect(best.map(\.row) == [0, 1, 2, 3, 4])
        #expect(index.read { $0.mostPopular(3, clock: clock, filter: ItemFilter()) }.map(\.row) == [0, 1, 2])
    }

    @Test(
        "a popularity that is told once stays, on whichever side look-ups read, and so does one told meanwhile"
    )
    func popularityIsCarried() {
        let published = PublishedTable(rows: 40)
        func publish(_ rows: [Int32], _ counts: [Int: Int] = [:]) {
            for row in rows { published.table.row(Int(row)).bias += 1 }
            let done = published.index.publish(rows: rows, from: published.table) {
                counts[$0].map(popularity)
            }
            #expect(done)
        }
        func seen(_ row: Int) -> Float { published.index.read { Float(clock.popular($0.popularity[row])) } }
        publish([3, 17, 30], [17: 41])
        for _ in 0..<4 {
            #expect(seen(17) == 41)
            publish([17, 18])
        }
        publish([5], [5: 9])
        publish([5], [5: 12])
        publish([6])
        #expect(seen(5) == 12)
        publish([7])
        #expect(seen(5) == 12 && seen(17) == 41)
        published.table.grow(to: 60) { _, _ in }
        publish([], [59: 7])
        for row in [8, 9] as [Int32] {
            #expect(seen(59) == 7 && seen(58) == 0)
            publish([row])
        }
    }

    @Test("after any publications, either side holds for each row and block what a new index would")
    func sidesAreAsNew() {
        let (table, index) = published(150, .mixed, factors: 16, seed: 9)
        var random = KeyedRandom(seed: 10)
        var differences = 0
        for turn in 0..<20 {
            if turn % 10 == 7 {
                let old = table.count
                table.grow(to: old + 1 + random.next(below: 40)) { _, _ in }
                table.fill(old..<table.count, .mixed, &random)
            }
            let rows = (0..<random.next(below: 60)).map { _ in random.next(below: table.count) }
            for row in rows { table.fill(row..<row + 1, .mixed, &random) }
            _ = index.publish(rows: rows.map(Int32.init), from: table) { _ in nil }
            let new = PublishedIndex(factors: 16)
            _ = new.publish(rows: [], from: table) { _ in nil }
            differences += index.read { old in
                new.read { new in Self.differences(old.columns, new.columns) }
            }
        }
        #expect(differences == 0)
    }

    private static func differences(_ a: IndexColumns, _ b: IndexColumns) -> Int {
        func bits(_ columns: IndexColumns) -> [[UInt32]] {
            let rows = [
                columns.scales, columns.residuals, columns.coarseResiduals, columns.norms, columns.biases,
            ]
            let bounds = columns.blocks
            let blocks = bounds.columns
            let codes = (0..<columns.blockCount * 8 * columns.factors).flatMap {
                [UInt32(columns.upperCodes[$0]), UInt32(columns.lowerCodes[$0])]
            }
            let vectors = (0..<columns.count).flatMap { row in
                (0..<columns.laneCount).flatMap { lane in
                    (0..<8).map { columns.lanes(row)[lane][$0].bitPattern }
                }
            }
            return rows.map { column in (0..<columns.count).map { column[$0].bitPattern } }
                + blocks.map { column in (0..<columns.blockCount).map { column[$0].bitPattern } }
                + [codes, vectors]
        }
        return a.count == b.count ? zip(bits(a), bits(b)).count { $0 != $1 } : 1
    }

    @Test("rows wait once each, and none waits for others that change again and again")
    func waitingRows() {
        var waiting = WaitingRows()
        waiting.insert([700, 3, 64, 3, 70])
        #expect(waiting.take(atMost: 10) == [3, 64, 70, 700])
        #expect(waiting.isEmpty)
        waiting.insert([10, 20, 30, 400])
        #expect(waiting.take(atMost: 2) == [10, 20])
        waiting.insert([10, 20])
        // The word is gone on with; what was inserted behind comes after the rest, or with it.
        let next = waiting.take(atMost: 3)
        #expect(next.count == 3 && next.contains(30))
        #expect(Set(next + waiting.take(atMost: 9)) == [10, 20, 30, 400])
        #expect(waiting.isEmpty && waiting.take(atMost: 5).isEmpty)
        // Behind what was given out last.
        waiting.insert([1])
        #expect(waiting.take(atMost: 5) == [1])
        for turn in 0..<50 {
            waiting.insert((0..<1_000).map { $0 })
            if waiting.take(atMost: 300).contains(999) { return #expect(turn < 4) }
        }
        Issue.record("row 999 was never published")
    }

    @Test("a reader that holds the old side puts a publication off, and it is made up for later")
    func heldSideIsLeftAlone() {
        let published = PublishedTable(rows: 4)
        func setBias(_ value: Float) { published.table.row(0).bias = value }
        published.index.read { held in
            let before = held.biases[0]
            setBias(10)
            #expect(published.index.publish(rows: [0], from: published.table) { _ in nil })
            setBias(20)
            // Now the side to be written is the one held.
            #expect(!published.index.publish(rows: [0], from: published.table) { _ in nil })
            #expect(held.biases[0] == before)
            #expect(published.index.read { $0.biases[0] } == 10)
        }
        #expect(published.index.publish(rows: [], from: published.table) { _ in nil })
        #expect(published.index.read { $0.biases[0] } == 20)
    }

    @Test("readers see whole publications while the table grows and changes under them")
    func readersSeeWholePublications() async {
        let table = FactorTable(factors: 8)
        let index = PublishedIndex(factors: 8)
        let done = Flag()
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var torn = 0
                    while !done.isSet {
                        usleep(100)
                        torn += index.read { view in
                            guard view.count > 0 else { return 0 }
                            let first = view.biases[0]
                            return (0..<view.count).count {
                                view.biases[$0] != first || view.vector($0)[3] != first
                            }
                        }
                    }
                    return torn
                }
            }
            for generation in 1...200 {
                table.grow(to: generation) { _, _ in }
                let rows = (0..<Int32(generation)).map { $0 }
                for row in rows {
                    table.row(Int(row)).set(
                        vector: [Float](repeating: Float(generation), count: 8), bias: Float(generation))
                }
                while !index.publish(rows: rows, from: table, popularity: { _ in nil }) { usleep(100) }
            }
            done.set()
            for await torn in group { #expect(torn == 0) }
        }
    }
}
