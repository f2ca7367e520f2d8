import Factors
import Testing

@testable import ContentVectors

@Suite("Tags' own vectors")
struct TagVectorsTests {
    private let one = [TripletModel.Lane](repeating: .one, count: TripletModel.lanes)

    private func vector(_ tags: TagVectors, _ key: UInt64) -> [Float] {
        var sum = [TripletModel.Lane](repeating: .zero, count: TripletModel.lanes)
        tags.add(key, weight: 1, to: &sum)
        return sum.flatMap { lane in (0..<8).map { lane[$0] } }
    }

    @Test("a tag learns against its gradient, ever less; one that never learned adds nothing")
    func learns() {
        var tags = TagVectors()
        tags.step(7, one[...])
        let first = vector(tags, 7)
        tags.step(7, one[...])
        let second = vector(tags, 7)
        #expect(first.allSatisfy { $0 < 0 && $0 > -0.11 })
        #expect(zip(first, second).allSatisfy { $1 < $0 && $0 - $1 < -$0 })
        #expect(vector(tags, 8).allSatisfy { $0 == 0 })
    }

    @Test("what is no number, or no direction, teaches nothing and takes no room")
    func strange() {
        var tags = TagVectors()
        tags.step(1, one.map { _ in .zero }[...])
        tags.step(2, one.map { $0 * .infinity }[...])
        tags.step(3, one.map { $0 * .nan }[...])
        #expect(tags == TagVectors())
    }

    @Test("beyond the bound further tags have none, until others are let go")
    func bounded() {
        var tags = TagVectors()
        for key in 0..<UInt64(TagVectors.tagsMax + 10) { tags.step(key, one[...]) }
        #expect(tags.isFull)
        let (bytes, late) = (tags.bytes, UInt64(TagVectors.tagsMax + 5))
        #expect(vector(tags, late).allSatisfy { $0 == 0 })
        let kept = vector(tags, 4)
        tags.keep { $0 % 2 == 0 }
        #expect(!tags.isFull && vector(tags, 4) == kept && vector(tags, 5).allSatisfy { $0 == 0 })
        tags.step(late, one[...])
        #expect(vector(tags, late).allSatisfy { $0 < 0 } && tags.bytes <= bytes)
    }

    @Test("a whole vocabulary changes, and what the new words mean is learned")
    func drift() {
        var options = ContentOptions()
        options.passes = 2
        var vectors = ContentVectors(options: options, seed: 1)
        var ordinal: Int64 = 0
        func describe(_ round: Int) {
            for row in 0..<3_000 {
                ordinal += 1
                let tags = (0..<6).map { "r\(round)-\(row * 6 + $0)" } + ["r\(round)-all-\(row % 7)"]
                vectors.describe(row, tags: tags, random: KeyedRandom(seed: 1, index: UInt64(ordinal)))
                vectors.advance(to: ordinal)
            }
        }
        for round in 0..<3 { describe(round) }
        let used = vectors.book.keysInUse
        let known = used.count { vector(vectors.shown.own, $0).contains { $0 != 0 } }
        #expect(known > used.count / 4)
        #expect(vectors.shown.own.bytes < 8 << 20)
    }
}
