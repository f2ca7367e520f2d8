import Factors
import Testing

@testable import ContentVectors

@Suite("Vectors of content")
struct ContentVectorsTests {
    /// Two kinds of items that share nothing, each of five words out of twelve.
    private func tags(_ row: Int) -> [String] {
        var random = KeyedRandom(seed: 9, index: UInt64(row))
        let words =
            row % 2 == 0
            ? [
                "space", "alien", "robot", "galaxy", "laser", "android", "rocket", "planet", "orbit", "star",
                "moon", "comet",
            ]
            : [
                "wedding", "kiss", "bride", "letter", "dance", "summer", "garden", "poem", "tea", "ring",
                "rose", "ball",
            ]
        return (0..<5).map { _ in words[random.next(below: words.count)] }
    }

    private func describe(_ vectors: inout ContentVectors, _ rows: Range<Int>) {
        for row in rows {
            vectors.describe(row, tags: tags(row), random: KeyedRandom(seed: 1, index: UInt64(row)))
            vectors.advance(to: Int64(row + 1))
        }
    }

    private func learned(_ count: Int = 300) -> ContentVectors {
        var vectors = ContentVectors(options: ContentOptions(), seed: 1)
        describe(&vectors, 0..<count)
        var ordinal = Int64(count)
        while vectors.counts.owed > 0 {
            ordinal += 1
            vectors.advance(to: ordinal)
        }
        return vectors
    }

    private func cosine(_ left: [Float], _ right: [Float]) -> Float {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test("items of a kind come to lie together, and words find their kind")
    func kinds() throws {
        var vectors = learned()
        _ = vectors.workOut()
        let units = (0..<300).map { vectors.table.row($0).vector }
        var (alike, unlike) = (Float(0), Float(0))
        for row in 2..<200 {
            alike += cosine(units[row], units[row - 2])
            unlike += cosine(units[row], units[row - 1])
        }
        #expect(alike > unlike + 100)
        let words = try #require(vectors.words.vector(of: ["rocket"]))
        let order = units.indices.sorted { cosine(units[$0], words) > cosine(units[$1], words) }
        #expect(order.prefix(100).allSatisfy { $0 % 2 == 0 })
        // Never seen, and of the same letters.
        let unseen = try #require(vectors.words.vector(of: ["Rockets"]))
        #expect(
            units.indices.max { cosine(units[$0], unseen) < cosine(units[$1], unseen) }.map { $0 % 2 } == 0)
    }

    @Test(
        "cut anywhere, saved and read back, it goes on as if nothing had happened",
        arguments: [1, 37, 150, 299])
    func saved(at cut: Int) {
        var whole = ContentVectors(options: ContentOptions(), seed: 1)
        describe(&whole, 0..<300)
        var first = ContentVectors(options: ContentOptions(), seed: 1)
        describe(&first, 0..<cut)
        var second = ContentVectors(options: ContentOptions(), seed: 1)
        for row in (0..<cut).reversed() { second.place(row, tags: tags(row)) }
        let isWhole = second.restore(first.blobs)
        #expect(isWhole)
        describe(&second, cut..<300)
        #expect(second.blobs == whole.blobs)
        let rows = second.workOut()
        #expect(rows.count >= 300 - cut)
        _ = whole.workOut()
        for row in 0..<300 { #expect(second.table.row(row).vector == whole.table.row(row).vector) }
    }

    @Test("a saved state that is cut, or holds what is no number, is refused; another seed's is passed over")
    func malformed() {
        let blobs = learned(64).blobs
        var fresh = ContentVectors(options: ContentOptions(), seed: 1)
        for name in blobs.keys {
            var damaged = blobs
            damaged[name] = Array(blobs[name]?.dropLast(3) ?? [])
            let isWhole = fresh.restore(damaged)
            #expect(!isWhole, "\(name)")
        }
        var endless = blobs
        endless["content.weights"]?.replaceSubrange(0..<4, with: [0, 0, 0x80, 0x7F])
        let isWhole = fresh.restore(endless)
        #expect(!isWhole)
        func isRefused(_ change: (inout [String: [UInt8]]) -> Void) -> Bool {
            var changed = blobs
            change(&changed)
            return !fresh.restore(changed)
        }
        for name in ["keys", "keys.shown", "weights.tags", "weights.tags.shown"] {
            let isMissed = isRefused { $0["content.\(name)"] = nil }
            #expect(isMissed, "\(name)")
        }
        let isEndless = isRefused {
            $0["content.weights.tags"]?.replaceSubrange(4..<8, with: [0, 0, 0x80, 0x7F])
        }
        let isUnordered = isRefused {
            $0["content.keys"]?.replaceSubrange(0..<8, with: repeatElement(0xFF, count: 8))
        }
        let areTooMany = isRefused {
            $0["content.counts"]? += repeatElement(0, count: 40 * TripletBlock.most)
        }
        #expect(isEndless && isUnordered && areTooMany)
        var other = ContentVectors(options: ContentOptions(), seed: 2)
        let isPassedOver = other.restore(blobs)
        #expect(isPassedOver && other.steps == 0)
        let isNothing = fresh.restore([String: [UInt8]]())
        #expect(isNothing)
    }

    @Test("of a checkpoint only what has changed is written, and all of it after one that failed")
    func unsaved() {
        var vectors = learned(300)
        let shown = vectors.shown
        let whole = vectors.takeUnsaved()
        #expect(whole == vectors.blobs)
        let nothing = vectors.takeUnsaved()
        #expect(nothing.isEmpty)
        vectors.describe(7, tags: ["tea", "rocket"], random: KeyedRandom(seed: 1))
        #expect(vectors.shown == shown)
        let part = vectors.takeUnsaved()
        #expect(part.count < whole.count && !part.isEmpty && !part.keys.contains { $0.hasSuffix("shown") })
        #expect(whole.merging(part) { $1 } == vectors.blobs)
        vectors.markUnsaved()
        let again = vectors.takeUnsaved()
        #expect(again == vectors.blobs)
    }

    @Test("the first descriptions after a checkpoint without any are saved whole, the map that is shown too")
    func late() {
        var vectors = ContentVectors(options: ContentOptions(), seed: 1)
        let nothing = vectors.takeUnsaved()
        vectors.describe(0, tags: tags(0), random: KeyedRandom(seed: 1))
        let first = vectors.takeUnsaved()
        #expect(nothing.isEmpty && first == vectors.blobs)
        var back = ContentVectors(options: ContentOptions(), seed: 1)
        back.place(0, tags: tags(0))
        // Without the map the state did not open again (simulation, seeds 20 and 21).
        let isWhole = back.restore(first)
        #expect(isWhole && back.blobs == vectors.blobs)
    }

    @Test("a state of before tags had vectors of their own goes on from what it has")
    func older() {
        let whole = learned(64)
        var blobs = whole.blobs
        for name in ["keys", "keys.shown", "weights.tags", "weights.tags.shown"] {
            #expect(blobs.removeValue(forKey: "content.\(name)")?.isEmpty == false)
        }
        blobs["content.counts"]?[0] = 1
        var older = ContentVectors(options: ContentOptions(), seed: 1)
        for row in 0..<64 { older.place(row, tags: tags(row)) }
        let isWhole = older.restore(blobs)
        #expect(isWhole && older.steps == whole.steps && older.counts == whole.counts)
        describe(&older, 64..<300)
        #expect(older.steps > whole.steps && older.blobs["content.keys"]?.isEmpty == false)
        // What it saves first is whole by itself.
        let (all, saved) = (older.blobs, older.takeUnsaved())
        #expect(saved == all)
    }

    @Test("an item that loses its tags loses its vector, and one that is described again has another")
    func redescribed() {
        var vectors = learned(64)
        _ = vectors.workOut()
        let before = vectors.table.row(2).vector
        vectors.describe(2, tags: ["wedding", "poem"], random: KeyedRandom(seed: 1))
        vectors.describe(3, tags: [], random: KeyedRandom(seed: 1))
        let rows = Set(vectors.workOut())
        #expect(rows.isSuperset(of: [2, 3]))
        #expect(vectors.table.row(2).vector != before)
        #expect(vectors.table.row(3).isZero)
    }

    @Test("without tags there is nothing: no memory of rows, nothing owed, nothing to save")
    func empty() {
        var vectors = ContentVectors(options: ContentOptions(), seed: 1)
        for row in 0..<100 {
            vectors.describe(row, tags: [], random: KeyedRandom(seed: 1))
            vectors.advance(to: Int64(row))
        }
        #expect(vectors.isEmpty)
        let (rows, isUnsaved) = (vectors.workOut(), vectors.takeUnsaved())
        #expect(rows.isEmpty && isUnsaved.isEmpty)
        #expect(vectors.table.count == 0)
    }

    @Test("descriptions that change a thousand times, and contradict each other, leave only numbers")
    func restless() {
        var vectors = ContentVectors(options: ContentOptions(), seed: 1)
        for round in 0..<1_000 {
            let tags = round % 3 == 0 ? ["a", "b"] : round % 3 == 1 ? ["c"] : []
            vectors.describe(round % 4, tags: tags, random: KeyedRandom(seed: 1, index: UInt64(round)))
            vectors.advance(to: Int64(round))
        }
        _ = vectors.workOut()
        for row in 0..<vectors.table.count {
            #expect(vectors.table.row(row).vector.allSatisfy { $0.isFinite })
        }
    }
}
