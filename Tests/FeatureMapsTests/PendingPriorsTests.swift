import Factors
import Testing

@testable import FeatureMaps

extension Row {
    fileprivate var values: [Float] { vector + [bias] }
}

@Suite("Priors that are solved while learning goes on")
struct PendingPriorsTests {
    /// Items of one to three of seven tags; what each says is learned by two models, the second without a bias.
    private struct Catalogue {
        let priors: ItemPriors
        let rows: [FactorTable]
        var count: Int { rows[0].count }

        init(_ items: Int, portionMin: Int = 4) {
            var options = ItemPriors.Options()
            (options.itemsMin, options.penalty, options.evidence) = (2, 0.1, 10)
            (options.eventsMin, options.eventsMax, options.portionMin) = (100, 1_600, portionMin)
            priors = ItemPriors(models: 2, options: options)
            rows = [FactorTable(factors: 8), FactorTable(factors: 8)]
            for item in 0..<items { add(["t\(item % 7)", "t\(item % 3)"], draw: UInt64(item)) }
        }

        func add(_ tags: [String], draw: UInt64) {
            for (model, table) in rows.enumerated() {
                table.grow(to: table.count + 1) { _, row in
                    var random = KeyedRandom(seed: 5, stream: UInt64(model), index: draw)
                    row.set(
                        vector: (0..<8).map { _ in Float(random.nextUnit() - 0.5) },
                        bias: model == 0 ? Float(random.nextUnit()) : 0)
                }
            }
            priors.setFeatures(tags, of: count - 1)
        }

        var tables: [ItemPriors.Table?] {
            [ItemPriors.Table(rows[0], hasBias: true), ItemPriors.Table(rows[1], hasBias: false)]
        }

        func users(_ item: Int) -> Int32 { Int32(item * 7 % 23) }

        func begin(_ ordinal: Int64) { priors.begin(after: ordinal, tables, items: count, users: users) }

        /// Rows of the first model that have moved.
        @discardableResult
        func move(_ ordinal: Int64) -> [Int] {
            var moved: [Int] = []
            priors.move(upTo: ordinal, tables, items: count, users: users) { model, row, _, _ in
                if model == 0 { moved.append(row) }
            }
            return moved
        }

        var values: [[Float]] { rows.flatMap { rows in (0..<count).map { rows.row($0).values } } }

        /// What a row is beyond its prior.
        func own(_ item: Int) throws -> [Float] {
            let prior = try #require(priors.prior(ofItem: item, model: 0))
            return zip(rows[0].row(item).values, prior).map { $0 - $1 }
        }
    }

    @Test("rows move at ordinals that the one before tells, all of them before the next solution is begun")
    func schedule() throws {
        var options = ItemPriors.Options()
        let priors = ItemPriors(models: 1, options: options)
        for (due, next) in [(1_024, 2_048), (32_768, 65_536), (65_536, 262_144), (1_310_720, 1_572_864)] {
            let schedule = priors.schedule(begun: Int64(due))
            #expect(schedule.start == Int64(due + min(32_768, (next - due) / 4)))
            #expect(schedule.start + PriorSchedule.portions * schedule.stride < Int64(next))
        }
        (options.eventsMin, options.eventsMax) = (1_024, 6_000)
        let others = ItemPriors(models: 1, options: options)
        #expect(others.schedule(begun: 1_024).start == 1_024 + 4_976 / 4)
        #expect(others.lastDue(after: 1_023, upTo: 1_024) == 1_024)
        #expect(others.lastDue(after: 1_024, upTo: 5_999) == nil)
        #expect(others.lastDue(after: 1_024, upTo: 18_001) == 18_000)
        let schedule = priors.schedule(begun: 131_072)
        var ordinals: [Int64] = []
        var rows = 0
        while rows < 10_000 {
            ordinals.append(schedule.next(after: rows, portion: 2_048))
            rows = schedule.rows(moved: ordinals[ordinals.endIndex - 1], portion: 2_048)
            #expect(schedule.rows(moved: ordinals[ordinals.endIndex - 1] - 1, portion: 2_048) < rows)
        }
        #expect(ordinals == (0..<5).map { 163_840 + $0 * 512 })
        #expect(schedule.rows(moved: .max, portion: 2_048) == 32 * 2_048)
        #expect(PriorSchedule(start: 0, stride: 1) == nil && PriorSchedule(start: 1, stride: 0) == nil)
        #expect(PriorSchedule(start: 1, stride: .max)?.next(after: 4, portion: 2) == .max)
    }

    @Test("nothing moves before its ordinal; then some rows do at a time, and the maps change with the last")
    func portions() {
        let catalogue = Catalogue(50)
        let before = catalogue.values
        catalogue.begin(100)
        // 100 events until the next solution: the first rows move 25 after.
        #expect(catalogue.move(124) == [] && catalogue.values == before)
        #expect(!catalogue.priors.hasWork(at: 124) && catalogue.priors.hasWork(at: 125))
        #expect(catalogue.move(125) == Array(0..<4))
        #expect(!catalogue.priors.hasMaps && catalogue.priors.hasWork(at: 126))
        #expect(catalogue.move(127) == Array(4..<12))
        #expect(catalogue.move(127) == [])
        #expect(catalogue.move(1_000) == Array(12..<50))
        #expect(catalogue.priors.hasMaps && !catalogue.priors.hasWork(at: 1_001))
    }

    @Test("moved in portions, rows are what they are moved all at once", arguments: [false, true])
    func equal(isOther: Bool) {
        let (parts, whole) = (Catalogue(50), Catalogue(50, portionMin: 1_000))
        for catalogue in [parts, whole] {
            catalogue.begin(100)
            catalogue.move(.max)
            if isOther { for item in 20..<30 { catalogue.priors.setFeatures(["t1", "aa"], of: item) } }
            catalogue.begin(200)
            for ordinal in 200...(400 as Int64) { catalogue.move(ordinal) }
        }
        #expect(parts.values == whole.values && parts.priors.names == whole.priors.names)
        #expect(parts.priors.names.contains("aa") == isOther)
        #expect(parts.priors.features == whole.priors.features)
    }

    @Test(
        "an item described, or described anew, while rows move keeps what is its own",
        arguments: [false, true])
    func described(isOther: Bool) throws {
        let catalogue = Catalogue(50)
        catalogue.begin(100)
        catalogue.move(.max)
        if isOther { for item in 20..<30 { catalogue.priors.setFeatures(["t1", "aa"], of: item) } }
        catalogue.begin(200)
        catalogue.move(250)
        func describe(_ item: Int, _ tags: [String]) {
            let old = catalogue.priors.prior(ofItem: item, model: 0)
            catalogue.priors.setFeatures(tags, of: item)
            _ = catalogue.priors.move(
                catalogue.rows[0].row(item), from: old, to: catalogue.priors.prior(ofItem: item, model: 0),
                users: catalogue.users(item), hasBias: true, isOwnless: true)
        }
        // One that has moved, one that has not, and two that came meanwhile, the first of nobody yet.
        describe(2, ["t3"])
        describe(40, ["t3", "t5"])
        catalogue.add([], draw: 1_000)
        catalogue.add([], draw: 1_001)
        let fresh = catalogue.count - 1
        describe(fresh, ["t2", "t6"])
        let own = try [2, 40, fresh].map(catalogue.own)
        catalogue.move(260)
        catalogue.move(400)
        #expect(catalogue.priors.pending == nil)
        for (item, before) in zip([2, 40, fresh], own) {
            let users = Float(catalogue.users(item))
            let own = try catalogue.own(item)
            // Of n users it has moved by a part of its prior's change: the rest counts as its own. Who was on the new
            // map moved no more.
            let isFixed = item != 40 || users == 0
            #expect(!isFixed || zip(own, before).allSatisfy { abs($0 - $1) < 1e-5 }, "item \(item)")
        }
        #expect(catalogue.priors.prior(ofItem: fresh, model: 0) != nil)
        #expect(catalogue.priors.features[row: 40].count == 2)
    }

    @Test("what is pending comes back from its bytes at every step, and ends as if it had never been away")
    func restored() throws {
        for step in [100, 125, 131, 136] as [Int64] {
            for isOther in [false, true] {
                let catalogue = Catalogue(50)
                catalogue.begin(50)
                catalogue.move(.max)
                if isOther { for item in 20..<30 { catalogue.priors.setFeatures(["t1", "aa"], of: item) } }
                catalogue.begin(100)
                catalogue.move(step)
                let stored = try #require(catalogue.priors.storedPending)
                let copy = Catalogue(0)
                for (table, original) in zip(copy.rows, catalogue.rows) {
                    table.grow(to: 50) { item, row in
                        row.set(vector: original.row(item).vector, bias: original.row(item).bias)
                    }
                }
                for item in (0..<50).reversed() {
                    let isRenamed = isOther && (20..<30).contains(item)
                    copy.priors.setFeatures(
                        isRenamed ? ["t1", "aa"] : ["t\(item % 7)", "t\(item % 3)"], of: item)
                }
                #expect(
                    copy.priors.restore(
                        names: catalogue.priors.names, maps: catalogue.priors.maps,
                        taken: catalogue.priors.counts.taken))
                #expect(copy.priors.restore(pending: stored, items: 50))
                for catalogue in [catalogue, copy] {
                    catalogue.priors.setFeatures(["t3", "aa"], of: 3)
                    catalogue.priors.setFeatures(["t3", "aa"], of: 45)
                    for ordinal in step...(step + 100) { catalogue.move(ordinal) }
                    #expect(catalogue.priors.pending == nil)
                }
                #expect(copy.values == catalogue.values && copy.priors.names == catalogue.priors.names)
                #expect(copy.priors.maps == catalogue.priors.maps)
                #expect(copy.priors.counts == catalogue.priors.counts)
                #expect(copy.priors.features == catalogue.priors.features)
            }
        }
    }

    @Test("what is pending and malformed is refused")
    func malformed() throws {
        let catalogue = Catalogue(50)
        catalogue.begin(100)
        catalogue.move(126)
        let good = try #require(catalogue.priors.storedPending)
        func isTaken(_ change: (inout ItemPriors.StoredPending) -> Void) -> Bool {
            var stored = good
            change(&stored)
            let copy = Catalogue(50)
            return copy.priors.restore(pending: stored, items: 50)
        }
        func number(_ place: Int, _ value: Int64) -> (inout ItemPriors.StoredPending) -> Void {
            { stored in
                withUnsafeBytes(of: value.littleEndian) { bytes in
                    stored.schedule.replaceSubrange(place * 8..<place * 8 + 8, with: bytes)
                }
            }
        }
        #expect(isTaken { _ in })
        #expect(!isTaken { $0.schedule.removeLast() } && !isTaken { $0.schedule = [] })
        #expect(!isTaken { $0.taken.removeLast() } && !isTaken { $0.taken[0] = .nan })
        #expect(!isTaken { $0.names.removeLast() } && !isTaken { $0.names[1] = $0.names[0] })
        #expect(!isTaken { $0.maps.removeLast() })
        #expect(!isTaken { $0.maps[0] = FeatureMap(features: 1, width: 9) })
        for (place, values) in [
            (0, [0, -1, .min]), (1, [0, -5]), (2, [-2, 51, .max, 0, 1]), (3, [-1, 50, .max]),
        ] as [(Int, [Int64])] {
            for value in values { #expect(!isTaken(number(place, value)), "\(place): \(value)") }
        }
        // Rows have moved, and none were there to.
        #expect(!isTaken(number(2, -1)))
        #expect(isTaken(number(0, .max)) && isTaken(number(1, .max)))
    }

    @Test("bytes held grow while maps are on their way, and come back")
    func bytes() {
        let catalogue = Catalogue(50)
        catalogue.begin(100)
        catalogue.move(.max)
        let settled = catalogue.priors.bytes
        catalogue.begin(200)
        #expect(catalogue.priors.bytes > settled)
        catalogue.move(.max)
        #expect(catalogue.priors.bytes <= settled + 64)
    }
}
