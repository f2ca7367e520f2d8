import Factors
import Testing

@testable import FeatureMaps

extension Row {
    /// The vector with the bias behind it.
    fileprivate var values: [Float] { vector + [bias] }
}

@Suite("Priors of items on a stream")
struct ItemPriorsTests {
    private func priors(_ change: (inout ItemPriors.Options) -> Void = { _ in }) -> ItemPriors {
        var options = ItemPriors.Options()
        (options.itemsMin, options.penalty, options.evidence) = (2, 0.01, 10)
        change(&options)
        return ItemPriors(models: 2, options: options)
    }

    /// Items whose rows are what their features are worth: "a" 1 in the first factor, "b" 2 in the second and 0.5 of bias.
    private func table(_ features: [[String]]) -> FactorTable {
        let table = FactorTable(factors: 8)
        table.grow(to: features.count) { item, row in
            var vector = [Float](repeating: 0, count: 8)
            if features[item].contains("a") { vector[0] = 1 }
            if features[item].contains("b") { vector[1] = 2 }
            row.set(vector: vector, bias: features[item].contains("b") ? 0.5 : 0)
        }
        return table
    }

    private let features = (0..<40).map { [["a"], ["b"], ["a", "b"], ["c", "only\($0)"]][$0 % 4] }

    @Test(
        "rows without events become what their features are worth, others move by how little is known of them"
    )
    func solving() {
        let (own, rows) = (priors(), table(features))
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        // Of the first two nothing is known, and what stands there says nothing.
        for item in 0..<2 { rows.row(item).set(vector: [9, 9, 9, 9, 9, 9, 9, 9], bias: 9) }
        var moved: [Int] = []
        own.solve([nil, ItemPriors.Table(rows, hasBias: true)], users: { $0 < 2 ? 0 : 1_000 }) {
            model, row, before, _ in
            #expect(model == 1)
            if row < 2 { #expect(before == [Float](repeating: 9, count: 8)) }
            moved.append(row)
        }
        #expect(own.names == ["a", "b", "c"] && own.maps[0] == nil)
        #expect(moved.contains(0) && moved.contains(1))
        #expect(abs(rows.row(0).vector[0] - 1) < 0.02 && abs(rows.row(0).vector[1]) < 0.02)
        #expect(abs(rows.row(1).vector[1] - 2) < 0.02 && abs(rows.row(1).bias - 0.5) < 0.02)
        // Of a thousand users, moved by one part in a hundred of its first prior.
        #expect(abs(rows.row(4).vector[0] - 1 - 0.01) < 0.01)
    }

    @Test(
        "an item described later starts there at once, and follows what is said of it while nobody has taken it"
    )
    func describing() throws {
        let (own, rows) = (priors(), table(features))
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        own.solve([ItemPriors.Table(rows, hasBias: true), nil], users: { _ in 1_000 }) { _, _, _, _ in }
        rows.grow(to: 41) { _, row in row.set(vector: [5, 5, 5, 5, 5, 5, 5, 5], bias: 5) }
        own.setFeatures(["a", "b", "unheard"], of: 40)
        let first = try #require(own.prior(ofItem: 40, model: 0))
        #expect(own.move(rows.row(40), from: nil, to: first, users: 0, hasBias: true, isOwnless: true))
        #expect(rows.row(40).vector == Array(first.prefix(8)) && rows.row(40).bias == first[8])
        own.setFeatures(["b"], of: 40)
        let second = try #require(own.prior(ofItem: 40, model: 0))
        #expect(own.move(rows.row(40), from: first, to: second, users: 10, hasBias: true, isOwnless: true))
        let expected = zip(first, second).map { $0 + 0.5 * ($1 - $0) }
        for place in 0..<8 { #expect(abs(rows.row(40).vector[place] - expected[place]) < 1e-6) }
        own.setFeatures(["unheard"], of: 40)
        #expect(own.prior(ofItem: 40, model: 0) == nil && own.features.isEmpty(row: 40))
        #expect(!own.move(rows.row(40), from: nil, to: nil, users: 3, hasBias: true, isOwnless: true))
    }

    @Test(
        "a further solution moves each row by its part of what its prior moves by, whether features are the same or others",
        arguments: [false, true])
    func solvingAgain(isOther: Bool) throws {
        let (own, rows) = (priors(), table(features))
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        let tables = [ItemPriors.Table(rows, hasBias: true), nil]
        func solve() { own.solve(tables, users: { $0 == 1 ? 0 : 30 }) { _, _, _, _ in } }
        solve()
        for item in 0..<40 { rows.row(item).bias += Float(item % 5) }
        // One more word that several have is a feature of its own, and the numbers of the others change.
        if isOther { for item in 20..<24 { own.setFeatures(features[item] + ["aa"], of: item) } }
        let (before, oldNames) = ((0..<40).map { rows.row($0).values }, own.names)
        let old = try (0..<40).map { try #require(own.prior(ofItem: $0, model: 0)) }
        solve()
        #expect((own.names == oldNames) == !isOther)
        for item in 0..<40 {
            let prior = try #require(own.prior(ofItem: item, model: 0))
            let part: Float = 10 / (30 + 10)
            let expected =
                item == 1 ? prior : (0..<9).map { before[item][$0] + part * (prior[$0] - old[item][$0]) }
            #expect(zip(rows.row(item).values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test("what being passed over has taught a row stays, where rows learn from that")
    func passedOver() {
        let (own, rows) = (priors(), table(features))
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        let tables = [ItemPriors.Table(rows, hasBias: true, learnsFromUntaken: true), nil]
        func solve(_ users: @escaping (Int) -> Int32) { own.solve(tables, users: users) { _, _, _, _ in } }
        solve { $0 == 1 ? 0 : 1_000 }
        rows.row(1).bias -= 3
        let lowered = rows.row(1).bias
        for item in stride(from: 5, to: 40, by: 4) { rows.row(item).bias += 1 }
        solve { $0 == 1 ? 0 : 1_000 }
        #expect(rows.row(1).bias > lowered + 0.5 && rows.row(1).bias < lowered + 1.5)
    }

    @Test("a prior that is no number, or too long, moves nothing")
    func guarded() {
        let own = priors { $0.normMax = 3 }
        let rows = table([["a"]])
        for prior in [[Float](repeating: .nan, count: 9), [Float](repeating: 2, count: 9)] {
            let before = rows.row(0).vector
            #expect(!own.move(rows.row(0), from: nil, to: prior, users: 0, hasBias: true, isOwnless: true))
            #expect(!own.move(rows.row(0), from: nil, to: prior, users: 1, hasBias: true, isOwnless: true))
            #expect(rows.row(0).vector == before)
        }
    }

    @Test("when maps are due depends on the ordinal alone: doubling at first, then at even distances")
    func due() {
        let own = priors { ($0.eventsMin, $0.eventsMax) = (100, 1_600) }
        #expect((1...5_000).filter { own.isDue(Int64($0)) } == [100, 200, 400, 1_600, 3_200, 4_800])
        let off = priors { $0.isOn = false }
        off.setFeatures(["a"], of: 0)
        #expect(!off.isDue(100) && !off.isNeeded && off.bytes == 0)
    }

    @Test("as long as there are fewer events than features say anything of, nothing is solved")
    func tooFew() {
        let own = priors { ($0.itemsMin, $0.eventsPerFeature) = (2, 4) }
        for item in 0..<2 { own.setFeatures((0..<300).map { "t\($0)" }, of: item) }
        own.setFeatures(["t1", "of one item"], of: 2)
        #expect(!own.saysAnything(after: 1_199) && own.saysAnything(after: 1_200))
    }

    @Test("maps come back from their bytes, and the next solution is that of one that was never stored")
    func restored() throws {
        let (own, rows) = (priors(), table(features))
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        own.solve([ItemPriors.Table(rows, hasBias: true), nil], users: { Int32($0) }) { _, _, _, _ in }
        let bytes = try #require(own.bytes(ofModel: 0))
        let back = priors()
        let copy = rows.copy()
        // In another order, as a catalogue may be read: numbers of words decide nothing.
        for item in features.indices.reversed() { back.setFeatures(features[item], of: item) }
        let map = try #require(ItemPriors.map(bytes, width: 9))
        let taken = try #require(ItemPriors.taken(own.bytesOfCounts))
        #expect(back.restore(names: own.names, maps: [map, nil], taken: taken))
        #expect(back.bytes(ofModel: 0) == bytes && back.names == own.names && back.counts == own.counts)
        #expect(back.features == own.features && own.counts.taken.contains { $0 > 0 })
        #expect(!back.restore(names: own.names, maps: [map, nil], taken: taken.map { _ in .nan }))
        #expect(!back.restore(names: own.names, maps: [map, nil], taken: Array(taken.dropLast())))
        for (priors, rows) in [(own, rows), (back, copy)] {
            priors.setFeatures(["a", "b"], of: 0)
            priors.solve([ItemPriors.Table(rows, hasBias: true), nil], users: { Int32($0 % 7) }) {
                _, _, _, _ in
            }
        }
        #expect(own.bytes(ofModel: 0) == back.bytes(ofModel: 0))
        for item in features.indices { #expect(rows.row(item).vector == copy.row(item).vector) }
        #expect(ItemPriors.map(Array(bytes.dropLast()), width: 9) == nil)
        #expect(!back.restore(names: ["a"], maps: [own.maps[0], nil], taken: [1]))
    }

    @Test(
        "words that no item has any more make room, and the most common features are kept where there are too many"
    )
    func vocabulary() {
        let own = priors { $0.featuresMax = 2 }
        for turn in 0..<500 { own.setFeatures(["v\(turn)"], of: 0) }
        let rows = table(features)
        for (item, list) in features.enumerated() { own.setFeatures(list, of: item) }
        let before = own.bytes
        own.solve([ItemPriors.Table(rows, hasBias: true), nil], users: { _ in 5 }) { _, _, _, _ in }
        #expect(own.names == ["a", "b"])
        #expect(own.bytes < before)
        #expect(own.features[row: 2] == [0, 1] && own.features.isEmpty(row: 3))
    }
}
